#include "base/whole_transfer.h"

#include <unistd.h>

#include <cerrno>

namespace gatehouse {

Result<size_t> ReadFully(int fd, std::span<uint8_t> bytes,
                         std::string_view what,
                         std::optional<uint64_t> offset) {
  size_t done = 0;
  while (done < bytes.size()) {
    const std::span<uint8_t> rest = bytes.subspan(done);
    const ssize_t count = offset ? ::pread(fd, rest.data(), rest.size(),
                                           static_cast<off_t>(*offset + done))
                                 : ::read(fd, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FailSystem(what, errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

Result<bool> WriteFully(int fd, ByteView bytes, std::string_view what,
                        std::optional<uint64_t> offset) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ByteView rest = bytes.subspan(done);
    const ssize_t count = offset ? ::pwrite(fd, rest.data(), rest.size(),
                                            static_cast<off_t>(*offset + done))
                                 : ::write(fd, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    // Nothing written and no error would be for ever.
    if (count <= 0) return FailSystem(what, count < 0 ? errno : EIO);
    done += static_cast<size_t>(count);
  }
  return true;
}

}  // namespace gatehouse
