#include "ipc/message.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/display_text.h"

namespace gatehouse {
namespace {

constexpr size_t kWordBytesMax = 64;
constexpr size_t kTypeBytesMax = 256;
constexpr uint64_t kTimeMsMax = uint64_t{1} << 53;  // Beyond any calendar.

struct ErrorWord {
  ErrorCode code = ErrorCode::kOperational;
  std::string_view word;
};
constexpr std::array<ErrorWord, 7> kErrorWords = {{
    {ErrorCode::kOperational, "operational"},
    {ErrorCode::kInvalidInput, "invalid_request"},
    {ErrorCode::kNotFound, "not_found"},
    {ErrorCode::kNotPermitted, "not_permitted"},
    {ErrorCode::kNotSupported, "not_supported"},
    {ErrorCode::kLimitExceeded, "limit_exceeded"},
    {ErrorCode::kBusy, "busy"},
}};

// The oldest entry is the detection, the newest the present status.
std::vector<StatusChange> Shortened(const std::vector<StatusChange>& history) {
  if (history.size() <= kThreatFrameHistoryMax) return history;
  std::vector<StatusChange> shortened = {history.front()};
  shortened.insert(shortened.end(),
                   history.end() - (ptrdiff_t{kThreatFrameHistoryMax} - 1),
                   history.end());
  return shortened;
}

Result<StatusChange> StatusChangeOf(const Json& entry) {
  StatusChange change;
  const Result<int64_t> time = TimeMember(entry, "time");
  if (!time) return Unexpected(time.error());
  change.time_ms = *time;
  const Result<std::string> word = TextMember(entry, "status", kWordBytesMax);
  if (!word) return Unexpected(word.error());
  const std::optional<ThreatStatus> status = ThreatStatusOf(*word);
  if (!status) {
    return Fail(ErrorCode::kInvalidInput,
                "read a threat: '" + DisplayText(*word) + "' is no status");
  }
  change.status = *status;
  Result<std::string> detail =
      BytesMember(entry, "detail", kThreatDetailBytesMax);
  if (!detail) return Unexpected(detail.error());
  change.detail = std::move(*detail);
  return change;
}

Result<std::vector<StatusChange>> HistoryOf(const Json& frame) {
  const auto entries = frame.find("history");
  if (entries == frame.end() || !entries->is_array() || entries->empty()) {
    return Fail(ErrorCode::kInvalidInput, "read a threat: it has no history");
  }
  std::vector<StatusChange> history;
  for (const Json& entry : *entries) {
    if (!entry.is_object()) {
      return Fail(ErrorCode::kInvalidInput, "read a threat: wrong history");
    }
    Result<StatusChange> change = StatusChangeOf(entry);
    if (!change) return Unexpected(change.error());
    history.push_back(std::move(*change));
  }
  return history;
}

// One member of text and where it goes.
struct TextPlace {
  const char* name = "";
  std::string& place;
  size_t bytes_max = 0;
};

template <size_t kCount>
Result<bool> ReadTexts(const Json& frame,
                       const std::array<TextPlace, kCount>& places) {
  for (const TextPlace& text : places) {
    Result<std::string> read = BytesMember(frame, text.name, text.bytes_max);
    if (!read) return Unexpected(read.error());
    text.place = std::move(*read);
  }
  return true;
}

}  // namespace

std::optional<IpcCommand> IpcCommandOf(std::string_view word) {
  const auto* const found =
      std::find(kIpcCommandWords.begin(), kIpcCommandWords.end(), word);
  if (found == kIpcCommandWords.end()) return std::nullopt;
  return static_cast<IpcCommand>(found - kIpcCommandWords.begin());
}

Json ErrorFrame(ErrorCode code, std::string_view message) {
  std::string_view word = kErrorWords.front().word;
  for (const ErrorWord& known : kErrorWords) {
    if (known.code == code) word = known.word;
  }
  return {{"$type", kErrorType},
          {"code", word},
          {"message", CutText(message, kErrorMessageBytesMax)}};
}

Json ErrorFrame(const Error& error) {
  return ErrorFrame(error.code, error.message);
}

Error ErrorOf(const Json& frame) {
  Error error;
  const Result<std::string> word = TextMember(frame, "code", kWordBytesMax);
  for (const ErrorWord& known : kErrorWords) {
    if (word && known.word == *word) error.code = known.code;
  }
  Result<std::string> message =
      TextMember(frame, "message", kErrorMessageBytesMax);
  error.message = message ? std::move(*message) : "the daemon does not say why";
  return error;
}

Json ThreatFrame(const Threat& threat) {
  Json frame = {{"$type", kThreatType}, {"id", threat.id}};
  PutBytes(frame, "name", CutText(threat.name, kThreatNameBytesMax));
  PutBytes(frame, "type", CutText(threat.type, kTypeBytesMax));
  PutBytes(frame, "path", CutText(threat.path, kPathBytesMax));
  frame["owner_uid"] = threat.owner_uid;
  frame["file_bytes"] = threat.file_bytes;
  frame["sha256"] = threat.sha256;
  frame["scan_id"] = threat.scan_id;
  frame["isolated_in_time"] =
      threat.isolated_in_time ? Json(*threat.isolated_in_time) : Json(nullptr);
  frame["isolated_after_ms"] = threat.isolated_after_ms
                                   ? Json(*threat.isolated_after_ms)
                                   : Json(nullptr);
  frame["history"] = Json::array();
  for (const StatusChange& change : Shortened(threat.history)) {
    Json entry = Json::object();
    PutTime(entry, "time", change.time_ms);
    entry["status"] = ThreatStatusWord(change.status);
    PutBytes(entry, "detail", CutText(change.detail, kThreatDetailBytesMax));
    frame["history"].push_back(std::move(entry));
  }
  return frame;
}

Result<Threat> ThreatOf(const Json& frame) {
  Threat threat;
  const std::array<TextPlace, 6> places = {{
      {"id", threat.id, kWordBytesMax},
      {"name", threat.name, kThreatNameBytesMax},
      {"type", threat.type, kTypeBytesMax},
      {"path", threat.path, kPathBytesMax},
      {"sha256", threat.sha256, kWordBytesMax},
      {"scan_id", threat.scan_id, kWordBytesMax},
  }};
  const Result<bool> is_read = ReadTexts(frame, places);
  if (!is_read) return Unexpected(is_read.error());
  if (!IsUuid(threat.id) ||
      (!threat.scan_id.empty() && !IsUuid(threat.scan_id))) {
    return Fail(ErrorCode::kInvalidInput, "read a threat: its id is no UUID");
  }
  const Result<uint64_t> owner = NumberMember(frame, "owner_uid", UINT32_MAX);
  if (!owner) return Unexpected(owner.error());
  threat.owner_uid = static_cast<uint32_t>(*owner);
  const Result<uint64_t> bytes = NumberMember(frame, "file_bytes", UINT64_MAX);
  if (!bytes) return Unexpected(bytes.error());
  threat.file_bytes = *bytes;
  const Result<bool> in_time = BoolMember(frame, "isolated_in_time");
  if (in_time) threat.isolated_in_time = *in_time;  // Else null: not isolated.
  const Result<uint64_t> after_ms =
      NumberMember(frame, "isolated_after_ms", kTimeMsMax);
  if (after_ms) threat.isolated_after_ms = *after_ms;  // Else null likewise.
  Result<std::vector<StatusChange>> history = HistoryOf(frame);
  if (!history) return Unexpected(history.error());
  threat.history = std::move(*history);
  return threat;
}

Json ScanFrame(const IpcScan& scan) {
  Json frame = {
      {"$type", kScanType}, {"scan_id", scan.scan_id}, {"type", scan.type}};
  PutTime(frame, "startTime", scan.start_time_ms);
  PutTime(frame, "endTime", scan.end_time_ms);
  frame["filesScanned"] = scan.files_scanned;
  frame["state"] = scan.state;
  return frame;
}

Result<IpcScan> IpcScanOf(const Json& frame) {
  IpcScan scan;
  const std::array<TextPlace, 3> places = {{
      {"scan_id", scan.scan_id, kWordBytesMax},
      {"type", scan.type, kWordBytesMax},
      {"state", scan.state, kWordBytesMax},
  }};
  const Result<bool> is_read = ReadTexts(frame, places);
  if (!is_read) return Unexpected(is_read.error());
  const Result<int64_t> start = TimeMember(frame, "startTime");
  if (!start) return Unexpected(start.error());
  scan.start_time_ms = *start;
  const Result<int64_t> end = TimeMember(frame, "endTime");
  if (!end) return Unexpected(end.error());
  scan.end_time_ms = *end;
  const Result<uint64_t> files =
      NumberMember(frame, "filesScanned", UINT64_MAX);
  if (!files) return Unexpected(files.error());
  scan.files_scanned = *files;
  return scan;
}

Json EndFrame(uint64_t count) {
  return {{"$type", kEndType}, {"count", count}};
}

void PutTime(Json& object, const std::string& name, int64_t time_ms) {
  object[name] = std::to_string(time_ms);
}

Result<int64_t> TimeMember(const Json& object, const std::string& name) {
  const Result<std::string> text = TextMember(object, name, kWordBytesMax);
  if (!text) return Unexpected(text.error());
  uint64_t time_ms = 0;
  const char* const end = text->data() + text->size();
  const auto [rest, problem] = std::from_chars(text->data(), end, time_ms);
  if (problem != std::errc() || rest != end || time_ms > kTimeMsMax) {
    return Fail(ErrorCode::kInvalidInput,
                "read a message: member '" + name + "' is no time");
  }
  return static_cast<int64_t>(time_ms);
}

bool IsUuid(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (kForm[i] == '-' ? c != '-' : !is_digit) return false;
  }
  return true;
}

}  // namespace gatehouse
