// Frame: how one message lies in the stream of bytes between mdatp and the
// daemon. docs/ipc.md describes it.
//
// Thread-compatible; pure: nothing here knows of sockets. A decoder owns the
// bytes it was fed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace gatehouse {

// 'G' 'H', the version, the number of descriptors, the length of the payload
// (32 bits, little-endian).
inline constexpr size_t kFrameHeaderBytes = 8;
inline constexpr uint8_t kFrameVersion = 1;
inline constexpr size_t kFramePayloadBytesMax = 65536;
inline constexpr size_t kFrameDescriptorsMax = 64;

struct FrameHeader {
  uint8_t descriptors = 0;  // 0 .. kFrameDescriptorsMax.
  uint32_t payload_bytes = 0;
};

// `header` is within the limits.
[[nodiscard]] std::array<uint8_t, kFrameHeaderBytes> EncodeFrameHeader(
    const FrameHeader& header);

// Puts one frame together, however its bytes are cut.
class FrameDecoder {
 public:
  // How many bytes the frame is known to lack: never more than up to its end.
  // 0 when it is complete.
  size_t BytesWanted() const;

  // Takes 1 .. BytesWanted() bytes; true when they complete the frame. Errors,
  // after which nothing more may be fed: kInvalidInput (no frame of this
  // version), kLimitExceeded (too long, too many descriptors).
  Result<bool> Feed(ByteView bytes);

  bool is_empty() const { return header_bytes_ == 0; }
  bool has_header() const { return header_bytes_ == kFrameHeaderBytes; }
  // Only when has_header().
  const FrameHeader& header() const { return header_; }
  // Only when complete. Afterwards the decoder is as new.
  [[nodiscard]] std::string TakePayload();

 private:
  Result<bool> FeedHeader(ByteView bytes);

  std::array<uint8_t, kFrameHeaderBytes> header_buffer_ = {};
  size_t header_bytes_ = 0;
  FrameHeader header_;
  // Grows with what arrived and not with what was announced.
  std::string payload_;
};

}  // namespace gatehouse
