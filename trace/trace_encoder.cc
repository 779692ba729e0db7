#include "trace/trace_encoder.h"

#include <cassert>
#include <string_view>
#include <utility>

#include "trace/crc32c.h"

namespace gatehouse {
namespace {

std::string_view CutPath(std::string_view path) {
  return path.substr(0, kTraceTextBytesMax);
}

}  // namespace

std::string TraceEncoder::FileHeader() {
  std::string header(AsText(kTraceMagic));
  AppendFixed32(header, kTraceVersion);
  assert(header.size() == kTraceHeaderBytes);
  return header;
}

void TraceEncoder::Begin() { fields_.clear(); }

void TraceEncoder::Finish(RecordKind kind) {
  assert(fields_.size() <= kRecordBytesMax);
  // A record never goes over the end of its block.
  if (payload_.size() + fields_.size() + 8 > kBlockPayloadBytesMax) {
    FinishBlock();
  }
  payload_.push_back(static_cast<char>(kind));
  AppendText(payload_, fields_);
}

void TraceEncoder::FinishBlock() {
  if (payload_.empty()) return;
  assert(payload_.size() <= kBlockPayloadBytesMax);
  std::string length;
  AppendFixed32(length, static_cast<uint32_t>(payload_.size()));
  bytes_ += length;
  AppendFixed32(bytes_, Crc32c(AsBytes(payload_), Crc32c(AsBytes(length))));
  bytes_ += payload_;
  payload_.clear();
}

std::string TraceEncoder::TakeBytes() { return std::exchange(bytes_, {}); }

void TraceEncoder::BeginSession(const TraceSession& session) {
  processes_ = 0;
  files_ = 0;
  contents_ = 0;
  count_ = {};
  last_time_ns_ = session.begin_ns;
  last_deadline_ns_ = 0;
  Begin();
  AppendSigned(fields_, session.wall_ms);
  AppendSigned(fields_, session.begin_ns);
  AppendText(fields_, CutPath(session.recorder));
  Finish(RecordKind::kSession);
}

uint32_t TraceEncoder::AddProcess(const TraceProcess& process) {
  Begin();
  AppendSigned(fields_, process.pid);
  AppendSigned(fields_, process.parent_pid);
  AppendNumber(fields_, process.uid);
  AppendNumber(fields_, process.gid);
  AppendNumber(fields_, process.effective_uid);
  AppendNumber(fields_, process.effective_gid);
  AppendText(fields_, CutPath(process.executable));
  Finish(RecordKind::kProcess);
  return processes_++;
}

uint32_t TraceEncoder::AddFile(const TraceFile& file) {
  Begin();
  AppendNumber(fields_, file.device);
  AppendNumber(fields_, file.inode);
  AppendNumber(fields_, file.size);
  AppendNumber(fields_, file.mode);
  AppendSigned(fields_, file.modified_ns);
  AppendSigned(fields_, file.changed_ns);
  const bool cut = file.path.size() > kTraceTextBytesMax;
  AppendNumber(fields_, file.path_truncated || cut ? 1 : 0);
  AppendText(fields_, CutPath(file.path));
  Finish(RecordKind::kFile);
  return files_++;
}

uint32_t TraceEncoder::AddContent(const TraceContent& content) {
  assert(content.bytes.size() <= kContentBytesMax);
  Begin();
  AppendNumber(fields_, static_cast<uint64_t>(content.kind));
  AppendNumber(fields_, content.size);
  AppendNumber(fields_, content.seed);
  AppendText(fields_, content.bytes);
  Finish(RecordKind::kContent);
  return contents_++;
}

uint64_t TraceEncoder::AddEvent(const TraceEvent& event) {
  assert(event.process < processes_ && event.file < files_);
  Begin();
  AppendDifference(fields_, event.time_ns, last_time_ns_);
  last_time_ns_ = event.time_ns;
  AppendNumber(fields_, event.type);
  AppendNumber(fields_, static_cast<uint64_t>(event.action));
  AppendNumber(fields_, event.had_writer ? 1 : 0);
  AppendSigned(fields_, event.fflag);
  AppendNumber(fields_, event.process);
  AppendNumber(fields_, event.file);
  AppendDifference(fields_, event.deadline_ns, last_deadline_ns_);
  last_deadline_ns_ = event.deadline_ns;
  AppendNumber(fields_, event.content ? uint64_t{*event.content} + 1 : 0);
  Finish(RecordKind::kEvent);
  return count_.events++;
}

void TraceEncoder::AddAnswer(const TraceAnswer& answer) {
  assert(answer.event < count_.events);
  Begin();
  AppendDifference(fields_, answer.time_ns, last_time_ns_);
  last_time_ns_ = answer.time_ns;
  AppendNumber(fields_, count_.events - answer.event);
  AppendNumber(fields_, answer.allow ? 1 : 0);
  AppendNumber(fields_, static_cast<uint64_t>(answer.source));
  Finish(RecordKind::kAnswer);
  ++count_.answers;
}

void TraceEncoder::AddLost(uint64_t count) {
  Begin();
  AppendNumber(fields_, count);
  Finish(RecordKind::kLost);
  count_.lost += count;
}

void TraceEncoder::EndSession() {
  Begin();
  AppendNumber(fields_, count_.events);
  AppendNumber(fields_, count_.answers);
  AppendNumber(fields_, count_.lost);
  Finish(RecordKind::kEnd);
  FinishBlock();
}

std::string EncodeTrace(const Trace& trace) {
  assert(trace.sessions.size() == 1);
  TraceEncoder encoder;
  encoder.BeginSession(trace.sessions.front());
  for (const TraceProcess& process : trace.processes) {
    (void)encoder.AddProcess(process);
  }
  for (const TraceFile& file : trace.files) (void)encoder.AddFile(file);
  for (const TraceContent& content : trace.contents) {
    (void)encoder.AddContent(content);
  }
  // In the order of time, but no answer before its event.
  size_t answers = 0;
  for (size_t i = 0; i < trace.events.size(); ++i) {
    for (; answers < trace.answers.size(); ++answers) {
      const TraceAnswer& answer = trace.answers[answers];
      const bool is_before = answer.time_ns < trace.events[i].time_ns;
      if (answer.event >= i || !is_before) break;
      encoder.AddAnswer(answer);
    }
    (void)encoder.AddEvent(trace.events[i]);
  }
  for (; answers < trace.answers.size(); ++answers) {
    encoder.AddAnswer(trace.answers[answers]);
  }
  if (trace.lost != 0) encoder.AddLost(trace.lost);
  if (trace.sessions_ended != 0) encoder.EndSession();
  encoder.FinishBlock();
  return TraceEncoder::FileHeader() + encoder.TakeBytes();
}

}  // namespace gatehouse
