// What the compiler of signatures is: a digest of its sources.
//
// An artefact that another version of it made may hold other tables, choose
// other triggers or skip other lines: it is never used.
#pragma once

#include <string_view>

namespace gatehouse {

// 64 hex digits; made while building (cmake/digest_sources.cmake). Thread-safe.
std::string_view CompilerDigest();

}  // namespace gatehouse
