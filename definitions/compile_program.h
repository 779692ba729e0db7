// The program that compiles definitions: this very program, started again in a
// sandbox of its own.
//
// Every program that may have to compile calls RunIfCompileProgram first of
// all. Thread-compatible.
#pragma once

#include <optional>

namespace gatehouse {

// The first argument of a compile program; the others are between it and
// compile_process.cc.
inline constexpr const char* kCompileProgramArgument =
    "--run-as-definitions-compiler";

// The exit code of the compile program if the arguments ask for it; else
// nothing, and from now on this program counts as one that may be started as
// such. Call it in main, before there are other threads.
std::optional<int> RunIfCompileProgram(int argc, char** argv);

// Whether RunIfCompileProgram was called.
bool IsCompileProgram();

}  // namespace gatehouse
