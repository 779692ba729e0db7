#include "base/thread_name.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <string>
#include <thread>

namespace gatehouse {
namespace {

std::string NameOfThisThread() {
  std::array<char, 16> name = {};
  EXPECT_EQ(::pthread_getname_np(::pthread_self(), name.data(), name.size()),
            0);
  return name.data();
}

TEST(ThreadNameTest, NamesTheCallingThreadAndNoOther) {
  const std::string before = NameOfThisThread();
  std::string in_thread;
  std::jthread([&in_thread] {
    SetThreadName("scan-3");
    in_thread = NameOfThisThread();
  }).join();
  EXPECT_EQ(in_thread, "scan-3");
  EXPECT_EQ(NameOfThisThread(), before);
}

TEST(ThreadNameTest, TakesFifteenCharacters) {
  std::string in_thread;
  std::jthread([&in_thread] {
    SetThreadName("123456789012345");
    in_thread = NameOfThisThread();
  }).join();
  EXPECT_EQ(in_thread, "123456789012345");
}

}  // namespace
}  // namespace gatehouse
