// A mutex whose lock policy clang's -Wthread-safety checks, and its companions.
//
// Thread-safe. Mutex owns nothing but itself; MutexLock borrows a Mutex that
// must outlive it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define GATEHOUSE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define GATEHOUSE_THREAD_ANNOTATION(x)
#endif

#define GATEHOUSE_CAPABILITY(x) GATEHOUSE_THREAD_ANNOTATION(capability(x))
#define GATEHOUSE_SCOPED_CAPABILITY GATEHOUSE_THREAD_ANNOTATION(scoped_lockable)
#define GATEHOUSE_GUARDED_BY(x) GATEHOUSE_THREAD_ANNOTATION(guarded_by(x))
#define GATEHOUSE_REQUIRES(...) \
  GATEHOUSE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define GATEHOUSE_EXCLUDES(...) \
  GATEHOUSE_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define GATEHOUSE_ACQUIRE(...) \
  GATEHOUSE_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define GATEHOUSE_TRY_ACQUIRE(...) \
  GATEHOUSE_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define GATEHOUSE_RELEASE(...) \
  GATEHOUSE_THREAD_ANNOTATION(release_capability(__VA_ARGS__))

namespace gatehouse {

class GATEHOUSE_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() GATEHOUSE_ACQUIRE() { mutex_.lock(); }
  // False if somebody else has it.
  [[nodiscard]] bool TryLock() GATEHOUSE_TRY_ACQUIRE(true) {
    return mutex_.try_lock();
  }
  void Unlock() GATEHOUSE_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;  // Waits on the std::mutex inside.
  std::mutex mutex_;
};

class GATEHOUSE_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) GATEHOUSE_ACQUIRE(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() GATEHOUSE_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar {
 public:
  // Both may wake spuriously: call them in a loop on the condition.
  void Wait(Mutex& mutex) GATEHOUSE_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    (void)lock.release();  // The caller's MutexLock still owns it.
  }
  void WaitFor(Mutex& mutex, std::chrono::nanoseconds timeout)
      GATEHOUSE_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    (void)condition_.wait_for(lock, timeout);
    (void)lock.release();
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace gatehouse
