// gatehouse_test_fuse: a file system in user space whose files hang.
//
// fuse_server user|root MOUNT-POINT: "user" mounts as any user can, with
// fusermount3; "root" lets everybody in (allow_other), which is the worst a
// system can permit. Prints "ready", and a line for whatever it leaves waiting:
// "open" and "read" for the files hang-open and hang-read; with one line on
// standard input, everything from then on. It ends, and with it the connection,
// when standard input ends.
//
// It speaks the protocol of /dev/fuse itself (linux/fuse.h): a library would
// answer more than a hostile server does.
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>

namespace {

constexpr uint64_t kRoot = FUSE_ROOT_ID;
constexpr std::string_view kContent = "harmless\n";
constexpr size_t kRequestBytesMax = (1 << 20) + 4096;
// Nodes after the root, in this order.
constexpr std::array<std::string_view, 3> kNames = {"clean", "hang-open",
                                                    "hang-read"};
constexpr uint64_t kHangOpen = kRoot + 2;
constexpr uint64_t kHangRead = kRoot + 3;

class Server {
 public:
  explicit Server(int device) : device_(device) {}

  // One request; false when the file system is gone.
  bool Serve();
  void HangFromNowOn() { hangs_ = true; }

 private:
  void Answer(const fuse_in_header& in);
  void LookUp(const fuse_in_header& in);
  bool Holds(const fuse_in_header& in) const;
  void Send(const fuse_in_header& in, const void* data, size_t size);
  void Fail(const fuse_in_header& in, int error_number);

  int device_;
  bool hangs_ = false;
  std::string request_ = std::string(kRequestBytesMax, '\0');
};

fuse_attr Attributes(uint64_t node) {
  fuse_attr attr = {};
  attr.ino = node;
  attr.mode = node == kRoot ? S_IFDIR | 0755U : S_IFREG | 0755U;
  attr.nlink = 1;
  attr.uid = ::getuid();
  attr.gid = ::getgid();
  attr.size = node == kRoot ? 0 : kContent.size();
  attr.blksize = 4096;
  return attr;
}

void Server::Send(const fuse_in_header& in, const void* data, size_t size) {
  std::string reply(sizeof(fuse_out_header) + size, '\0');
  fuse_out_header out = {};
  out.len = static_cast<uint32_t>(reply.size());
  out.unique = in.unique;
  std::memcpy(reply.data(), &out, sizeof(out));
  if (size != 0) std::memcpy(reply.data() + sizeof(out), data, size);
  (void)!::write(device_, reply.data(), reply.size());
}

void Server::Fail(const fuse_in_header& in, int error_number) {
  fuse_out_header out = {};
  out.len = sizeof(out);
  out.error = -error_number;
  out.unique = in.unique;
  (void)!::write(device_, &out, sizeof(out));
}

void Server::LookUp(const fuse_in_header& in) {
  const std::string_view name(request_.data() + sizeof(in));
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (name.substr(0, name.find('\0')) != kNames.at(i)) continue;
    fuse_entry_out entry = {};
    entry.nodeid = kRoot + 1 + i;
    entry.attr = Attributes(entry.nodeid);
    return Send(in, &entry, sizeof(entry));
  }
  Fail(in, ENOENT);
}

bool Server::Holds(const fuse_in_header& in) const {
  return hangs_ || (in.opcode == FUSE_OPEN && in.nodeid == kHangOpen) ||
         (in.opcode == FUSE_READ && in.nodeid == kHangRead);
}

