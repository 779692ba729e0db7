// The ways in which a file that was clean is made malicious by those who try to
// fool a cache of verdicts.
//
// One thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace gatehouse {

// Files of the test are this long, and malicious once the gap is zero. It is
// the beginning of a block, so that whole blocks may take its place.
inline constexpr size_t kBlockBytes = 4096;
inline constexpr size_t kFileBytes = 3 * kBlockBytes;
inline constexpr off_t kGap = kBlockBytes;
inline constexpr size_t kGapBytes = 16;

// What is left of a mutation: whether it was possible, and what still holds the
// file.
struct Mutated {
  int error = 0;  // errno.
  void* mapping = nullptr;
  int fd = -1;

  void LetGo() const;
};

struct Mutation {
  std::string_view name;
  Mutated (*apply)(const std::string& path);
  // Before the file is judged; null if there is nothing to prepare.
  int (*prepare)(const std::string& path) = nullptr;
};

// Null if there is no such way.
[[nodiscard]] const Mutation* FindMutation(std::string_view name);

}  // namespace gatehouse
