// Fuzzes the records that event sources read from the kernel: the first byte
// chooses names or processes, the rest is what read(2) delivered.
//
// Asserts that every record is inside the bytes, that walking them comes to an
// end, and that what a record of names says is what a decoder finds that looks
// at one byte at a time.
#include <linux/fanotify.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>

#include "es_adapter/linux/name_record.h"
#include "es_adapter/linux/process_record.h"

namespace {

using gatehouse::NamedEntry;
using gatehouse::NameRecord;
using Bytes = std::span<const std::byte>;

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

uint64_t Number(Bytes bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    value |= std::to_integer<uint64_t>(bytes[at + i]) << (8 * i);
  }
  return value;
}

// The name in the part of `type`; empty if there is none or it cannot be.
std::string_view NameIn(Bytes record, uint8_t type) {
  std::string_view found;
  size_t at = Number(record, 6, 2);
  while (at + 4 <= record.size()) {
    const size_t length = Number(record, at + 2, 2);
    if (length < 4) return {};
    if (std::to_integer<uint8_t>(record[at]) == type) {
      const size_t handle = Number(record, at + 12, 4);
      const size_t begin = at + 20 + handle;
      size_t end = begin;
      while (end < at + length && record[end] != std::byte{0}) ++end;
      found = {reinterpret_cast<const char*>(record.data()) + begin,
               end - begin};
    }
    at += length;
  }
  return found;
}

bool IsInside(Bytes part, Bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() &&
          part.data() + part.size() <= whole.data() + whole.size());
}

void CheckEntry(const NamedEntry& entry, Bytes record) {
  Require(IsInside(entry.directory.handle, record), "a handle is inside");
  Require(IsInside(std::as_bytes(std::span(entry.name)), record),
          "a name is inside");
  Require(entry.name.find('\0') == std::string_view::npos, "a name ends once");
}

void CheckNames(Bytes record) {
  const std::optional<NameRecord> parsed = gatehouse::ParseNameRecord(record);
  if (!parsed) return;
  CheckEntry(parsed->entry, record);
  CheckEntry(parsed->old_entry, record);
  CheckEntry(parsed->new_entry, record);
  Require(IsInside(parsed->object.handle, record), "the object is inside");
  Require(parsed->mask == Number(record, 8, 8), "the mask agrees");
  Require(parsed->old_entry.name ==
              NameIn(record, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME),
          "the old name agrees");
  Require(parsed->new_entry.name ==
              NameIn(record, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME),
          "the new name agrees");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Bytes rest = std::as_bytes(std::span(data, size)).subspan(1);
  const bool is_names = data[0] % 2 == 0;
  while (!rest.empty()) {
    const size_t length = is_names ? gatehouse::NameRecordBytes(rest)
                                   : gatehouse::ProcessRecordBytes(rest);
    if (length == 0) return 0;
    Require(length <= rest.size(), "a record ends inside");
    if (is_names) {
      CheckNames(rest.first(length));
    } else {
      (void)gatehouse::ParseProcessRecord(rest.first(length));
    }
    rest = rest.subspan(length);
  }
  return 0;
}
