// Fuzzes the detection of file types: the input is the file.
//
// Asserts that only the head matters for what is no text, and that every type
// has a name that leads back to it.
#include <algorithm>

#include "engine/format/file_type.h"
#include "fuzz/facts_require.h"

using gatehouse::FileType;
using gatehouse::Require;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gatehouse::ByteView bytes(data, size);
  const FileType type = gatehouse::DetectFileType(bytes, size);
  const FileType by_head = gatehouse::DetectFileType(
      bytes.first(std::min(size, gatehouse::kTypeHeadBytes)), size);
  Require(type == by_head ||
              (by_head == FileType::kTextAscii && type == FileType::kHtml &&
               gatehouse::HasHtmlTag(bytes)),
          "more than the head only makes a text HTML");
  Require(gatehouse::TypeNamed(gatehouse::TypeName(type)) == type,
          "a type's name names it");
  Require(gatehouse::TargetOf(type) <= 14, "there are 15 targets");
  return 0;
}
