#include "es_adapter/linux/replay_backend.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>

#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/fanotify_group.h"
#include "es_adapter/linux/message.h"
#include "trace/trace_content.h"

namespace gatehouse {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kNsPerMillisecond = 1'000'000;
constexpr int64_t kBetweenRoundsNs = 1'000'000;
constexpr rlim_t kDescriptorsMax = 1U << 20U;

enum HeldState : uint32_t { kNobody, kNotified, kWaits, kIsAnswered };

timespec TimeOf(int64_t ns) {
  timespec time = {};
  time.tv_sec = ns / kNsPerSecond;
  time.tv_nsec = ns % kNsPerSecond;
  return time;
}

es_string_token_t Token(const std::string& text) {
  return es_string_token_t{text.size(), text.c_str()};
}

struct stat StatusOf(const TraceFile& file) {
  struct stat status = {};
  status.st_dev = file.device;
  status.st_ino = file.inode;
  status.st_size = static_cast<off_t>(file.size);
  status.st_mode = file.mode;
  status.st_mtim = TimeOf(file.modified_ns);
  status.st_ctim = TimeOf(file.changed_ns);
  return status;
}

// Where the wall clock of the trace was, relative to the clock of its events.
int64_t WallOffset(const Trace& trace) {
  if (trace.sessions.empty()) return 0;
  const TraceSession& first = trace.sessions.front();
  return first.wall_ms * kNsPerMillisecond - first.begin_ns;
}

size_t DescriptorLimit() {
  rlimit limit = {};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  return std::min(limit.rlim_cur, kDescriptorsMax);
}

}  // namespace

// --- Results ----------------------------------------------------------------

void ReplayResults::WaitForEnd() {
  for (uint64_t open = open_.load(); open != 0; open = open_.load()) {
    open_.wait(open);
  }
}

// Steps of an eighth of a power of two: 9 % apart at most.
void ReplayResults::CountLatency(int64_t ns) {
  const auto value = static_cast<uint64_t>(std::max<int64_t>(ns, 1));
  const size_t power = size_t{std::bit_width(value)} - 1;
  const size_t step = power < 3 ? 0 : (value >> (power - 3)) - kSteps;
  // Relaxed: read when nobody counts any more.
  latencies_.at(power * kSteps + step).fetch_add(1, std::memory_order_relaxed);
}

int64_t ReplayResults::LatencyAt(double part) const {
  uint64_t all = 0;
  for (const auto& count : latencies_) all += count.load();
  const auto wanted = static_cast<uint64_t>(static_cast<double>(all) * part);
  uint64_t seen = 0;
  for (size_t i = 0; i < latencies_.size(); ++i) {
    seen += latencies_[i].load();
    if (seen == 0 || seen < wanted) continue;
    const size_t power = i / kSteps;
    const uint64_t step = i % kSteps + kSteps + 1;  // Where it ends.
    return static_cast<int64_t>(power < 3 ? uint64_t{1} << (power + 1)
                                          : step << (power - 3));
  }
  return 0;
}

std::vector<ReplayedAnswer> ReplayResults::differing() const {
  const MutexLock lock(mutex_);
  return differing_;
}

std::vector<ReplayedAnswer> ReplayResults::answers_kept() const {
  const MutexLock lock(mutex_);
  return answers_kept_;
}

void ReplayResults::Keep(const ReplayedAnswer& answer) {
  const MutexLock lock(mutex_);
  answers_kept_.push_back(answer);
}

void ReplayResults::Differs(const ReplayedAnswer& answer) {
  switch (answer.basis) {
    case AnswerBasis::kVerdict:
      differences.fetch_add(1);
      break;
    case AnswerBasis::kDeadline:
      deadline_differences.fetch_add(1);
      break;
    case AnswerBasis::kPolicy:
      policy_differences.fetch_add(1);
      break;
  }
  const MutexLock lock(mutex_);
  if (differing_.size() < kDifferencesKept) differing_.push_back(answer);
}

// --- Before and after -------------------------------------------------------

