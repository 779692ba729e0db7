#include "trace/trace_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/unique_fd.h"
#include "trace/crc32c.h"
#include "trace/trace_format.h"

namespace gatehouse {
namespace {

constexpr uint64_t kMax32 = std::numeric_limits<uint32_t>::max();

class Decoder {
 public:
  Result<Trace> Decode(ByteView bytes);

 private:
  // Indices of the session count from here.
  struct Base {
    size_t processes = 0;
    size_t files = 0;
    size_t contents = 0;
    size_t events = 0;
    size_t answers = 0;
    uint64_t lost = 0;
  };

  bool TakeBlock(ByteView payload);
  bool TakeRecord(uint64_t kind, FieldReader& fields);
  bool TakeSession(FieldReader& fields);
  bool TakeProcess(FieldReader& fields);
  bool TakeFile(FieldReader& fields);
  bool TakeContent(FieldReader& fields);
  bool TakeEvent(FieldReader& fields);
  bool TakeAnswer(FieldReader& fields);
  bool TakeLost(FieldReader& fields);
  bool TakeEnd(FieldReader& fields);
  int64_t TakeTime(FieldReader& fields);

  Trace trace_;
  Base base_;
  bool in_session_ = false;
  int64_t last_time_ns_ = 0;
  int64_t last_deadline_ns_ = 0;
};

std::string At(size_t offset) { return " at offset " + std::to_string(offset); }

// Sums of what a file says may be anything: they wrap and never trap.
int64_t WrappingSum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) +
                              static_cast<uint64_t>(b));
}

Result<Trace> Decoder::Decode(ByteView bytes) {
  if (bytes.size() < kTraceHeaderBytes ||
      !std::equal(kTraceMagic.begin(), kTraceMagic.end(), bytes.begin())) {
    return Fail(ErrorCode::kInvalidInput, "this is no trace of Gatehouse");
  }
  const uint32_t version = Fixed32At(bytes, kTraceMagic.size());
  if (version != kTraceVersion) {
    return Fail(ErrorCode::kInvalidInput, "the trace has version " +
                                              std::to_string(version) +
                                              ", this program reads version " +
                                              std::to_string(kTraceVersion));
  }
  size_t offset = kTraceHeaderBytes;
  while (offset < bytes.size() && trace_.cut.empty()) {
    const ByteView left = bytes.subspan(offset);
    if (left.size() < kBlockHeaderBytes) {
      trace_.cut = "cut off" + At(offset);
      break;
    }
    const uint32_t length = Fixed32At(left, 0);
    if (length > kBlockPayloadBytesMax || length == 0) {
      trace_.cut = "damaged" + At(offset);
    } else if (left.size() < kBlockHeaderBytes + length) {
      trace_.cut = "cut off" + At(offset);
    } else {
      const ByteView payload = left.subspan(kBlockHeaderBytes, length);
      if (Fixed32At(left, 4) != Crc32c(payload, Crc32c(left.first(4)))) {
        trace_.cut = "damaged" + At(offset);
      } else if (!TakeBlock(payload)) {
        return Fail(ErrorCode::kInvalidInput,
                    "the trace contradicts itself in the block" + At(offset));
      }
    }
    offset += kBlockHeaderBytes + length;
  }
  return std::move(trace_);
}

bool Decoder::TakeBlock(ByteView payload) {
  FieldReader records(payload);
  while (!records.empty()) {
    const ByteView kind = records.Bytes(1);
    FieldReader fields(records.Bytes(records.NumberUpTo(payload.size())));
    if (records.failed()) return false;
    if (!TakeRecord(kind.front(), fields) || fields.failed()) return false;
  }
  return true;
}

bool Decoder::TakeRecord(uint64_t kind, FieldReader& fields) {
  const auto known = static_cast<RecordKind>(kind);
  if (known != RecordKind::kSession && !in_session_) return false;
  switch (known) {
    case RecordKind::kSession:
      return TakeSession(fields);
    case RecordKind::kProcess:
      return TakeProcess(fields);
    case RecordKind::kFile:
      return TakeFile(fields);
    case RecordKind::kContent:
      return TakeContent(fields);
    case RecordKind::kEvent:
      return TakeEvent(fields);
    case RecordKind::kAnswer:
      return TakeAnswer(fields);
    case RecordKind::kLost:
      return TakeLost(fields);
    case RecordKind::kEnd:
      return TakeEnd(fields);
  }
  return true;  // Of a later program, for which we may do without it.
}

bool Decoder::TakeSession(FieldReader& fields) {
  TraceSession session;
  session.wall_ms = fields.Signed();
  session.begin_ns = fields.Signed();
  session.recorder = fields.Text(kTraceTextBytesMax);
  last_time_ns_ = session.begin_ns;
  last_deadline_ns_ = 0;
  in_session_ = true;
  base_ = {trace_.processes.size(), trace_.files.size(),
           trace_.contents.size(),  trace_.events.size(),
           trace_.answers.size(),   trace_.lost};
  trace_.sessions.push_back(std::move(session));
  return true;
}

bool Decoder::TakeProcess(FieldReader& fields) {
  TraceProcess process;
  process.pid = fields.Signed32();
  process.parent_pid = fields.Signed32();
  process.uid = static_cast<uint32_t>(fields.NumberUpTo(kMax32));
  process.gid = static_cast<uint32_t>(fields.NumberUpTo(kMax32));
  process.effective_uid = static_cast<uint32_t>(fields.NumberUpTo(kMax32));
  process.effective_gid = static_cast<uint32_t>(fields.NumberUpTo(kMax32));
  process.executable = fields.Text(kTraceTextBytesMax);
  trace_.processes.push_back(std::move(process));
  return true;
}

