// Layer: one thing that signatures are about: a file, or what is made of it.
//
// Thread-compatible. Borrows everything.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/format/content.h"
#include "engine/format/executable_facts.h"
#include "signatures/signature.h"

namespace gatehouse {

struct Layer {
  Content& content;
  Target target = Target::kAny;
  uint64_t file_bytes = 0;  // What the gate on the file's size means.
  // Of an executable target; else null.
  const ExecutableFacts* executable = nullptr;
  // Types (CL_TYPE_...) of what it came from, outermost first.
  std::span<const std::string_view> containers = {};
};

}  // namespace gatehouse