ReplayBackend::ReplayBackend(esl_journal_t& journal,
                             const ReplayOptions& options,
                             ReplayResults& results)
    : journal_(journal),
      options_(options),
      trace_(*options.trace),
      results_(results),
      own_pid_(::getpid()),
      wall_offset_ns_(WallOffset(trace_)),
      held_(DescriptorLimit()) {}

ReplayBackend::~ReplayBackend() = default;

void ReplayBackend::LookAtAnswers() {
  answers_of_.resize(trace_.files.size());
  for (const TraceEvent& event : trace_.events) {
    if (event.content || !event.answer) continue;
    FileAnswers& answers = answers_of_[event.file];
    (trace_.answers[*event.answer].allow ? answers.was_allowed
                                         : answers.was_denied) = true;
  }
}

// Who closed a file that was denied, before or afterwards, did not close
// another one.
TraceContent ReplayBackend::ContentAt(const TraceEvent& event) const {
  TraceContent content = ContentOf(trace_, event);
  const bool is_guess = !event.content && !event.answer;
  if (is_guess && answers_of_[event.file].was_denied) {
    content.kind = ContentKind::kEicar;
  }
  return content;
}

// One file per file of the trace and content it had: who tells files by their
// numbers finds as many as there were.
bool ReplayBackend::MakeContents() {
  LookAtAnswers();
  std::map<std::pair<uint32_t, int64_t>, size_t> known;
  std::vector<bool> has_content(trace_.files.size(), false);
  std::vector<bool> is_content_given(trace_.files.size(), false);
  content_of_.reserve(trace_.events.size());
  for (const TraceEvent& event : trace_.events) {
    const TraceContent content = ContentAt(event);
    const int64_t kind = event.content ? -1 - int64_t{*event.content}
                                       : static_cast<int64_t>(content.kind);
    const auto [place, is_new] =
        known.try_emplace({event.file, kind}, contents_.size());
    content_of_.push_back(place->second);
    if (!is_new) continue;
    // Two that were made from the answers are not remembered: see LookAt.
    const bool is_given = event.content || is_content_given[event.file];
    if (has_content[event.file] && is_given) forgets_between_rounds_ = true;
    has_content[event.file] = true;
    is_content_given[event.file] = is_given;
    Result<UniqueFd> file = MakeFile(content);
    if (!file) return false;
    contents_.push_back(std::move(*file));
  }
  return true;
}

es_new_client_result_t ReplayBackend::Open() {
  if (!MakeContents()) return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
  round_ = options_.rounds;
  if (!trace_.events.empty()) {
    round_ = 0;
    round_ns_ = trace_.events.back().time_ns - trace_.events.front().time_ns +
                kBetweenRoundsNs;
  }
  if (IsAtEnd()) {
    results_.at_end.store(true);
    results_.open_.fetch_sub(1);
  }
  return ES_NEW_CLIENT_RESULT_SUCCESS;
}

int ReplayBackend::Mark(GroupKind /*kind*/, int /*directory*/,
                        uint64_t /*mask*/) {
  if (has_begun_.load()) return 0;
  begin_ns_ = options_.time == nullptr || trace_.events.empty()
                  ? JournalNow()
                  : trace_.events.front().time_ns;
  has_begun_.store(true);
  const uint64_t one = 1;
  const int wake_fd = wake_fd_.load();
  if (wake_fd >= 0) (void)!::write(wake_fd, &one, sizeof(one));
  return 0;
}

void ReplayBackend::Close() {
  for (Held& held : held_) LetGo(held);
}

void ReplayBackend::LetGo(Held& held) {
  if (held.state.exchange(kNobody) == kWaits) results_.unanswered.fetch_add(1);
}

// --- Events -----------------------------------------------------------------

int64_t ReplayBackend::DueAt(size_t event, uint64_t round) const {
  int64_t after = trace_.events[event].time_ns - trace_.events.front().time_ns +
                  static_cast<int64_t>(round) * round_ns_;
  if (options_.time == nullptr) {
    if (options_.speed <= 0) return begin_ns_;
    after = static_cast<int64_t>(static_cast<double>(after) / options_.speed);
  }
  return begin_ns_ + after;
}

