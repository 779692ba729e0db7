#include "es_adapter/linux/trace_recorder.h"

#include <EndpointSecurity/EndpointSecurity.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/thread_name.h"
#include "base/time.h"
#include "base/whole_transfer.h"
#include "es_adapter/linux/event_backend.h"
#include "es_adapter/linux/message.h"
#include "trace/trace_encoder.h"

namespace gatehouse {
namespace {

constexpr size_t kTappedTextMax = 512;  // Both paths; longer ones are cut.
constexpr std::chrono::milliseconds kLookPeriod{5};
constexpr std::chrono::seconds kBlockPeriod{1};  // At most this much is lost.
constexpr size_t kTablesMax = 65'536;  // Files and processes remembered.
constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * kNsPerSecond + time.tv_nsec;
}

}  // namespace

// A record on its way: of fixed size, without pointers.
struct TraceRecorder::Tapped {
  enum class Kind : uint8_t { kEvent, kAnswer };

  Kind kind = Kind::kEvent;
  bool is_auth = false;
  bool had_writer = false;
  bool has_process = false;
  bool allow = false;
  bool path_truncated = false;
  AnswerSource source = AnswerSource::kUnknown;
  uint32_t type = 0;
  int32_t fflag = 0;
  uint64_t sequence = 0;
  int64_t time_ns = 0;
  int64_t deadline_ns = 0;  // From time_ns on.
  int32_t pid = 0;
  int32_t parent_pid = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t effective_uid = 0;
  uint32_t effective_gid = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  uint32_t mode = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  uint16_t path_bytes = 0;
  uint16_t executable_bytes = 0;
  std::array<char, kTappedTextMax> text = {};  // Path, executable.

  std::string_view path() const { return {text.data(), path_bytes}; }
  std::string_view executable() const {
    return {text.data() + path_bytes, executable_bytes};
  }
};

// --- The thread that writes -------------------------------------------------

class TraceRecorder::Writer {
 public:
  Writer(UniqueFd fd, uint64_t file_bytes)
      : fd_(std::move(fd)), file_bytes_(file_bytes) {
    unanswered_.reserve(kRingRecords);
  }

  int Begin(const TraceSession& session) {
    encoder_.BeginSession(session);
    return file_bytes_ == 0 ? Write(TraceEncoder::FileHeader()) : 0;
  }
  void Take(const Tapped& tapped) {
    if (tapped.kind == Tapped::Kind::kEvent) {
      TakeEvent(tapped);
    } else {
      TakeAnswer(tapped);
    }
  }
  // What the ring had no room for, and answers whose event it had none for.
  void TakeLost(uint64_t lost) {
    const uint64_t missing = lost - std::exchange(lost_, lost) +
                             std::exchange(answers_without_event_, 0);
    if (missing != 0) encoder_.AddLost(missing);
  }
  // Writes complete blocks; all there is once per kBlockPeriod, or `now`.
  int Flush(bool now) {
    const MonotonicTime time = MonotonicClock::now();
    if (now || time - finished_at_ >= kBlockPeriod) {
      encoder_.FinishBlock();
      finished_at_ = time;
    }
    if (encoder_.bytes().empty()) return 0;
    const int error = Write(encoder_.bytes());
    encoder_.ClearBytes();
    return error;
  }
  int End() {
    encoder_.EndSession();
    return Flush(true);
  }
  const TraceEnd& count() const { return encoder_.count(); }
  uint64_t file_bytes() const { return file_bytes_; }

 private:
  int Write(std::string_view bytes) {
    if (file_bytes_ + bytes.size() > kTraceBytesMax) return EFBIG;
    const Result<bool> written =
        WriteFully(fd_.UnsafeFd(), AsBytes(bytes), "write the trace");
    if (!written) return written.error().error_number;
    file_bytes_ += bytes.size();
    return 0;
  }
  void TakeEvent(const Tapped& tapped);
  void TakeAnswer(const Tapped& tapped);
  uint32_t ProcessOf(const Tapped& tapped);
  uint32_t FileOf(const Tapped& tapped);

  const UniqueFd fd_;
  uint64_t file_bytes_;
  MonotonicTime finished_at_ = MonotonicClock::now();
  TraceEncoder encoder_;
  uint64_t lost_ = 0;
  uint64_t answers_without_event_ = 0;
  uint64_t first_sequence_ = 0;  // Of an event; 0: there was none.
  std::unordered_map<int32_t, uint32_t> processes_;  // By pid.
  std::unordered_map<std::string, uint32_t> files_;  // By all its facts.
  // Sequence: event. What leaves it makes room for what comes.
  std::pmr::unsynchronized_pool_resource pool_;
  std::pmr::unordered_map<uint64_t, uint64_t> unanswered_{&pool_};
  std::string key_;  // Of files_; here for its memory, as is ...
  TraceFile file_;   // ... this.
};

