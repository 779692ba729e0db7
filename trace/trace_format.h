// The format of a trace on disk, version 1: numbers, limits, and the encoding
// of each record. docs/trace-format.md explains it.
//
// Thread-safe: pure functions. Values are on disk: never renumber.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "trace/trace.h"

namespace gatehouse {

// No program of any kind; a transfer that changes line ends destroys it.
inline constexpr std::array<uint8_t, 8> kTraceMagic = {0x89, 'G',  'H',  'T',
                                                       0x0d, 0x0a, 0x1a, 0x0a};
inline constexpr uint32_t kTraceVersion = 1;
inline constexpr size_t kTraceHeaderBytes = 12;

inline constexpr size_t kBlockHeaderBytes = 8;  // Length, checksum.
inline constexpr size_t kBlockPayloadBytesMax = 65'536;
inline constexpr size_t kTraceTextBytesMax = 4096;  // A path.
inline constexpr size_t kContentBytesMax = 32'768;  // With kBytes.
inline constexpr uint64_t kTraceBytesMax = 64U << 20U;

enum class RecordKind : uint8_t {
  kSession = 1,
  kProcess = 2,
  kFile = 3,
  kContent = 4,
  kEvent = 5,
  kAnswer = 6,
  kLost = 7,
  kEnd = 8,
};

// Appends to `to`, which one record may make longer by kRecordBytesMax.
inline constexpr size_t kRecordBytesMax = kContentBytesMax + 64;
void AppendNumber(std::string& to, uint64_t value);
void AppendSigned(std::string& to, int64_t value);
// Wraps: the sum with `from` is `value` again, whatever they are.
void AppendDifference(std::string& to, int64_t value, int64_t from);
void AppendText(std::string& to, std::string_view text);
void AppendFixed32(std::string& to, uint32_t value);

// Takes what was appended, in the same order. What is not there reads as 0 and
// makes failed() true for good.
class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : left_(bytes) {}

  uint64_t Number();
  int64_t Signed();
  int32_t Signed32();
  std::string Text(size_t bytes_max);
  // Fails for more than `max`.
  uint64_t NumberUpTo(uint64_t max);
  ByteView Bytes(uint64_t count);

  bool failed() const { return failed_; }
  bool empty() const { return left_.empty(); }

 private:
  ByteView left_;
  bool failed_ = false;
};

[[nodiscard]] uint32_t Fixed32At(ByteView bytes, size_t offset);

}  // namespace gatehouse