bool Decoder::TakeFile(FieldReader& fields) {
  TraceFile file;
  file.device = fields.Number();
  file.inode = fields.Number();
  file.size = fields.Number();
  file.mode = static_cast<uint32_t>(fields.NumberUpTo(kMax32));
  file.modified_ns = fields.Signed();
  file.changed_ns = fields.Signed();
  file.path_truncated = fields.NumberUpTo(1) != 0;
  file.path = fields.Text(kTraceTextBytesMax);
  trace_.files.push_back(std::move(file));
  return true;
}

bool Decoder::TakeContent(FieldReader& fields) {
  TraceContent content;
  const uint64_t kind = fields.Number();
  content.size = fields.Number();
  content.seed = fields.Number();
  content.bytes = fields.Text(kContentBytesMax);
  if (kind < static_cast<uint64_t>(ContentKind::kClean) ||
      kind > static_cast<uint64_t>(ContentKind::kBytes)) {
    return false;
  }
  content.kind = static_cast<ContentKind>(kind);
  trace_.contents.push_back(std::move(content));
  return true;
}

int64_t Decoder::TakeTime(FieldReader& fields) {
  last_time_ns_ = WrappingSum(last_time_ns_, fields.Signed());
  return last_time_ns_;
}

bool Decoder::TakeEvent(FieldReader& fields) {
  TraceEvent event;
  event.time_ns = TakeTime(fields);
  event.type = static_cast<uint32_t>(fields.NumberUpTo(kMax32));
  event.action = static_cast<TraceAction>(fields.NumberUpTo(1));
  event.had_writer = fields.NumberUpTo(1) != 0;
  event.fflag = fields.Signed32();
  const uint64_t process = fields.NumberUpTo(kMax32);
  const uint64_t file = fields.NumberUpTo(kMax32);
  last_deadline_ns_ = WrappingSum(last_deadline_ns_, fields.Signed());
  event.deadline_ns = last_deadline_ns_;
  const uint64_t content = fields.NumberUpTo(kMax32);
  if (process >= trace_.processes.size() - base_.processes ||
      file >= trace_.files.size() - base_.files ||
      content > trace_.contents.size() - base_.contents) {
    return false;
  }
  event.process = static_cast<uint32_t>(base_.processes + process);
  event.file = static_cast<uint32_t>(base_.files + file);
  if (content != 0) {
    event.content = static_cast<uint32_t>(base_.contents + content - 1);
  }
  trace_.events.push_back(event);
  return true;
}

bool Decoder::TakeAnswer(FieldReader& fields) {
  TraceAnswer answer;
  answer.time_ns = TakeTime(fields);
  const uint64_t back = fields.Number();
  answer.allow = fields.NumberUpTo(1) != 0;
  const uint64_t source = fields.NumberUpTo(kMax32);
  if (back == 0 || back > trace_.events.size() - base_.events) return false;
  answer.event = trace_.events.size() - back;
  answer.source = source <= kAnswerSourceMax ? static_cast<AnswerSource>(source)
                                             : AnswerSource::kUnknown;
  TraceEvent& event = trace_.events[answer.event];
  // Exactly one answer, and only where somebody waits.
  if (event.answer || event.action != TraceAction::kAuth) return false;
  event.answer = trace_.answers.size();
  trace_.answers.push_back(answer);
  return true;
}

bool Decoder::TakeLost(FieldReader& fields) {
  // More than fits is no less wrong: wraps.
  trace_.lost += fields.Number();
  return true;
}

bool Decoder::TakeEnd(FieldReader& fields) {
  const TraceEnd end = {fields.Number(), fields.Number(), fields.Number()};
  const TraceEnd read = {trace_.events.size() - base_.events,
                         trace_.answers.size() - base_.answers,
                         trace_.lost - base_.lost};
  in_session_ = false;
  ++trace_.sessions_ended;
  return end == read;
}

Result<std::string> ReadWhole(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return FailSystem("open '" + path + "'", errno);
  std::string bytes;
  constexpr size_t kStepBytes = 1U << 20U;
  while (bytes.size() <= kTraceBytesMax) {
    const size_t before = bytes.size();
    bytes.resize(before + kStepBytes);
    const ssize_t count = ::read(fd.UnsafeFd(), &bytes[before], kStepBytes);
    if (count < 0 && errno != EINTR) {
      return FailSystem("read '" + path + "'", errno);
    }
    bytes.resize(before + (count > 0 ? static_cast<size_t>(count) : 0));
    if (count == 0) return bytes;
  }
  return Fail(ErrorCode::kLimitExceeded, "'" + path + "' is longer than the " +
                                             std::to_string(kTraceBytesMax) +
                                             " bytes a trace may have");
}

}  // namespace

Result<Trace> DecodeTrace(ByteView bytes) { return Decoder().Decode(bytes); }

Result<Trace> ReadTraceFile(const std::string& path) {
  const Result<std::string> bytes = ReadWhole(path);
  if (!bytes) return Unexpected(bytes.error());
  Result<Trace> trace = DecodeTrace(AsBytes(*bytes));
  if (!trace) {
    return Fail(trace.error().code, "'" + path + "': " + trace.error().message);
  }
  return trace;
}

}  // namespace gatehouse