uint32_t TraceRecorder::Writer::ProcessOf(const Tapped& tapped) {
  const auto known = processes_.find(tapped.pid);
  if (known != processes_.end() && !tapped.has_process) return known->second;
  if (processes_.size() >= kTablesMax) processes_.clear();
  TraceProcess process;
  process.pid = tapped.pid;
  process.parent_pid = tapped.parent_pid;
  process.uid = tapped.uid;
  process.gid = tapped.gid;
  process.effective_uid = tapped.effective_uid;
  process.effective_gid = tapped.effective_gid;
  process.executable = tapped.executable();
  return processes_[tapped.pid] = encoder_.AddProcess(process);
}

uint32_t TraceRecorder::Writer::FileOf(const Tapped& tapped) {
  key_.clear();
  for (const uint64_t fact :
       {tapped.device, tapped.inode, tapped.size, uint64_t{tapped.mode},
        static_cast<uint64_t>(tapped.modified_ns),
        static_cast<uint64_t>(tapped.changed_ns)}) {
    AppendNumber(key_, fact);
  }
  key_ += tapped.path();
  const auto known = files_.find(key_);
  if (known != files_.end()) return known->second;
  if (files_.size() >= kTablesMax) files_.clear();
  file_.device = tapped.device;
  file_.inode = tapped.inode;
  file_.size = tapped.size;
  file_.mode = tapped.mode;
  file_.modified_ns = tapped.modified_ns;
  file_.changed_ns = tapped.changed_ns;
  file_.path_truncated = tapped.path_truncated;
  file_.path = tapped.path();
  return files_[key_] = encoder_.AddFile(file_);
}

void TraceRecorder::Writer::TakeEvent(const Tapped& tapped) {
  TraceEvent event;
  event.time_ns = tapped.time_ns;
  event.type = tapped.type;
  event.action = tapped.is_auth ? TraceAction::kAuth : TraceAction::kNotify;
  event.had_writer = tapped.had_writer;
  event.fflag = tapped.fflag;
  event.process = ProcessOf(tapped);
  event.file = FileOf(tapped);
  event.deadline_ns = tapped.deadline_ns;
  const uint64_t number = encoder_.AddEvent(event);
  if (first_sequence_ == 0) first_sequence_ = tapped.sequence;
  if (tapped.is_auth) unanswered_.emplace(tapped.sequence, number);
}

void TraceRecorder::Writer::TakeAnswer(const Tapped& tapped) {
  const auto found = unanswered_.find(tapped.sequence);
  if (found == unanswered_.end()) {
    // Of an event that was lost, unless it is from before the recording.
    const bool is_later =
        first_sequence_ != 0 && tapped.sequence > first_sequence_;
    if (is_later) ++answers_without_event_;
    return;
  }
  encoder_.AddAnswer(
      {tapped.time_ns, found->second, tapped.allow, tapped.source});
  unanswered_.erase(found);
}

// --- Start and stop ---------------------------------------------------------

TraceRecorder::TraceRecorder(JournalCounters& counters) : counters_(counters) {}

TraceRecorder::~TraceRecorder() { (void)Stop(); }

int TraceRecorder::Start(int fd, std::string program, int64_t now_ns,
                         int64_t wall_ms) {
  if (thread_.joinable()) return EBUSY;
  UniqueFd own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  struct stat status = {};
  if (!own.valid() || ::fstat(own.UnsafeFd(), &status) != 0) return errno;
  if (ring_ == nullptr) {
    ring_ = std::make_unique<BoundedRing<Tapped>>(kRingRecords);
  }
  while (ring_->TryPop()) {  // Of an earlier recording.
  }
  auto writer = std::make_unique<Writer>(std::move(own),
                                         static_cast<uint64_t>(status.st_size));
  const int error = writer->Begin({wall_ms, now_ns, std::move(program)});
  if (error != 0) return error;
  writer_ = std::move(writer);
  Report(*writer_);
  lost_.store(0);
  error_number_.store(0);
  forget_seen_.store(true);
  {
    const MutexLock lock(mutex_);
    stop_ = false;
  }
  // Release: what was prepared here is seen by who finds it active.
  active_.store(true, std::memory_order_release);
  try {
    thread_ = std::thread([this] { Run(*writer_); });
  } catch (const std::system_error&) {
    active_.store(false, std::memory_order_release);
    writer_.reset();
    return EAGAIN;
  }
  return 0;
}

int TraceRecorder::Stop() {
  if (!thread_.joinable()) return EINVAL;
  active_.store(false, std::memory_order_release);
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    stopping_.NotifyAll();
  }
  thread_.join();
  writer_.reset();
  return error_number_.load();
}

// Relaxed, here and below: numbers to look at, each by itself.
void TraceRecorder::Report(const Writer& writer) {
  const TraceEnd& count = writer.count();
  progress_.events.store(count.events, std::memory_order_relaxed);
  progress_.answers.store(count.answers, std::memory_order_relaxed);
  progress_.lost.store(count.lost, std::memory_order_relaxed);
  progress_.bytes.store(writer.file_bytes(), std::memory_order_relaxed);
}

