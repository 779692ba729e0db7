#include "es_adapter/linux/source_buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace gatehouse {
namespace {

constexpr size_t kAlignment = 4;

// 0 if no whole record is there.
size_t RecordBytes(std::span<const std::byte> bytes) {
  uint32_t length = 0;
  if (bytes.size() < sizeof(length)) return 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  if (length < sizeof(length) || length > bytes.size()) return 0;
  return std::min((length + kAlignment - 1) / kAlignment * kAlignment,
                  bytes.size());
}

}  // namespace

std::span<std::byte> SourceBuffer::BeginRead() {
  assert(rest().empty());
  delivered_.store(0);
  next_.store(0);
  end_.store(0);
  std::memset(bytes_.data(), 0, bytes_.size());
  is_reading_.store(true);
  return bytes_;
}

void SourceBuffer::EndRead(size_t bytes) {
  assert(bytes <= kBytes);
  end_.store(static_cast<uint32_t>(bytes));
  is_reading_.store(false);
}

std::span<const std::byte> SourceBuffer::rest() const {
  const uint32_t next = next_.load();
  return std::span(bytes_).subspan(next, end_.load() - next);
}

void SourceBuffer::Advance(size_t bytes) {
  assert(bytes <= rest().size());
  // In this order: a death in between repeats events, and loses none.
  delivered_.store(0);
  next_.fetch_add(static_cast<uint32_t>(bytes));
}

size_t SourceBuffer::Recover() {
  if (is_reading_.load()) end_.store(kBytes);
  // The other process may have died anywhere.
  end_.store(std::min<uint32_t>(end_.load(), kBytes));
  next_.store(std::min(next_.load(), end_.load()));
  size_t records = 0;
  size_t at = next_.load();
  while (const size_t length =
             RecordBytes(std::span(bytes_).subspan(at, end_.load() - at))) {
    at += length;
    ++records;
  }
  end_.store(static_cast<uint32_t>(at));
  is_reading_.store(false);
  return records;
}

}  // namespace gatehouse
