// gatehouse_bench_allow_listener: the least a permission listener can do, to
// compare with: allows every open on one file system, at once, on one thread.
//
// allow_listener MOUNT-POINT: refuses the file system of "/". Prints "ready"
// and runs until standard input ends.
#include <fcntl.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>

namespace {

bool IsRootFileSystem(const char* path) {
  struct stat here = {};
  struct stat root = {};
  return ::stat(path, &here) != 0 || ::stat("/", &root) != 0 ||
         here.st_dev == root.st_dev;
}

void AllowAll(int group) {
  std::array<fanotify_event_metadata, 32> events = {};
  const ssize_t bytes = ::read(group, events.data(), sizeof(events));
  for (size_t i = 0; bytes > 0 && i < static_cast<size_t>(bytes) /
                                          sizeof(fanotify_event_metadata);
       ++i) {
    const fanotify_response response = {events.at(i).fd, FAN_ALLOW};
    (void)!::write(group, &response, sizeof(response));
    (void)::close(events.at(i).fd);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || IsRootFileSystem(argv[1])) {
    std::cerr << "usage: allow_listener MOUNT-POINT (not of '/')\n";
    return 2;
  }
  const int group = ::fanotify_init(
      FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE,
      O_RDONLY | O_LARGEFILE | O_CLOEXEC);
  if (group < 0 || ::fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
                                   FAN_OPEN_PERM, AT_FDCWD, argv[1]) != 0) {
    std::perror("fanotify");
    return 1;
  }
  std::cout << "ready" << std::endl;
  std::array<pollfd, 2> waits = {
      {{group, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (::poll(waits.data(), waits.size(), -1) >= 0) {
    if (waits[1].revents != 0) break;
    AllowAll(group);
  }
  return 0;
}
