// Records as the kernel writes them, put together by hand.
#pragma once

#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/fanotify.h>
#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

using RecordBytes = std::vector<std::byte>;

template <typename T>
void Append(RecordBytes& bytes, const T& value) {
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof(value));
}

// One record of a group that reports names.
class NameRecordBuilder {
 public:
  NameRecordBuilder(uint64_t mask, int32_t pid) {
    metadata_.vers = FANOTIFY_METADATA_VERSION;
    metadata_.metadata_len = sizeof(metadata_);
    metadata_.mask = mask;
    metadata_.fd = FAN_NOFD;
    metadata_.pid = pid;
  }
  // `name` with its NUL, or empty; `handle_bytes` as claimed.
  NameRecordBuilder& Part(uint8_t type, std::string_view name,
                          uint32_t handle_bytes = 12) {
    RecordBytes body;
    Append(body, uint64_t{0x1122334455667788});
    Append(body, handle_bytes);
    Append(body, int32_t{1});
    body.resize(body.size() + 12, std::byte{0xAB});
    for (const char c : name) body.push_back(static_cast<std::byte>(c));
    while (body.size() % 4 != 0) body.push_back(std::byte{0});
    fanotify_event_info_header header = {};
    header.info_type = type;
    header.len = static_cast<uint16_t>(sizeof(header) + body.size());
    Append(parts_, header);
    parts_.insert(parts_.end(), body.begin(), body.end());
    return *this;
  }
  NameRecordBuilder& Raw(const RecordBytes& bytes) {
    parts_.insert(parts_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  fanotify_event_metadata& metadata() { return metadata_; }
  RecordBytes Build(int32_t claimed_more = 0) {
    metadata_.event_len = static_cast<uint32_t>(
        static_cast<int32_t>(sizeof(metadata_) + parts_.size()) + claimed_more);
    RecordBytes bytes;
    Append(bytes, metadata_);
    bytes.insert(bytes.end(), parts_.begin(), parts_.end());
    return bytes;
  }

 private:
  fanotify_event_metadata metadata_ = {};
  RecordBytes parts_;
};

inline std::string WithNul(std::string_view text) {
  return std::string(text) + '\0';
}

// One datagram of the process connector.
inline RecordBytes ProcessDatagram(const proc_event& event,
                                   uint16_t event_bytes = sizeof(proc_event)) {
  nlmsghdr header = {};
  header.nlmsg_type = NLMSG_DONE;
  header.nlmsg_len =
      static_cast<uint32_t>(sizeof(header) + sizeof(cn_msg)) + event_bytes;
  cn_msg message = {};
  message.id.idx = CN_IDX_PROC;
  message.id.val = CN_VAL_PROC;
  message.len = event_bytes;
  RecordBytes bytes;
  Append(bytes, header);
  Append(bytes, message);
  const auto* begin = reinterpret_cast<const std::byte*>(&event);
  bytes.insert(bytes.end(), begin, begin + event_bytes);
  return bytes;
}

}  // namespace gatehouse