esl_recording_t TraceRecorder::status() const {
  esl_recording_t status = {};
  status.active = active();
  status.error_number = error_number_.load();
  status.events = progress_.events.load(std::memory_order_relaxed);
  status.answers = progress_.answers.load(std::memory_order_relaxed);
  status.lost = progress_.lost.load(std::memory_order_relaxed);
  status.bytes = progress_.bytes.load(std::memory_order_relaxed);
  return status;
}

void TraceRecorder::Run(Writer& writer) {
  SetThreadName("gh-trace");
  UseOrdinaryPriority();
  bool stop = false;
  int error = 0;
  while (!stop && error == 0) {
    {
      const MutexLock lock(mutex_);
      if (!stop_) stopping_.WaitFor(mutex_, kLookPeriod);
      stop = stop_;
    }
    while (error == 0) {
      const std::optional<Tapped> tapped = ring_->TryPop();
      if (!tapped) break;
      writer.Take(*tapped);
      error = writer.Flush(false);
    }
    writer.TakeLost(lost_.load());
    if (error == 0) error = stop ? writer.End() : writer.Flush(false);
    Report(writer);
  }
  if (error == 0) return;
  error_number_.store(error);
  active_.store(false, std::memory_order_release);
  counters_.recordings_failed.fetch_add(1);
}

// --- On the way of an event -------------------------------------------------

void TraceRecorder::Push(Tapped& tapped) {
  if (ring_->TryPush(tapped)) {
    counters_.recorded.fetch_add(1);
  } else {
    lost_.fetch_add(1);
    counters_.record_lost.fetch_add(1);
  }
}

// A program start makes another program of a process, and numbers are used
// again; what is forgotten too often only costs a look.
bool TraceRecorder::IsProcessNew(const Message& message) {
  if (forget_seen_.exchange(false)) seen_.fill(0);
  const pid_t pid = audit_token_to_pid(message.process.audit_token);
  if (pid <= 0) return false;
  int32_t& seen = seen_.at(static_cast<size_t>(pid) % kProcessesSeen);
  const bool is_new = seen != pid;
  seen = message.es.event_type == ES_EVENT_TYPE_AUTH_EXEC ? 0 : pid;
  return is_new;
}

void TraceRecorder::Event(Message& message, int64_t read_ns,
                          EventBackend& backend) {
  const bool is_new = IsProcessNew(message);
  if (is_new) backend.FillProcess(message);
  backend.FillTargetPath(message);
  Tapped tapped;
  tapped.is_auth = message.es.action_type == ES_ACTION_TYPE_AUTH;
  // What the message says is a guess where nobody needs to know.
  tapped.had_writer = tapped.is_auth && backend.HasWriter(message.fd);
  tapped.type = static_cast<uint32_t>(message.es.event_type);
  if (message.es.event_type == ES_EVENT_TYPE_AUTH_OPEN) {
    tapped.fflag = message.es.event.open.fflag;
  }
  tapped.sequence = message.sequence;
  tapped.time_ns = read_ns;
  const int64_t deadline_ns = message.deadline_ns.load();
  tapped.deadline_ns = deadline_ns == 0 ? 0 : deadline_ns - read_ns;
  const audit_token_t& token = message.process.audit_token;
  tapped.pid = audit_token_to_pid(token);
  const struct stat& target = message.target.stat;
  tapped.device = target.st_dev;
  tapped.inode = target.st_ino;
  tapped.size = static_cast<uint64_t>(target.st_size);
  tapped.mode = target.st_mode;
  tapped.modified_ns = Nanoseconds(target.st_mtim);
  tapped.changed_ns = Nanoseconds(target.st_ctim);
  const es_string_token_t& path = message.target.path;
  const size_t path_bytes = std::min(path.length, kTappedTextMax);
  std::memcpy(tapped.text.data(), path.data, path_bytes);
  tapped.path_bytes = static_cast<uint16_t>(path_bytes);
  tapped.path_truncated =
      message.target.path_truncated || path_bytes < path.length;
  if (is_new && message.has_process) {
    tapped.has_process = true;
    tapped.parent_pid = message.process.ppid;
    tapped.uid = audit_token_to_ruid(token);
    tapped.gid = audit_token_to_rgid(token);
    tapped.effective_uid = audit_token_to_euid(token);
    tapped.effective_gid = audit_token_to_egid(token);
    const es_string_token_t& executable = message.executable.path;
    const size_t bytes =
        std::min(executable.length, kTappedTextMax - path_bytes);
    std::memcpy(tapped.text.data() + path_bytes, executable.data, bytes);
    tapped.executable_bytes = static_cast<uint16_t>(bytes);
  }
  Push(tapped);
}

void TraceRecorder::Answer(const Message& message, bool allow,
                           AnswerSource source, int64_t now_ns) {
  Tapped tapped;
  tapped.kind = Tapped::Kind::kAnswer;
  tapped.sequence = message.sequence;
  tapped.time_ns = now_ns;
  tapped.allow = allow;
  tapped.source = source;
  Push(tapped);
}

}  // namespace gatehouse
