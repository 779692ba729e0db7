// What the daemon does to files, one thing after the other and on one thread,
// so that somebody can stop it at each of its system calls.
//
//     STATE-DIRECTORY OPERATION...
//
//     start            opens vault and history; makes them if there are none
//     isolate FILE     as after a hit
//     restore ID       to where it was
//     remove ID
//     recover          what the daemon does before it protects
//     report FOLDER    what is known, and what the vault would give back
//     --               what follows is the part that matters (driver_part.h)
//
// The first operation is start.
#pragma once

#include <string>
#include <vector>

namespace gatehouse {

// Does them, and says on standard output what came of each, one line of fields
// with tabs between them, when all is done. That an operation failed is a
// result, too. One thread; for a process that ends after it.
void DriveQuarantine(const std::vector<std::string>& arguments);

// What many such processes can inherit from the one that forks them.
void PrepareDriver();

}  // namespace gatehouse