void Server::Answer(const fuse_in_header& in) {
  switch (in.opcode) {
    case FUSE_INIT: {
      fuse_init_out out = {};
      out.major = FUSE_KERNEL_VERSION;
      out.minor = FUSE_KERNEL_MINOR_VERSION;
      out.max_write = 1 << 20;
      return Send(in, &out, sizeof(out));
    }
    case FUSE_LOOKUP:
      return LookUp(in);
    case FUSE_GETATTR: {
      fuse_attr_out out = {};  // Valid for no time: each stat asks again.
      out.attr = Attributes(in.nodeid);
      return Send(in, &out, sizeof(out));
    }
    case FUSE_OPEN: {
      fuse_open_out out = {};
      out.open_flags = FOPEN_DIRECT_IO;  // Each read asks again.
      return Send(in, &out, sizeof(out));
    }
    case FUSE_READ: {
      fuse_read_in read = {};
      std::memcpy(&read, request_.data() + sizeof(in), sizeof(read));
      const bool at_start = read.offset == 0;
      return Send(in, kContent.data(), at_start ? kContent.size() : 0);
    }
    case FUSE_STATFS: {
      const fuse_statfs_out out = {};
      return Send(in, &out, sizeof(out));
    }
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;  // Want no answer; whoever is held stays held.
    case FUSE_RELEASE:
    case FUSE_FLUSH:
      return Send(in, nullptr, 0);
    default:
      return Fail(in, ENOSYS);
  }
}

bool Server::Serve() {
  const ssize_t size = ::read(device_, request_.data(), request_.size());
  if (size < 0) return errno != ENODEV;  // ENOENT: interrupted before read.
  fuse_in_header in = {};
  std::memcpy(&in, request_.data(), sizeof(in));
  if (!Holds(in)) {
    Answer(in);
  } else if (in.opcode == FUSE_OPEN) {
    std::cout << "open" << std::endl;
  } else if (in.opcode == FUSE_READ) {
    std::cout << "read" << std::endl;
  } else if (in.opcode != FUSE_FORGET && in.opcode != FUSE_INTERRUPT) {
    std::cout << "operation " << in.opcode << std::endl;
  }
  return true;
}

// The descriptor that fusermount3 sends; -1 if it sends none.
int ReceiveDescriptor(int socket) {
  char byte = 0;
  iovec data = {&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0) return -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof(descriptor));
  return descriptor;
}

int MountAsUser(const char* mount_point) {
  std::array<int, 2> sockets = {};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()) != 0) return -1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    (void)::close(sockets[0]);
    const std::string number = std::to_string(sockets[1]);
    (void)::setenv("_FUSE_COMMFD", number.c_str(), 1);
    (void)::execlp("fusermount3", "fusermount3", "-o", "fsname=gatehouse-test",
                   "--", mount_point, nullptr);
    ::_exit(127);
  }
  (void)::close(sockets[1]);
  const int device = ReceiveDescriptor(sockets[0]);
  (void)::close(sockets[0]);
  (void)::waitpid(pid, nullptr, 0);
  return device;
}

int MountAsRoot(const char* mount_point) {
  const int device = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) return -1;
  const std::string options = "fd=" + std::to_string(device) +
                              ",rootmode=40000,user_id=0,group_id=0,"
                              "allow_other";
  if (::mount("gatehouse-test", mount_point, "fuse", MS_NOSUID | MS_NODEV,
              options.c_str()) != 0) {
    return -1;
  }
  return device;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view how = argc == 3 ? argv[1] : "";
  if (how != "user" && how != "root") {
    std::cerr << "usage: fuse_server user|root MOUNT-POINT\n";
    return 2;
  }
  const int device =
      how == "user" ? MountAsUser(argv[2]) : MountAsRoot(argv[2]);
  if (device < 0) {
    std::perror("mount");
    return 1;
  }
  Server server(device);
  std::cout << "ready" << std::endl;
  std::array<pollfd, 2> waits = {
      {{device, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (::poll(waits.data(), waits.size(), -1) >= 0) {
    if (waits[1].revents != 0) {
      char byte = 0;
      if (::read(STDIN_FILENO, &byte, 1) <= 0) break;
      server.HangFromNowOn();
      std::cout << "hanging" << std::endl;
    }
    if (waits[0].revents != 0 && !server.Serve()) break;
  }
  return 0;
}
