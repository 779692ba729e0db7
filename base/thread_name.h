// Names a thread so that people recognise it in ps, top and traces.
#pragma once

namespace gatehouse {

// Names the calling thread. `name` has at most 15 characters (a kernel limit).
void SetThreadName(const char* name);

}  // namespace gatehouse
