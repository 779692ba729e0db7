// Must build: differs from dropped_result.cc in looking at the result.
#include "base/result.h"

gatehouse::Result<int> Count();

bool Caller() { return Count().has_value(); }
