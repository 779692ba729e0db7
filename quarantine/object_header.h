// ObjectHeader: what a sealed object says of the file inside, and its encoding.
//
// Plain values; thread-compatible; the functions are pure and thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "quarantine/file_facts.h"

namespace gatehouse {

// A header is decrypted and parsed in memory. Extended attributes are what
// makes one long: Linux allows 64 KiB for the value of each.
inline constexpr size_t kObjectHeaderBytesMax = size_t{1} << 20;

struct ObjectHeader {
  std::string id;       // UUID, lower case, with dashes: the threat's too.
  int64_t time_ms = 0;  // When it was sealed; wall clock.
  std::string threat_name;
  uint64_t signature_generation = 0;
  std::string engine_version;
  // Where the file was found. Bytes, for people: never identity.
  std::string path;
  std::string parent_path;
  std::string parent_handle;  // Of the directory; bytes, may be empty.
  int32_t parent_handle_type = 0;
  std::string scan_id;  // The on-demand scan that found it; empty: real time.
  FileFacts file;
  // What was known when it was sealed; the threat's word is the one to show.
  std::optional<bool> isolated_in_time;
  // The original is in its place: its file system was read-only.
  bool is_copy = false;

  // Of the content, holes included as zeros. Filled in by Seal.
  std::array<uint8_t, 32> sha256 = {};
  // Bytes of content in the object: without holes. Filled in by Seal.
  uint64_t data_bytes = 0;

  bool operator==(const ObjectHeader&) const = default;
};

// The header payload of docs/vault-format.md, in the clear. Its length does not
// depend on `sha256` and `data_bytes`, so that its place can be kept free
// before the content is read. Errors: kLimitExceeded above
// kObjectHeaderBytesMax.
Result<std::string> EncodeObjectHeader(const ObjectHeader& header);

// The reverse. Errors: kInvalidInput with the name of the field that is
// missing, of the wrong type or out of range.
Result<ObjectHeader> DecodeObjectHeader(ByteView payload);

}  // namespace gatehouse
