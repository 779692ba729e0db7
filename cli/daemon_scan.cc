#include "cli/daemon_scan.h"

#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/daemon_request.h"
#include "ipc/message.h"
#include "ipc/request.h"

namespace gatehouse {
namespace {

// What one answer is waited for: the daemon scans all of the batch meanwhile,
// so a batch is bounded in bytes too.
constexpr std::chrono::minutes kBatchTimeout{10};
constexpr uint64_t kBatchBytes = uint64_t{256} << 20;
// The daemon gives a silent client up after a minute.
constexpr std::chrono::seconds kKeepAliveEvery{20};

constexpr size_t kWordBytesMax = 64;
constexpr uint64_t kErrorNumberMax = 4095;  // The kernel's own bound.

constexpr std::array<VerdictKind, 5> kReportedKinds = {
    VerdictKind::kClean, VerdictKind::kInfected, VerdictKind::kSuspicious,
    VerdictKind::kNotScanned, VerdictKind::kError};

std::optional<VerdictKind> KindOf(std::string_view word) {
  for (const VerdictKind kind : kReportedKinds) {
    if (VerdictWord(kind) == word) return kind;
  }
  return std::nullopt;
}

// Text that is there only with some verdicts.
std::string OptionalText(const Json& entry, const char* name,
                         size_t bytes_max) {
  Result<std::string> text = BytesMember(entry, name, bytes_max);
  return text ? std::move(*text) : std::string();
}

Result<ScanFinding> FindingOf(const Json& entry) {
  const Result<std::string> word = TextMember(entry, "verdict", kWordBytesMax);
  const std::optional<VerdictKind> kind =
      word ? KindOf(*word) : std::optional<VerdictKind>();
  if (!kind) return Unexpected(BadAnswer("a file without a verdict"));
  ScanFinding finding;
  finding.kind = *kind;
  finding.reason = OptionalText(entry, "reason", kWordBytesMax);
  finding.threat_name = OptionalText(entry, "threat_name", kThreatNameBytesMax);
  finding.allowed_by = OptionalText(entry, "allowed_by", kThreatNameBytesMax);
  finding.status = OptionalText(entry, "status", kWordBytesMax);
  finding.id = OptionalText(entry, "id", kWordBytesMax);
  const Result<uint64_t> error_number =
      NumberMember(entry, "error_number", kErrorNumberMax);
  // Of what is clean only that is told.
  if (finding.kind == VerdictKind::kClean && finding.allowed_by.empty()) {
    return Unexpected(BadAnswer("a clean file"));
  }
  if (error_number) finding.error_number = static_cast<int>(*error_number);
  return finding;
}

}  // namespace

DaemonScan::DaemonScan(IpcClient client, std::string scan_id,
                       FindingFunction on_finding)
    : client_(std::move(client)),
      scan_id_(std::move(scan_id)),
      on_finding_(std::move(on_finding)),
      last_sent_at_(MonotonicClock::now()) {}

Result<DaemonScan> DaemonScan::Begin(const Options& options,
                                     FindingFunction on_finding) {
  Json request = {{"command", IpcCommandWord(IpcCommand::kScanBegin)},
                  {"quarantine", options.quarantine},
                  {"ignore_exclusions", options.ignore_exclusions}};
  request["path"] = options.path;
  Result<Conversation> conversation =
      BeginConversation(options.run_directory, request, kScanReadyType);
  if (!conversation) return Unexpected(conversation.error());
  Result<std::string> scan_id =
      TextMember(conversation->answer, "scan_id", kWordBytesMax);
  if (!scan_id || !IsUuid(*scan_id)) {
    return Unexpected(BadAnswer("a scan without an id"));
  }
  return DaemonScan(std::move(conversation->client), std::move(*scan_id),
                    std::move(on_finding));
}

Result<bool> DaemonScan::Add(WalkedFile file) {
  ++files_added_;
  bytes_added_ += file.bytes;
  batch_bytes_ += file.bytes;
  batch_.push_back(std::move(file));
  if (batch_.size() < kScanBatchFilesMax && batch_bytes_ < kBatchBytes) {
    return KeepAlive();
  }
  return SendBatch();
}

Result<bool> DaemonScan::KeepAlive() {
  if (MonotonicClock::now() - last_sent_at_ < kKeepAliveEvery) return true;
  return SendBatch();
}

Result<bool> DaemonScan::Finish() {
  if (!batch_.empty()) {
    const Result<bool> is_sent = SendBatch();
    if (!is_sent) return is_sent;
  }
  const Result<bool> is_sent =
      client_.Send({{"command", IpcCommandWord(IpcCommand::kScanEnd)}});
  if (!is_sent) return is_sent;
  const Result<Json> answer = client_.Receive(kAnswerTimeout);
  if (!answer) return Unexpected(answer.error());
  if (TypeOf(*answer) != kScanResultType) {
    return Unexpected(BadAnswer("a scan without a result"));
  }
  return true;
}

Result<bool> DaemonScan::SendBatch() {
  std::vector<int> unsafe_fds;
  for (const WalkedFile& file : batch_) {
    unsafe_fds.push_back(file.fd.UnsafeFd());
  }
  const Result<bool> is_sent =
      client_.Send({{"command", IpcCommandWord(IpcCommand::kScanFiles)},
                    {"count", batch_.size()}},
                   unsafe_fds);
  if (!is_sent && is_sent.error().code != ErrorCode::kUnreachable) {
    return is_sent;
  }
  const Result<Json> answer = client_.Receive(kBatchTimeout);
  if (!answer) return Unexpected(answer.error());
  const Result<bool> are_read = ReadResults(*answer);
  if (!are_read) return are_read;
  batch_.clear();
  batch_bytes_ = 0;
  last_sent_at_ = MonotonicClock::now();
  return true;
}

Result<bool> DaemonScan::ReadResults(const Json& answer) {
  const auto results = answer.find("results");
  if (TypeOf(answer) != kScannedType || results == answer.end() ||
      !results->is_array()) {
    return Unexpected(BadAnswer("files without results"));
  }
  std::vector<bool> is_reported(batch_.size(), false);
  for (const Json& entry : *results) {
    const Result<uint64_t> index =
        NumberMember(entry, "index", kScanBatchFilesMax);
    if (!index || *index >= batch_.size() || is_reported[*index]) {
      return Unexpected(BadAnswer("a verdict on a file that was not sent"));
    }
    is_reported[*index] = true;
    Result<ScanFinding> finding = FindingOf(entry);
    if (!finding) return Unexpected(finding.error());
    finding->path = batch_[*index].path;
    on_finding_(std::move(*finding));
  }
  return true;
}

}  // namespace gatehouse