int64_t ReplayBackend::NextEventAt() const {
  return IsAtEnd() ? std::numeric_limits<int64_t>::max() : DueAt(next_, round_);
}

GroupKind ReplayBackend::NextGroup() const {
  return trace_.events[next_].action == TraceAction::kAuth
             ? GroupKind::kPermission
             : GroupKind::kNotification;
}

GroupSet ReplayBackend::Wait(const GroupSet& wanted, int wake_fd) {
  GroupSet ready = {};
  int64_t left_ns = -1;  // For ever.
  wake_fd_.store(wake_fd);
  if (has_begun_.load() && !IsAtEnd()) {
    const auto group = static_cast<size_t>(NextGroup());
    const bool is_fast = options_.time == nullptr && options_.speed <= 0;
    left_ns = is_fast ? 0 : DueAt(next_, round_) - Now();
    ready.at(group) = wanted.at(group) && left_ns <= 0;
    if (ready.at(group)) return ready;
    if (!wanted.at(group)) left_ns = -1;  // Until a slot is free.
  }
  if (IsStepped()) return ready;
  pollfd wait = {wake_fd, POLLIN, 0};
  const timespec timeout = TimeOf(std::max<int64_t>(left_ns, 0));
  (void)::ppoll(&wait, 1, left_ns < 0 ? nullptr : &timeout, nullptr);
  if (wait.revents != 0) {
    uint64_t wakes = 0;
    (void)!::read(wake_fd, &wakes, sizeof(wakes));
  }
  return ready;
}

ssize_t ReplayBackend::Read(GroupKind kind,
                            std::span<fanotify_event_metadata> events) {
  size_t count = 0;
  const bool is_next_round = std::exchange(is_next_round_, false);
  if (is_next_round && forgets_between_rounds_ && options_.on_next_round) {
    options_.on_next_round();
  }
  const bool is_fast = options_.time == nullptr && options_.speed <= 0;
  const int64_t now_ns = Now();
  while (count < events.size() && !IsAtEnd() && NextGroup() == kind &&
         (is_fast || DueAt(next_, round_) <= now_ns)) {
    if (TakeNext(events[count])) ++count;
    if (++next_ < trace_.events.size()) continue;
    next_ = 0;
    if (++round_ < options_.rounds) {
      is_next_round_ = true;  // What was read is handled before.
      break;
    }
    results_.at_end.store(true);
    if (results_.open_.fetch_sub(1) == 1) results_.open_.notify_all();
  }
  return count == 0 ? -EINTR : static_cast<ssize_t>(count);
}

// False if there is no descriptor to be had, or Linux has no such event.
bool ReplayBackend::TakeNext(fanotify_event_metadata& raw) {
  const TraceEvent& event = trace_.events[next_];
  const KnownEvent* known =
      FindKnownEvent(static_cast<es_event_type_t>(event.type));
  const int fd = known == nullptr
                     ? -1
                     : ::fcntl(contents_[content_of_[next_]].UnsafeFd(),
                               F_DUPFD_CLOEXEC, 0);
  if (fd < 0 || static_cast<size_t>(fd) >= held_.size()) {
    results_.failures.fetch_add(1);
    if (fd >= 0) (void)::close(fd);
    return false;
  }
  const bool is_auth = known->support == ESL_SUPPORT_AUTH;
  Held& held = held_[static_cast<size_t>(fd)];
  LetGo(held);  // Who had this number before.
  held.event.store(static_cast<uint32_t>(next_));
  held.round.store(round_);
  held.read_ns.store(Now());
  held.basis.store(AnswerBasis::kVerdict);
  if (is_auth) results_.open_.fetch_add(1);
  held.state.store(is_auth ? kWaits : kNotified);
  (is_auth ? results_.auth_events : results_.notify_events).fetch_add(1);
  raw.event_len = sizeof(raw);
  raw.vers = FANOTIFY_METADATA_VERSION;
  raw.metadata_len = FAN_EVENT_METADATA_LEN;
  raw.mask = known->mask;
  raw.fd = fd;
  // Our own number would mean ourselves; 0 means unknown.
  const pid_t pid = trace_.processes[event.process].pid;
  raw.pid = pid == own_pid_ ? 0 : pid;
  return true;
}

