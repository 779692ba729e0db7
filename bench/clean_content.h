// Content and signatures for benchmarks: made from a fixed seed, so that runs
// can be compared, and never matching each other.
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "signatures/signature_set.h"

namespace gatehouse {

// `bytes` bytes, half of them text of words, half without order, in pieces of a
// few KiB. The same `seed` gives the same bytes.
std::string CleanContent(size_t bytes, unsigned seed);

// `count` literals of 6 to 128 printable bytes, beside the built-in rule. Some
// begin with words of the content, as real ones do.
std::shared_ptr<const SignatureSet> RandomLiterals(size_t count);

}  // namespace gatehouse
