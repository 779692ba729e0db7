// PrivateMount: a mount that only this process sees, and only for a while.
//
// Thread-compatible. Needs root. Threads that were started before the first one
// do not see it.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

namespace gatehouse {

class PrivateMount {
 public:
  // Where this is false, a test that needs a mount is skipped.
  static bool IsPossible() { return ::geteuid() == 0; }

  // A tmpfs on the directory `target`.
  explicit PrivateMount(const std::string& target) : target_(target) {
    Enter();
    EXPECT_EQ(::mount("tmpfs", target_.c_str(), "tmpfs", 0, "size=1g"), 0);
  }
  // What is at `source` also appears at `target`.
  PrivateMount(const std::string& source, const std::string& target)
      : target_(target) {
    Enter();
    EXPECT_EQ(
        ::mount(source.c_str(), target_.c_str(), nullptr, MS_BIND, nullptr), 0);
  }
  ~PrivateMount() {
    if (!target_.empty()) (void)::umount2(target_.c_str(), MNT_DETACH);
  }
  PrivateMount(const PrivateMount&) = delete;
  PrivateMount& operator=(const PrivateMount&) = delete;

  void MakeReadOnly() { Remount(MS_RDONLY); }
  void MakeWritable() { Remount(0); }

 private:
  // Nothing that is mounted from now on reaches anybody else.
  static void Enter() {
    static const bool is_private =
        ::unshare(CLONE_NEWNS) == 0 &&
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    ASSERT_TRUE(is_private);
  }

  void Remount(unsigned long flags) {
    EXPECT_EQ(
        ::mount(nullptr, target_.c_str(), nullptr, MS_REMOUNT | flags, nullptr),
        0);
  }

  const std::string target_;
};

}  // namespace gatehouse