void ReplayBackend::Answer(GroupKind /*kind*/, int fd, bool allow,
                           AnswerSource source) {
  Held& held = held_.at(static_cast<size_t>(fd));
  ReplayedAnswer answer = {held.round.load(), held.event.load(), allow, Now()};
  answer.basis = held.basis.load();
  if (source == AnswerSource::kDeadline) answer.basis = AnswerBasis::kDeadline;
  if (source == AnswerSource::kUnanswered) answer.basis = AnswerBasis::kPolicy;
  const int64_t read_ns = held.read_ns.load();
  const uint32_t before = held.state.exchange(kIsAnswered);
  if (before != kWaits) {
    results_.duplicates.fetch_add(1);
    return;
  }
  (allow ? journal_.counters.allowed : journal_.counters.denied).fetch_add(1);
  results_.answers.fetch_add(1);
  if (allow) results_.allowed.fetch_add(1);
  results_.CountLatency(answer.at_ns - read_ns);
  if (options_.keeps_answers) results_.Keep(answer);
  const std::optional<size_t>& recorded = trace_.events[answer.event].answer;
  if (recorded && trace_.answers[*recorded].allow != allow) {
    results_.Differs(answer);
  }
  if (results_.open_.fetch_sub(1) == 1) results_.open_.notify_all();
}

// --- Facts ------------------------------------------------------------------

const TraceEvent& ReplayBackend::EventOf(int fd) const {
  return trace_.events[held_.at(static_cast<size_t>(fd)).event.load()];
}

void ReplayBackend::FillTarget(Message& message) {
  const TraceEvent& event = EventOf(message.fd);
  const TraceFile& file = trace_.files[event.file];
  message.target.path = Token(file.path);
  message.target.path_truncated = file.path_truncated;
  message.target.stat = StatusOf(file);
  // As fresh as the file was then.
  message.es.time = TimeOf(event.time_ns + wall_offset_ns_);
}

std::optional<FileLook> ReplayBackend::LookAt(int fd) const {
  const TraceEvent& event = EventOf(fd);
  const FileAnswers& answers = answers_of_[event.file];
  const bool has_two_contents = answers.was_allowed && answers.was_denied;
  if (!event.content && has_two_contents) return std::nullopt;
  return FileLook{StateOf(StatusOf(trace_.files[event.file])), false};
}

void ReplayBackend::SetBasis(int fd, AnswerBasis basis) {
  held_.at(static_cast<size_t>(fd)).basis.store(basis);
}

void ReplayBackend::FillProcess(Message& message) {
  const TraceProcess& from = trace_.processes[EventOf(message.fd).process];
  if (message.has_process || from.pid == 0) return;
  es_process_t& process = message.process;
  audit_token_t& token = process.audit_token;
  token.val[0] = from.uid;
  token.val[1] = from.effective_uid;
  token.val[2] = from.effective_gid;
  token.val[3] = from.uid;
  token.val[4] = from.gid;
  process.ppid = from.parent_pid;
  process.original_ppid = from.parent_pid;
  process.responsible_audit_token = token;
  message.executable.path = Token(from.executable);
  message.has_process = true;
}

bool ReplayBackend::HasWriter(int fd) const { return EventOf(fd).had_writer; }

int64_t ReplayBackend::Now() const {
  return options_.time == nullptr
             ? JournalNow()
             : options_.time->now().time_since_epoch().count();
}

int64_t ReplayBackend::WallNow() const {
  return options_.time == nullptr ? EventBackend::WallNow()
                                  : Now() + wall_offset_ns_;
}

int64_t ReplayBackend::RecordedAnswerAt(int fd) const {
  const Held& held = held_.at(static_cast<size_t>(fd));
  const TraceEvent& event = trace_.events[held.event.load()];
  if (!event.answer) return -1;
  const int64_t latency_ns =
      trace_.answers[*event.answer].time_ns - event.time_ns;
  return DueAt(held.event.load(), held.round.load()) + latency_ns;
}

}  // namespace gatehouse
