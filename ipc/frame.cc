#include "ipc/frame.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace gatehouse {
namespace {

constexpr std::array<uint8_t, 3> kFrameStart = {'G', 'H', kFrameVersion};

uint32_t LittleEndian32(ByteView bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= uint32_t{bytes[i]} << (8 * i);
  return value;
}

}  // namespace

std::array<uint8_t, kFrameHeaderBytes> EncodeFrameHeader(
    const FrameHeader& header) {
  assert(header.descriptors <= kFrameDescriptorsMax);
  assert(header.payload_bytes <= kFramePayloadBytesMax);
  std::array<uint8_t, kFrameHeaderBytes> bytes = {};
  std::copy(kFrameStart.begin(), kFrameStart.end(), bytes.begin());
  bytes[3] = header.descriptors;
  for (size_t i = 0; i < 4; ++i) {
    bytes[4 + i] = static_cast<uint8_t>(header.payload_bytes >> (8 * i));
  }
  return bytes;
}

size_t FrameDecoder::BytesWanted() const {
  if (!has_header()) return kFrameHeaderBytes - header_bytes_;
  return header_.payload_bytes - payload_.size();
}

Result<bool> FrameDecoder::Feed(ByteView bytes) {
  assert(!bytes.empty());
  assert(bytes.size() <= BytesWanted());
  if (!has_header()) return FeedHeader(bytes);
  payload_ += AsText(bytes);
  return BytesWanted() == 0;
}

Result<bool> FrameDecoder::FeedHeader(ByteView bytes) {
  std::copy(bytes.begin(), bytes.end(),
            header_buffer_.begin() + static_cast<ptrdiff_t>(header_bytes_));
  header_bytes_ += bytes.size();
  // Whoever speaks another language is told so at once.
  const size_t known = std::min(header_bytes_, kFrameStart.size());
  for (size_t i = 0; i < known; ++i) {
    if (header_buffer_.at(i) == kFrameStart.at(i)) continue;
    return Fail(
        ErrorCode::kInvalidInput,
        i < 2
            ? "read a frame: not the protocol of mdatp"
            : "read a frame: version " + std::to_string(header_buffer_.at(i)) +
                  " is not known, only " + std::to_string(kFrameVersion));
  }
  if (!has_header()) return false;
  header_.descriptors = header_buffer_[3];
  header_.payload_bytes = LittleEndian32(ByteView(header_buffer_).subspan(4));
  if (header_.descriptors > kFrameDescriptorsMax) {
    return Fail(ErrorCode::kLimitExceeded,
                "read a frame: " + std::to_string(header_.descriptors) +
                    " descriptors, at most " +
                    std::to_string(kFrameDescriptorsMax) + " may come");
  }
  if (header_.payload_bytes > kFramePayloadBytesMax) {
    return Fail(ErrorCode::kLimitExceeded,
                "read a frame: " + std::to_string(header_.payload_bytes) +
                    " bytes, at most " + std::to_string(kFramePayloadBytesMax) +
                    " may come");
  }
  return BytesWanted() == 0;
}

std::string FrameDecoder::TakePayload() {
  assert(has_header());
  assert(BytesWanted() == 0);
  std::string payload = std::move(payload_);
  *this = FrameDecoder();
  return payload;
}

}  // namespace gatehouse
