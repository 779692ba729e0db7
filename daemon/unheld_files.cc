#include "daemon/unheld_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "base/time.h"
#include "engine/crash_mark.h"
#include "es_adapter/adapter.h"

namespace gatehouse {
namespace {

// A full queue is looked at again after this; nobody is held.
constexpr std::chrono::milliseconds kRetryPeriod{20};
constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t ChangeTime(const struct stat& file) {
  return int64_t{file.st_ctim.tv_sec} * kNsPerSecond + file.st_ctim.tv_nsec;
}

void Set(UnheldRecord::Identity& identity, const struct stat& file) {
  identity.device.store(file.st_dev);
  identity.inode.store(file.st_ino);
  identity.changed_ns.store(ChangeTime(file));
}

bool IsSame(const UnheldRecord::Identity& a, const UnheldRecord::Identity& b) {
  return a.device.load() == b.device.load() &&
         a.inode.load() == b.inode.load() &&
         a.changed_ns.load() == b.changed_ns.load();
}

}  // namespace

// What an event borrows, for as long as its file is in use.
struct UnheldFiles::Owner {
  UnheldFiles* files = nullptr;
  UnheldRecord::Scan* scan = nullptr;
  UniqueFd fd;
  std::string path;
  bool runs = false;
};

UnheldFiles::UnheldFiles(EventQueue& queue, CrashedContent& crashed,
                         UnheldRecord& record, size_t files_max)
    : queue_(queue),
      crashed_(crashed),
      record_(record),
      files_max_(std::clamp<size_t>(files_max, 1, kUnheldFilesMax)) {}

void UnheldFiles::Recover(bool own_fault) {
  const bool one_is_known = std::any_of(
      record_.scans.begin(), record_.scans.end(), [](UnheldRecord::Scan& scan) {
        return std::atomic_ref(scan.scan_mark).load() == kScanMarkFaulted;
      });
  const uint32_t guilty = one_is_known ? kScanMarkFaulted : kScanMarkScanning;
  // One death is one strike, however many were scanning the same file.
  std::vector<const UnheldRecord::Identity*> struck;
  const auto is_struck = [&struck](const UnheldRecord::Identity& file) {
    return std::any_of(struck.begin(), struck.end(),
                       [&file](const auto* one) { return IsSame(*one, file); });
  };
  for (UnheldRecord::Scan& scan : record_.scans) {
    const std::atomic_ref mark(scan.scan_mark);
    if (own_fault && scan.is_used.load() != 0 && mark.load() == guilty &&
        !is_struck(scan.file)) {
      Strike(scan.file);
      struck.push_back(&scan.file);
    }
    mark.store(kScanMarkNone);
    scan.is_used.store(0);
  }
}

void UnheldFiles::Strike(const UnheldRecord::Identity& file) {
  record_.strikes.fetch_add(1);
  for (UnheldRecord::Strikes& one : record_.struck) {
    if (one.count.load() != 0 && IsSame(one.file, file)) {
      one.count.fetch_add(1);
      return;
    }
  }
  UnheldRecord::Strikes& place = record_.struck.at(
      record_.next_struck.fetch_add(1) % UnheldRecord::kStruckMax);
  place.file.device.store(file.device.load());
  place.file.inode.store(file.inode.load());
  place.file.changed_ns.store(file.changed_ns.load());
  place.count.store(1);
}

bool UnheldFiles::IsStruck(const struct stat& file) const {
  UnheldRecord::Identity identity;
  Set(identity, file);
  return std::any_of(record_.struck.begin(), record_.struck.end(),
                     [&identity](const UnheldRecord::Strikes& one) {
                       return one.count.load() >= kStrikesMax &&
                              IsSame(one.file, identity);
                     });
}

// A place in the record; null if stop was requested.
UnheldRecord::Scan* UnheldFiles::Claim(const std::stop_token& stop) {
  UnheldRecord::Scan* found = nullptr;
  std::unique_lock<std::mutex> lock(mutex_);
  (void)has_room_.wait(lock, stop, [&] {
    for (size_t i = 0; i < files_max_ && found == nullptr; ++i) {
      UnheldRecord::Scan& scan = record_.scans.at(i);
      if (scan.is_used.load() == 0) found = &scan;
    }
    return found != nullptr;
  });
  if (found != nullptr) found->is_used.store(1);
  return found;
}

void UnheldFiles::Release(void* owner) noexcept {
  const std::unique_ptr<Owner> released(static_cast<Owner*>(owner));
  UnheldFiles& files = *released->files;
  released->fd.Reset();
  const std::scoped_lock<std::mutex> lock(files.mutex_);
  released->scan->is_used.store(0);
  files.has_room_.notify_one();
}

bool UnheldFiles::IsOfRunning(const FileEvent& event) {
  // An event of somebody else has another owner, or none.
  const auto* owner =
      static_cast<const Owner*>(event.file.UnsafeOwner(Release));
  return owner != nullptr && owner->runs;
}

bool UnheldFiles::Judge(UnheldFile file, const std::stop_token& stop) {
  struct stat status = {};
  if (::fstat(file.fd.UnsafeFd(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size == 0) {
    return true;  // Nothing to judge.
  }
  // The workers know its content then, and answer without a scan.
  if (IsStruck(status)) (void)crashed_.Add(file.fd.UnsafeFd());
  UnheldRecord::Scan* scan = Claim(stop);
  if (scan == nullptr) return false;
  Set(scan->file, status);
  auto owner = std::make_unique<Owner>();
  owner->files = this;
  owner->scan = scan;
  owner->fd = std::move(file.fd);
  owner->path = std::move(file.path);
  owner->runs = file.running_pid != 0;
  FileEvent event;
  event.kind = FileEventKind::kClose;
  event.pid = file.running_pid;
  event.key = {status.st_dev, status.st_ino};
  event.times.arrived = MonotonicClock::now();
  event.unsafe_scan_mark = &scan->scan_mark;
  event.unsafe_path = owner->path;
  const bool runs = owner->runs;
  if (!runs) event.unsafe_believed_path = owner->path;
  const int fd = owner->fd.UnsafeFd();
  event.file = ScanFile(fd, owner.release(), Release);
  record_.files.fetch_add(1);
  // What runs comes before what was written.
  const Lane lane = runs ? Lane::kExec : Lane::kOpen;
  while (!queue_.TryPush(lane, event)) {
    std::unique_lock<std::mutex> lock(mutex_);
    (void)has_room_.wait_for(lock, stop, kRetryPeriod, [] { return false; });
    if (stop.stop_requested() || queue_.closed()) {
      lock.unlock();  // The event lets go of its file, which takes it.
      return false;
    }
  }
  return true;
}

}  // namespace gatehouse
