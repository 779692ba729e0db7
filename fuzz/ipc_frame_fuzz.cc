// Fuzzes what a peer on the socket can say. The first byte chooses how the
// stream is cut, the rest is the stream.
//
// Asserts that the cuts do not matter, that the frames are those a slow decoder
// finds that shares no code, and that every payload which was understood is the
// same again after a round trip.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "ipc/frame.h"
#include "ipc/json.h"
#include "ipc/message.h"
#include "ipc/request.h"

namespace {

using gatehouse::ByteView;
using gatehouse::IpcRequest;
using gatehouse::IpcScan;
using gatehouse::Json;
using gatehouse::Result;
using gatehouse::Threat;

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

struct Frame {
  std::string payload;
  unsigned descriptors = 0;
  bool operator==(const Frame&) const = default;
};

struct Decoded {
  std::vector<Frame> frames;
  bool is_broken = false;
  bool operator==(const Decoded&) const = default;
};

Decoded Decode(ByteView stream, size_t part_bytes) {
  Decoded decoded;
  gatehouse::FrameDecoder decoder;
  while (!stream.empty()) {
    const size_t wanted = decoder.BytesWanted();
    Require(wanted > 0, "a frame that is not complete wants bytes");
    const size_t fed = std::min({wanted, part_bytes, stream.size()});
    const Result<bool> is_complete = decoder.Feed(stream.first(fed));
    stream = stream.subspan(fed);
    if (!is_complete) {
      decoded.is_broken = true;
      return decoded;
    }
    if (!*is_complete) continue;
    const unsigned descriptors = decoder.header().descriptors;
    decoded.frames.push_back({decoder.TakePayload(), descriptors});
  }
  return decoded;
}

// Looks at each byte by itself, with the numbers of docs/ipc.md.
Decoded DecodeSlowly(ByteView stream) {
  Decoded decoded;
  size_t at = 0;
  while (at < stream.size()) {
    size_t length = 0;
    unsigned descriptors = 0;
    for (size_t i = 0; i < 8; ++i, ++at) {
      if (at == stream.size()) return decoded;
      const uint8_t byte = stream[at];
      if ((i == 0 && byte != 0x47) || (i == 1 && byte != 0x48) ||
          (i == 2 && byte != 1)) {
        decoded.is_broken = true;
        return decoded;
      }
      if (i == 3) descriptors = byte;
      if (i >= 4) length += size_t{byte} << (8 * (i - 4));
    }
    if (descriptors > 64 || length > 65536) {
      decoded.is_broken = true;
      return decoded;
    }
    if (stream.size() - at < length) return decoded;
    Frame frame{"", descriptors};
    for (size_t i = 0; i < length; ++i, ++at) {
      frame.payload.push_back(static_cast<char>(stream[at]));
    }
    decoded.frames.push_back(std::move(frame));
  }
  return decoded;
}

void Understand(const Frame& frame) {
  const Result<Json> body = gatehouse::ParseObject(frame.payload);
  if (!body) return;
  const std::string text = gatehouse::JsonText(*body);
  const Result<Json> again = gatehouse::ParseObject(text);
  Require(again && *again == *body, "an object is the same after a round trip");
  const Result<IpcRequest> request =
      gatehouse::ParseRequest(*body, frame.descriptors);
  if (request && !request->id.empty()) {
    Require(gatehouse::IsUuid(request->id), "an id is a UUID");
  }
  if (const Result<Threat> threat = gatehouse::ThreatOf(*body); threat) {
    const Json written = gatehouse::ThreatFrame(*threat);
    const Result<Threat> read = gatehouse::ThreatOf(written);
    Require(read && gatehouse::ThreatFrame(*read) == written,
            "a threat is the same after a round trip");
  }
  if (const Result<IpcScan> scan = gatehouse::IpcScanOf(*body); scan) {
    const Json written = gatehouse::ScanFrame(*scan);
    const Result<IpcScan> read = gatehouse::IpcScanOf(written);
    Require(read && gatehouse::ScanFrame(*read) == written,
            "a scan is the same after a round trip");
  }
  Require(!gatehouse::ErrorOf(*body).message.empty(),
          "whatever an error frame says, it is an error");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t part_bytes = size_t{data[0]} + 1;
  const ByteView stream(data + 1, size - 1);
  const Decoded whole = Decode(stream, stream.size() + 1);
  Require(whole == Decode(stream, part_bytes), "the cuts do not matter");
  Require(whole == DecodeSlowly(stream), "both decoders find the same frames");
  for (const Frame& frame : whole.frames) Understand(frame);
  return 0;
}
