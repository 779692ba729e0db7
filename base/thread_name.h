// Names a thread so that people recognise it in ps, top and traces, and sets
// its place among the others.
#pragma once

namespace gatehouse {

// Names the calling thread. `name` has at most 15 characters (a kernel limit).
void SetThreadName(const char* name);

// A thread inherits the priority of who made it. Supervisor, a starting worker,
// the reader of events and the timers of deadlines go first, for everybody who
// is held waits for them; whoever does work that others can ask for, calls
// this.
void UseOrdinaryPriority();

}  // namespace gatehouse
