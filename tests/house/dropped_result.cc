// Must not build: an error would be lost.
#include "base/result.h"

gatehouse::Result<int> Count();

void Caller() { Count(); }
