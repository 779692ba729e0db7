// Files for scanner tests: nameless, in memory, and nobody else's.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string_view>

#include "base/unique_fd.h"

namespace gatehouse {

inline void Append(const UniqueFd& file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count =
        ::write(file.UnsafeFd(), content.data(), content.size());
    ASSERT_GT(count, 0);
    content.remove_prefix(static_cast<size_t>(count));
  }
}

inline UniqueFd FileOf(std::string_view content) {
  UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_TRUE(file.valid());
  Append(file, content);
  return file;
}

}  // namespace gatehouse
