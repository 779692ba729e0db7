// Fuzzes what reads a trace. The first byte chooses:
//
//   even   the rest is a file
//   odd    the rest is the payload of a block, to which length and checksum are
//          made: otherwise next to nothing would get past them
//
// Asserts that what was read of one session is the same when it is written and
// read again, and that contents are made within their bound.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "trace/crc32c.h"
#include "trace/trace_content.h"
#include "trace/trace_encoder.h"
#include "trace/trace_format.h"
#include "trace/trace_reader.h"

namespace {

using gatehouse::AsBytes;
using gatehouse::ByteView;
using gatehouse::Result;
using gatehouse::Trace;

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

std::string FileWith(ByteView payload) {
  std::string length;
  gatehouse::AppendFixed32(length, static_cast<uint32_t>(payload.size()));
  std::string file = gatehouse::TraceEncoder::FileHeader() + length;
  gatehouse::AppendFixed32(
      file, gatehouse::Crc32c(payload, gatehouse::Crc32c(AsBytes(length))));
  file += gatehouse::AsText(payload);
  return file;
}

void Decode(ByteView bytes) {
  Result<Trace> trace = gatehouse::DecodeTrace(bytes);
  if (!trace) {
    Require(!trace.error().message.empty(), "errors have a message");
    return;
  }
  constexpr size_t kContentsMax = 4;  // They are long.
  for (size_t i = 0; i < std::min(trace->events.size(), kContentsMax); ++i) {
    const auto content = gatehouse::ContentOf(*trace, trace->events[i]);
    Require(gatehouse::MakeBytes(content).size() <= gatehouse::kMadeBytesMax,
            "contents are bounded");
  }
  if (trace->sessions.size() != 1) return;
  trace->cut.clear();
  const Result<Trace> again =
      gatehouse::DecodeTrace(AsBytes(gatehouse::EncodeTrace(*trace)));
  Require(again.has_value() && *again == *trace,
          "what was read can be written and read again");
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    Decode(rest);
  } else {
    Decode(AsBytes(FileWith(
        rest.first(std::min(rest.size(), gatehouse::kBlockPayloadBytesMax)))));
  }
  return 0;
}
