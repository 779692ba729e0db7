// What holds for facts of every file, however broken, and the files to ask.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/format/executable_facts.h"

namespace gatehouse {

// Facts that are not valid say nothing; those that are keep their limits.
inline void ExpectConsistent(const ExecutableFacts& facts) {
  if (!facts.is_valid) {
    EXPECT_FALSE(facts.entry_point.has_value());
    EXPECT_TRUE(facts.sections.empty());
    EXPECT_TRUE(facts.version_strings.empty());
  }
  EXPECT_EQ(facts.entry_point.has_value(), facts.is_valid);
  EXPECT_LE(facts.sections.size(), kMachOSectionsMax);
  EXPECT_LE(facts.version_strings.size(), kVersionStringsMax);
}

// Every prefix of `file`, and every byte of its first `header_bytes` changed in
// three ways.
template <class Read>
void ExpectConsistentWhenBroken(std::vector<uint8_t> file, size_t header_bytes,
                                Read read) {
  ExecutableFacts facts;
  for (size_t bytes = 0; bytes <= file.size(); ++bytes) {
    Content content(ByteView(file).first(bytes));
    read(content, facts);
    ExpectConsistent(facts);
  }
  for (size_t i = 0; i < header_bytes; ++i) {
    for (const int change : {0x01, 0x80, 0xff}) {
      file[i] = static_cast<uint8_t>(file[i] ^ change);
      Content content{ByteView(file)};
      read(content, facts);
      ExpectConsistent(facts);
      file[i] = static_cast<uint8_t>(file[i] ^ change);
    }
  }
}

}  // namespace gatehouse
