// DenyList: files that are being isolated. Whoever opens one of them meanwhile,
// by whatever name, is denied without a scan: it may change under our hands.
//
// Thread-safe. An entry of Add is valid only while its owner keeps the file's
// inode alive (an open descriptor), so that the number cannot mean another
// file; one of AddUnpinned has another way to know.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"

namespace gatehouse {

class DenyList {
 public:
  // True if what is open behind `fd` is the very file. Called on any thread
  // that asks; must not block, nor throw.
  using IsSame = std::function<bool(int fd)>;

  // Denies the file for as long as it lives. Move-only.
  class Entry {
   public:
    Entry() = default;
    Entry(Entry&& other) noexcept
        : list_(std::exchange(other.list_, nullptr)),
          key_(other.key_),
          is_pinned_(other.is_pinned_) {}
    Entry& operator=(Entry&& other) noexcept {
      if (this != &other) {
        Reset();
        list_ = std::exchange(other.list_, nullptr);
        key_ = other.key_;
        is_pinned_ = other.is_pinned_;
      }
      return *this;
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { Reset(); }

    void Reset() {
      if (list_ == nullptr) return;
      std::exchange(list_, nullptr)->Remove(key_, is_pinned_);
    }

   private:
    friend class DenyList;
    using Key = std::pair<dev_t, ino_t>;
    Entry(DenyList& list, Key key, bool is_pinned)
        : list_(&list), key_(key), is_pinned_(is_pinned) {}

    DenyList* list_ = nullptr;
    Key key_ = {};
    bool is_pinned_ = true;
  };

  // Denies the file behind `fd`, which may be O_PATH. The list must outlive
  // the entry. Entries for one file add up.
  [[nodiscard]] Entry Add(int fd, const std::string& threat_name);

  // The same for a file that nobody keeps open, so that its number may come to
  // mean another: `is_same` is asked each time. One entry per file: the newest.
  [[nodiscard]] Entry AddUnpinned(int fd, const std::string& threat_name,
                                  IsSame is_same);

  // The name of the threat if the file behind `fd` is denied. Costs one load
  // while the list is empty, else one fstat and one lock.
  [[nodiscard]] std::optional<std::string> Find(int fd) const;

  // As Find, for a file whose numbers are known, and nothing else: in doubt,
  // true.
  [[nodiscard]] bool Contains(dev_t device, ino_t inode) const;

  [[nodiscard]] size_t size() const { return size_.load(); }

 private:
  struct Denied {
    std::string threat_name;
    size_t entries = 0;   // Of Add.
    size_t unpinned = 0;  // Of AddUnpinned.
    IsSame is_same;       // Of the newest of those.
  };

  void Remove(const Entry::Key& key, bool is_pinned);

  std::atomic<size_t> size_{0};
  mutable Mutex mutex_;
  std::map<Entry::Key, Denied> denied_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
