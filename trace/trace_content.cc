#include "trace/trace_content.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <string_view>

#include "base/bytes.h"
#include "base/whole_transfer.h"

namespace gatehouse {
namespace {

constexpr size_t kLineBytes = 64;
constexpr size_t kMarkerBytes = 32;
constexpr uint64_t kFileBytesMax = uint64_t{1} << 40U;  // Of holes, mostly.

// SplitMix64: a public-domain generator of few lines that needs no warm-up.
uint64_t Next(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t value = state;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111eb;
  return value ^ (value >> 31U);
}

// Lines of lower-case letters and spaces: looks like text to a matcher, and
// holds no signature.
std::string MakeText(uint64_t size, uint64_t seed) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz      ";
  std::string text(std::min(size, kMadeBytesMax), '\n');
  uint64_t state = seed;
  uint64_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % 12 == 0) bits = Next(state);
    if (i % kLineBytes != kLineBytes - 1) text[i] = kLetters[bits & 31U];
    bits >>= 5U;
  }
  return text;
}

}  // namespace

TraceContent ContentOf(const Trace& trace, const TraceEvent& event) {
  if (event.content) return trace.contents[*event.content];
  TraceContent content;
  const TraceFile& file = trace.files[event.file];
  content.size = file.size;
  content.seed = file.inode;
  if (event.answer && !trace.answers[*event.answer].allow) {
    content.kind = ContentKind::kEicar;
  }
  return content;
}

TraceContent ReferenceTo(ByteView bytes) {
  TraceContent content;
  const std::string_view text = AsText(bytes);
  content.size = text.size();
  if (text.find(EicarTestFile()) != std::string_view::npos) {
    content.kind = ContentKind::kEicar;
    return content;
  }
  content.kind = ContentKind::kBytes;
  content.bytes = text;
  return content;
}

std::string EicarTestFile() {
  constexpr std::string_view kFirst = "X5O!P%@AP[4\\PZX54(P^)7CC)7}";
  constexpr std::string_view kSecond =
      "$EICAR-STAND"
      "ARD-ANTIVIRUS-TEST-FILE!$H+H*";
  std::string text(kFirst);
  text += kSecond;
  return text;
}

std::string MarkerText(uint64_t seed) {
  std::array<char, kMarkerBytes + 1> text = {};
  (void)std::snprintf(text.data(), text.size(), "GATEHOUSE-MARKER%016llX",
                      static_cast<unsigned long long>(seed));
  return text.data();
}

std::string MakeBytes(const TraceContent& content) {
  switch (content.kind) {
    case ContentKind::kClean:
      return MakeText(content.size, content.seed);
    case ContentKind::kEicar:
      return EicarTestFile();
    case ContentKind::kMarker: {
      std::string text = MakeText(
          std::max<uint64_t>(content.size, kMarkerBytes), content.seed);
      text.replace((text.size() - kMarkerBytes) / 2, kMarkerBytes,
                   MarkerText(content.seed));
      return text;
    }
    case ContentKind::kBytes:
      return content.bytes;
  }
  return {};
}

Result<UniqueFd> MakeFile(const TraceContent& content) {
  const UniqueFd writer(::memfd_create("gatehouse-trace", MFD_CLOEXEC));
  if (!writer.valid()) return FailSystem("make a file in memory", errno);
  const std::string bytes = MakeBytes(content);
  const Result<bool> filled =
      WriteFully(writer.UnsafeFd(), AsBytes(bytes), "fill a file in memory");
  if (!filled) return Unexpected(filled.error());
  const bool is_made = content.kind == ContentKind::kClean ||
                       content.kind == ContentKind::kMarker;
  const uint64_t size = std::min(content.size, kFileBytesMax);
  if (is_made && size > bytes.size() &&
      ::ftruncate(writer.UnsafeFd(), static_cast<off_t>(size)) != 0) {
    return FailSystem("size a file in memory", errno);
  }
  std::array<char, 64> link = {};
  (void)std::snprintf(link.data(), link.size(), "/proc/self/fd/%d",
                      writer.UnsafeFd());
  UniqueFd reader(::open(link.data(), O_RDONLY | O_CLOEXEC));
  if (!reader.valid()) return FailSystem("open a file in memory", errno);
  return reader;
}

}  // namespace gatehouse
