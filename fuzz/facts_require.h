// What fuzz targets of executable facts demand: the facts keep their promises,
// and are the same when the file is read through a small window.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "engine/format/executable_facts.h"

namespace gatehouse {

// Unlike assert, also there in release builds.
inline void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

inline bool SameFacts(const ExecutableFacts& left,
                      const ExecutableFacts& right) {
  if (left.is_valid != right.is_valid ||
      left.entry_point != right.entry_point ||
      left.version_strings != right.version_strings ||
      left.sections.size() != right.sections.size()) {
    return false;
  }
  for (size_t i = 0; i < left.sections.size(); ++i) {
    const ExecutableSection& one = left.sections[i];
    const ExecutableSection& other = right.sections[i];
    if (one.raw_offset != other.raw_offset ||
        one.raw_bytes != other.raw_bytes || one.address != other.address ||
        one.address_bytes != other.address_bytes) {
      return false;
    }
  }
  return true;
}

// Reads `bytes` twice, into fresh facts and into facts with other content.
template <class Read>
ExecutableFacts RequireFacts(ByteView bytes, Read read) {
  ExecutableFacts facts;
  Content content(bytes);
  read(content, facts);
  Require(facts.entry_point.has_value() == facts.is_valid,
          "a valid file has an entry point");
  Require(facts.is_valid ||
              (facts.sections.empty() && facts.version_strings.empty()),
          "an invalid file has no facts");
  Require(facts.sections.size() <= kMachOSectionsMax &&
              facts.version_strings.size() <= kVersionStringsMax,
          "limits hold");
  ExecutableFacts reused;
  reused.is_valid = true;
  reused.entry_point = 7;
  reused.sections.resize(3);
  reused.version_strings = {1, 2, 3};
  reused.pe.imports.address = 5;
  Content again(bytes);
  read(again, reused);
  Require(SameFacts(facts, reused), "what was in the facts does not matter");
  return facts;
}

}  // namespace gatehouse
