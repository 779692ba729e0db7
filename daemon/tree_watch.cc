#include "daemon/tree_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/thread_name.h"

namespace gatehouse {
namespace {

constexpr uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
                           IN_CREATE | IN_EXCL_UNLINK | IN_ONLYDIR;
constexpr size_t kBufferBytes = size_t{64} << 10;

}  // namespace

Result<std::unique_ptr<TreeWatch>> TreeWatch::Start(
    const std::vector<std::string>& roots, size_t watches_max, OnFile on_file,
    TreeStatistics& statistics) {
  UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.valid()) return FailSystem("inotify", errno);
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return FailSystem("inotify", errno);
  return std::unique_ptr<TreeWatch>(
      new TreeWatch(std::move(inotify), std::move(wake), roots, watches_max,
                    std::move(on_file), statistics));
}

TreeWatch::TreeWatch(UniqueFd inotify, UniqueFd wake,
                     const std::vector<std::string>& roots, size_t watches_max,
                     OnFile on_file, TreeStatistics& statistics)
    : inotify_(std::move(inotify)),
      wake_(std::move(wake)),
      watches_max_(watches_max),
      on_file_(std::move(on_file)),
      statistics_(statistics) {
  for (const std::string& root : roots) trees_.emplace_back(root);
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

TreeWatch::~TreeWatch() {
  thread_.request_stop();
  const uint64_t one = 1;
  (void)!::write(wake_.UnsafeFd(), &one, sizeof(one));  // Full: awake anyway.
}

std::string TreeWatch::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

bool TreeWatch::IsWatching() const {
  if (!failure().empty()) return false;
  std::ifstream facts("/proc/self/fdinfo/" +
                      std::to_string(inotify_.UnsafeFd()));
  std::string line;
  while (std::getline(facts, line)) {
    if (line.starts_with("inotify wd:")) return true;
  }
  return false;
}

bool TreeWatch::Fail(std::string reason) {
  const MutexLock lock(mutex_);
  failure_ = std::move(reason);
  return false;
}

void TreeWatch::Run(const std::stop_token& stop) {
  SetThreadName("gh-inotify");
  UseOrdinaryPriority();
  if (!VisitAll(stop)) return;
  while (!stop.stop_requested()) {
    std::array<pollfd, 2> waits = {
        {{inotify_.UnsafeFd(), POLLIN, 0}, {wake_.UnsafeFd(), POLLIN, 0}}};
    (void)::poll(waits.data(), waits.size(), -1);
    if (waits[0].revents != 0 && !ReadEvents(stop)) return;
  }
}

// --- Which directories ------------------------------------------------------

bool TreeWatch::VisitAll(const std::stop_token& stop) {
  for (size_t i = 0; i < trees_.size(); ++i) {
    if (!Visit({i, ""}, stop)) return false;
    statistics_.walks.fetch_add(1);
  }
  return true;
}

// Watches first and looks then: what is written in between is seen twice, and
// nothing never.
bool TreeWatch::Visit(const Place& place, const std::stop_token& stop) {
  bool goes_on = true;
  TreeWalk::Visitor visitor;
  visitor.on_directory = [&](int fd, const std::string& path) {
    goes_on = AddWatch(fd, {place.first, path});
    return goes_on;
  };
  visitor.on_file = [&](UniqueFd file, const std::string& path) {
    goes_on = on_file_(std::move(file), FullPath({place.first, path}), stop);
    return goes_on;
  };
  const Result<WalkCounts> counts =
      trees_.at(place.first).Visit(place.second, visitor, stop);
  // A root that is gone: whoever watches mounts starts us anew.
  statistics_.unreachable.fetch_add(counts ? counts->unreachable : 1);
  return goes_on && !stop.stop_requested();
}

bool TreeWatch::AddWatch(int directory, const Place& place) {
  if (watches_.size() >= watches_max_ && !watches_.contains(place)) {
    return Fail("more than " + std::to_string(watches_max_) +
                " directories: the limit of watches is reached");
  }
  // The open directory itself, whatever its path leads to by now.
  const std::string link = "/proc/self/fd/" + std::to_string(directory);
  const int watch =
      ::inotify_add_watch(inotify_.UnsafeFd(), link.c_str(), kMask);
  if (watch < 0) {
    if (errno == ENOENT || errno == EACCES) {
      statistics_.unreachable.fetch_add(1);
      return true;
    }
    const std::string limit =
        errno == ENOSPC ? " (fs.inotify.max_user_watches is reached)" : "";
    return Fail(SystemError("watch '" + FullPath(place) + "'", errno).message +
                limit);
  }
  // The same directory by an older name: it was moved.
  Forget(watch);
  const auto stale = watches_.find(place);
  if (stale != watches_.end()) {
    places_.erase(stale->second);
    watches_.erase(stale);
  }
  places_[watch] = place;
  watches_[place] = watch;
  watch_count_.store(watches_.size());
  return true;
}

void TreeWatch::Forget(int watch) {
  const auto known = places_.find(watch);
  if (known == places_.end()) return;
  watches_.erase(known->second);
  places_.erase(known);
  watch_count_.store(watches_.size());
}

// The directory has left: with all that is below it.
void TreeWatch::ForgetBelow(const Place& place) {
  std::vector<int> gone;
  for (auto one = watches_.lower_bound(place);
       one != watches_.end() && one->first.first == place.first &&
       one->first.second.starts_with(place.second);
       ++one) {
    const std::string_view rest =
        std::string_view(one->first.second).substr(place.second.size());
    // "ab" is not below "a".
    if (rest.empty() || rest.front() == '/') gone.push_back(one->second);
  }
  for (const int watch : gone) {
    (void)::inotify_rm_watch(inotify_.UnsafeFd(), watch);
    Forget(watch);
  }
}

std::string TreeWatch::FullPath(const Place& place) const {
  std::string path = trees_.at(place.first).root();
  if (place.second.empty()) return path;
  if (!path.ends_with('/')) path += '/';
  return path + place.second;
}

// --- What happens -----------------------------------------------------------

bool TreeWatch::ReadEvents(const std::stop_token& stop) {
  std::vector<char> buffer(kBufferBytes);
  const ssize_t count =
      ::read(inotify_.UnsafeFd(), buffer.data(), buffer.size());
  size_t next = 0;
  while (count > 0 && next < static_cast<size_t>(count)) {
    inotify_event event = {};
    std::memcpy(&event, buffer.data() + next, sizeof(event));
    // What follows the header is its name.
    const auto& whole =
        *reinterpret_cast<const inotify_event*>(buffer.data() + next);
    next += sizeof(event) + event.len;
    statistics_.events.fetch_add(1);
    if (!OnEvent(whole, stop)) return false;
  }
  return true;
}

bool TreeWatch::OnEvent(const inotify_event& event,
                        const std::stop_token& stop) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    statistics_.overflows.fetch_add(1);
    return VisitAll(stop);
  }
  if ((event.mask & IN_IGNORED) != 0) {
    Forget(event.wd);
    return true;
  }
  const auto known = places_.find(event.wd);
  if (known == places_.end() || event.len == 0) return true;
  Place place = known->second;
  if (!place.second.empty()) place.second += '/';
  place.second += event.name;
  return OnName(event, place, stop);
}

bool TreeWatch::OnName(const inotify_event& event, const Place& place,
                       const std::stop_token& stop) {
  if ((event.mask & IN_ISDIR) != 0) {
    if ((event.mask & IN_MOVED_FROM) != 0) {
      ForgetBelow(place);
      return true;
    }
    return Visit(place, stop);
  }
  if ((event.mask & IN_MOVED_FROM) != 0) return true;
  // A name that was created may be a link to what was written long ago.
  UniqueFd file = trees_.at(place.first).OpenFile(place.second);
  return !file.valid() || on_file_(std::move(file), FullPath(place), stop);
}

}  // namespace gatehouse
