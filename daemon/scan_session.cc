#include "daemon/scan_session.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <utility>

#include "base/display_text.h"
#include "base/mutex.h"
#include "base/time.h"
#include "daemon/peer_rights.h"
#include "daemon/protected_paths.h"
#include "engine/directory_reader.h"
#include "ipc/message.h"
#include "quarantine/threat_id.h"

namespace gatehouse {
namespace {

using std::chrono::milliseconds;

// A client that walks through many folders has nothing to send for a while.
constexpr milliseconds kReceiveTimeout{60'000};
// Of one batch: a client must not keep us with endless files.
constexpr std::chrono::seconds kBatchLimit{300};
// Whoever is held for an answer goes first.
constexpr int kScanNice = 10;
constexpr std::chrono::seconds kIsolationTime{3};

// Of a batch whose answer would be longer than a frame; `mdatp threat get`
// knows the rest.
constexpr size_t kShortNameBytes = 96;

struct ResultText {
  size_t name_bytes_max = kThreatNameBytesMax;
  size_t detail_bytes_max = kThreatDetailBytesMax;
};

Json ResultOf(size_t index, const Verdict& verdict,
              const std::optional<Threat>& threat, bool is_own,
              const ResultText& text) {
  Json result{{"index", index}, {"verdict", VerdictWord(verdict.kind)}};
  if (verdict.kind == VerdictKind::kNotScanned) {
    result["reason"] = ReasonWord(verdict.reason);
  }
  if (verdict.kind == VerdictKind::kError) {
    result["error_number"] = verdict.error_number;
  }
  if (!verdict.threat_name.empty()) {
    result["threat_name"] = CutText(verdict.threat_name, text.name_bytes_max);
  }
  if (!verdict.allowed_by.empty()) {
    result["allowed_by"] = CutText(verdict.allowed_by, text.name_bytes_max);
  }
  if (threat) {
    result["status"] = ThreatStatusWord(threat->status());
    // Of another user's file, it is a threat that does not exist for him.
    if (is_own) result["id"] = threat->id;
    const std::string& detail = threat->history.back().detail;
    if (!detail.empty()) {
      result["detail"] = CutText(detail, text.detail_bytes_max);
    }
  }
  return result;
}

}  // namespace

// What became of the hits of one batch, told by the remediator's threads.
class ScanSession::Isolations {
 public:
  std::function<void(const Threat&)> Expect(Finding& finding) {
    const MutexLock lock(mutex_);
    ++expected_;
    return [this, &finding](const Threat& threat) {
      const MutexLock told(mutex_);
      finding.threat = threat;
      --expected_;
      changed_.NotifyAll();
    };
  }
  void Wait() {
    const MutexLock lock(mutex_);
    while (expected_ != 0) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t expected_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
};

Result<bool> ScanSession::Run(const IpcRequest& request,
                              std::shared_ptr<const SignatureSet> signatures) {
  Result<std::unique_ptr<Scanner>> scanner =
      Scanner::Create(std::move(signatures));
  if (!scanner) return Unexpected(scanner.error());
  scanner_ = std::move(*scanner);
  (void)::setpriority(PRIO_PROCESS, 0, kScanNice);  // Of this thread alone.
  isolates_ = request.quarantine;
  ignores_exclusions_ = request.ignore_exclusions;
  record_.id = NewThreatId();
  record_.uid = parts_.session.peer().uid;
  record_.type = "custom";
  record_.path = request.path;
  record_.start_ms = WallClockMilliseconds();
  record_.state = "Running";
  const Result<bool> begun = parts_.quarantine.store().BeginScan(record_);
  if (!begun) return begun;
  Result<bool> served =
      parts_.session.Send({{"$type", kScanReadyType}, {"scan_id", record_.id}});
  if (served) served = Serve();
  record_.state = served ? "Succeeded" : "Cancelled";
  record_.end_ms = WallClockMilliseconds();
  const Result<bool> ended = parts_.quarantine.store().EndScan(record_);
  if (!served) return true;  // Nobody is there to be told.
  if (!ended) return ended;
  return SendResult();
}

// Until the client says that it was all.
Result<bool> ScanSession::Serve() {
  while (true) {
    Result<IpcMessage> message = parts_.session.Receive(kReceiveTimeout);
    if (!message) return Unexpected(message.error());
    const Result<IpcRequest> request =
        ParseRequest(message->body, message->descriptors.size());
    if (!request) {
      (void)parts_.session.SendError(request.error());
      return Unexpected(request.error());
    }
    if (request->command == IpcCommand::kScanEnd) return true;
    if (request->command != IpcCommand::kScanFiles) {
      const Error error{ErrorCode::kInvalidInput, "a scan is going on"};
      (void)parts_.session.SendError(error);
      return Unexpected(error);
    }
    Result<bool> scanned = ScanBatch(std::move(message->descriptors));
    if (!scanned) return scanned;
  }
}

Result<bool> ScanSession::ScanBatch(std::vector<UniqueFd> descriptors) {
  batch_ends_at_ = MonotonicClock::now() + kBatchLimit;
  std::vector<Finding> findings(descriptors.size());
  Isolations isolations;
  for (size_t i = 0; i < descriptors.size(); ++i) {
    Finding& finding = findings[i];
    finding.index = i;
    UniqueFd file;
    finding.verdict = Judge(descriptors[i], file);
    descriptors[i].Reset();
    if (finding.verdict.kind == VerdictKind::kInfected) {
      Treat(std::move(file), isolations, finding);
    }
  }
  isolations.Wait();
  for (const Finding& finding : findings) Count(finding);
  return SendFindings(findings);
}

Result<bool> ScanSession::SendFindings(const std::vector<Finding>& findings) {
  const auto answer = [&findings](const ResultText& text) {
    Json results = Json::array();
    for (const Finding& finding : findings) {
      if (finding.verdict.kind == VerdictKind::kClean &&
          finding.verdict.allowed_by.empty()) {
        continue;
      }
      results.push_back(ResultOf(finding.index, finding.verdict, finding.threat,
                                 finding.is_own, text));
    }
    return Json{{"$type", kScannedType}, {"results", std::move(results)}};
  };
  Result<bool> sent = parts_.session.Send(answer({}));
  if (!sent && sent.error().code == ErrorCode::kLimitExceeded) {
    sent = parts_.session.Send(answer({kShortNameBytes, kShortNameBytes}));
  }
  return sent;
}

// --- One file ---------------------------------------------------------------

// What the client can reach is not yet what he may read: the kernel decides,
// with his rights.
Result<UniqueFd> ScanSession::OpenForPeer(int descriptor) {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const Result<PeerRights> rights = PeerRights::Assume(parts_.session.peer());
  if (!rights) return Unexpected(rights.error());
  UniqueFd file(
      ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) return FailSystem("open a file", errno);
  return file;
}

// By a path that can be believed: in our own mount namespace.
bool ScanSession::IsExcluded(int descriptor) {
  if (ignores_exclusions_ || !parts_.exclusions.any_path()) return false;
  if (!own_mounts_.Contains(OwnMounts::MountOf(descriptor))) return false;
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  std::array<char, PATH_MAX> path = {};
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  // A path that fills the buffer may have been cut.
  if (length <= 0 || static_cast<size_t>(length) == path.size()) return false;
  return parts_.exclusions.ExcludesFromScan(
      {path.data(), static_cast<size_t>(length)});
}

Verdict ScanSession::Judge(const UniqueFd& descriptor, UniqueFd& file) {
  const int fd = descriptor.UnsafeFd();
  // What the kernel knows without asking a server that may hang.
  struct statx facts = {};
  if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &facts) !=
      0) {
    return Verdict::FromErrno(errno);
  }
  // Before it is opened: to open a device or a FIFO has effects of its own.
  if (!S_ISREG(facts.stx_mode)) {
    return Verdict::NotScanned(NotScannedReason::kNotRegularFile);
  }
  if (FileMayHang(fd, parts_.session.peer().pid, own_mounts_)) {
    return Verdict::NotScanned(NotScannedReason::kRemoteFileSystem);
  }
  if (IsOnPseudoFileSystem(fd)) {
    return Verdict::NotScanned(NotScannedReason::kPseudoFileSystem);
  }
  if (IsExcluded(fd)) {
    return Verdict::NotScanned(NotScannedReason::kExcluded);
  }
  Result<UniqueFd> opened = OpenForPeer(fd);
  if (!opened) {
    const int error_number = opened.error().error_number;
    return Verdict::FromErrno(error_number != 0 ? error_number : EIO);
  }
  file = std::move(*opened);
  if (parts_.crashed.Contains(file.UnsafeFd())) {
    return Verdict::NotScanned(NotScannedReason::kScanCrashed);
  }
  ScanLimits limits;
  limits.give_up_at = batch_ends_at_;
  limits.cancel = parts_.stop;
  limits.wants_sha256 = parts_.rules.allows_contents().load();
  return scanner_->Scan(file.UnsafeFd(), limits);
}

// Isolates for root and for the owner; others are told, and no more.
void ScanSession::Treat(UniqueFd file, Isolations& isolations,
                        Finding& finding) {
  const int fd = file.UnsafeFd();
  Quarantine& quarantine = parts_.quarantine;
  if (quarantine.exemptions().Covers(fd)) {
    finding.verdict = Verdict::NotScanned(NotScannedReason::kRestored);
    return;
  }
  const Verdict ruled = parts_.rules.Apply(finding.verdict);
  const uid_t peer = parts_.session.peer().uid;
  struct stat facts = {};
  finding.is_own =
      ::fstat(fd, &facts) == 0 && (peer == 0 || peer == facts.st_uid);
  Detection detection;
  detection.event.file = ScanFile(std::move(file));
  detection.threat_name = ruled.threat_name;
  detection.scan_id = record_.id;
  detection.isolate_by = MonotonicClock::now() + kIsolationTime;
  if (IsLeftAlone(ruled)) {
    LeaveAlone(detection, ruled, finding);
    return;
  }
  finding.verdict = ruled;
  if (ruled.kind != VerdictKind::kInfected) return;
  if (isolates_ && finding.is_own) {
    detection.done = isolations.Expect(finding);
    (void)quarantine.remediator().Submit(std::move(detection), true);
  } else {
    RecordInPlace(detection, ThreatStatus::kDetected,
                  isolates_ ? "it belongs to another user" : "", finding);
  }
}

// What is only recorded is shown as it is; what is allowed, or not even
// recorded, as what was not judged.
void ScanSession::LeaveAlone(const Detection& detection, const Verdict& ruled,
                             Finding& finding) {
  if (ruled.reason == NotScannedReason::kAuditedThreat) {
    finding.verdict.threat_name = ruled.threat_name;
  } else {
    finding.verdict = ruled;
  }
  if (ruled.reason == NotScannedReason::kThreatTypeOff) return;
  RecordInPlace(detection, StatusOfLeftAlone(ruled), WhyLeftAlone(ruled),
                finding);
}

// A user's scan adds nothing to what is known already of another user's file.
void ScanSession::RecordInPlace(const Detection& detection, ThreatStatus status,
                                const std::string& why, Finding& finding) {
  Quarantine& quarantine = parts_.quarantine;
  if (!finding.is_own) {
    const Result<FileFacts> facts =
        quarantine.files().Identity(detection.event.file.UnsafeFd());
    if (!facts) return;
    const Result<std::string> known =
        quarantine.store().UnfinishedOf(FileKey(*facts));
    if (!known || !known->empty()) {
      Threat told;
      told.history.push_back({WallClockMilliseconds(), status, why});
      finding.threat = std::move(told);
      return;
    }
  }
  finding.threat =
      quarantine.remediator().RecordInPlace(detection, status, why, true);
}

void ScanSession::Count(const Finding& finding) {
  switch (finding.verdict.kind) {
    case VerdictKind::kClean:
      ++record_.files_scanned;
      break;
    case VerdictKind::kInfected:
    case VerdictKind::kSuspicious:
      ++record_.files_scanned;
      ++record_.threats;
      break;
    case VerdictKind::kNotScanned:
      ++record_.not_scanned;
      break;
    case VerdictKind::kError:
      ++record_.errors;
      break;
  }
}

Result<bool> ScanSession::SendResult() {
  Json result{{"$type", kScanResultType},
              {"scan_id", record_.id},
              {"filesScanned", record_.files_scanned},
              {"threats", record_.threats},
              {"notScanned", record_.not_scanned},
              {"errors", record_.errors}};
  PutTime(result, "startTime", record_.start_ms);
  PutTime(result, "endTime", record_.end_ms);
  return parts_.session.Send(result);
}

}  // namespace gatehouse
