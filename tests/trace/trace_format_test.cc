#include "trace/trace_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/temp_dir.h"
#include "tests/trace/trace_for_tests.h"
#include "trace/crc32c.h"
#include "trace/trace_content.h"
#include "trace/trace_encoder.h"
#include "trace/trace_reader.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

std::string ContentOfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

// One block with the given payload, after the header of a file.
std::string FileWith(const std::string& payload) {
  std::string length;
  AppendFixed32(length, static_cast<uint32_t>(payload.size()));
  std::string file = TraceEncoder::FileHeader() + length;
  AppendFixed32(file, Crc32c(AsBytes(payload), Crc32c(AsBytes(length))));
  return file + payload;
}

std::string Record(RecordKind kind, const std::string& fields) {
  std::string record(1, static_cast<char>(kind));
  AppendText(record, fields);
  return record;
}

std::string SessionRecord() {
  return Record(RecordKind::kSession, std::string(3, '\0'));
}

TEST(Crc32cTest, HasTheKnownCheckValue) {
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xe3069283U);
  EXPECT_EQ(Crc32c(AsBytes("6789"), Crc32c(AsBytes("12345"))), 0xe3069283U);
}

TEST(TraceFormatTest, GivesBackWhatWasWritten) {
  const Trace trace = TraceForTests();
  const Result<Trace> read = DecodeTrace(AsBytes(EncodeTrace(trace)));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, trace);
}

// Values are on disk: what was written stays readable for ever.
TEST(TraceFormatTest, ReadsAndWritesTheGoldenFile) {
  const std::string golden = ContentOfFile(GATEHOUSE_GOLDEN "/session_1.trace");
  const Result<Trace> read = DecodeTrace(AsBytes(golden));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, TraceForTests());
  EXPECT_EQ(EncodeTrace(TraceForTests()), golden);
}

TEST(TraceFormatTest, ReadsATraceThatWasCutOffUpToTheCut) {
  TraceEncoder encoder;
  encoder.BeginSession({});
  (void)encoder.AddProcess({});
  (void)encoder.AddFile({});
  encoder.FinishBlock();
  const size_t first_block = encoder.bytes().size();
  (void)encoder.AddEvent({});
  encoder.EndSession();
  const std::string file = TraceEncoder::FileHeader() + encoder.TakeBytes();
  for (size_t size = 0; size < file.size(); ++size) {
    const Result<Trace> read = DecodeTrace(AsBytes(file.substr(0, size)));
    ASSERT_EQ(read.has_value(), size >= kTraceHeaderBytes) << size;
    if (!read) continue;
    const bool has_first = size >= kTraceHeaderBytes + first_block;
    ASSERT_EQ(read->files.size(), has_first ? 1U : 0U) << size;
    ASSERT_TRUE(read->events.empty()) << size;
    ASSERT_EQ(read->sessions_ended, 0U) << size;
    const bool at_block_end =
        size == kTraceHeaderBytes || size == kTraceHeaderBytes + first_block;
    ASSERT_EQ(read->cut.empty(), at_block_end) << size;
  }
}

TEST(TraceFormatTest, NoticesEveryBitThatFlips) {
  const std::string whole = EncodeTrace(TraceForTests());
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(
        static_cast<unsigned char>(damaged[bit / 8]) ^ (1U << bit % 8));
    const Result<Trace> read = DecodeTrace(AsBytes(damaged));
    ASSERT_TRUE(!read || !read->cut.empty()) << "bit " << bit;
  }
}

TEST(TraceFormatTest, SplitsWhatIsLongIntoBlocks) {
  TraceEncoder encoder;
  encoder.BeginSession({});
  TraceFile file;
  file.path = std::string(kTraceTextBytesMax + 1, 'x');
  for (int i = 0; i < 40; ++i) (void)encoder.AddFile(file);
  encoder.EndSession();
  const std::string bytes = TraceEncoder::FileHeader() + encoder.TakeBytes();
  const Result<Trace> read = DecodeTrace(AsBytes(bytes));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->files.size(), 40U);
  EXPECT_EQ(read->files.back().path.size(), kTraceTextBytesMax);
  EXPECT_TRUE(read->files.back().path_truncated);
  EXPECT_GT(bytes.size(), size_t{2} * kBlockPayloadBytesMax);
}

TEST(TraceFormatTest, CountsEachSessionFromTheBeginning) {
  TraceEncoder encoder;
  for (const char* name : {"first", "second"}) {
    encoder.BeginSession({0, 0, name});
    const uint32_t process = encoder.AddProcess({7, 0, 0, 0, 0, 0, name});
    const uint32_t file = encoder.AddFile({0, 0, 0, 0, 0, 0, false, name});
    EXPECT_EQ(process, 0U);
    TraceEvent event;
    event.process = process;
    event.file = file;
    const uint64_t number = encoder.AddEvent(event);
    EXPECT_EQ(number, 0U);
    encoder.AddAnswer({0, number, false, AnswerSource::kClient});
    encoder.EndSession();
  }
  const std::string bytes = TraceEncoder::FileHeader() + encoder.TakeBytes();
  const Result<Trace> read = DecodeTrace(AsBytes(bytes));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->events.size(), 2U);
  EXPECT_EQ(read->files.at(read->events[1].file).path, "second");
  EXPECT_EQ(read->answers.at(*read->events[1].answer).event, 1U);
  EXPECT_EQ(read->sessions_ended, 2U);
}

TEST(TraceFormatTest, IgnoresRecordsAndFieldsOfLaterPrograms) {
  const std::string lost(1, '\5');
  const Result<Trace> read = DecodeTrace(AsBytes(
      FileWith(SessionRecord() + Record(static_cast<RecordKind>(200), "new") +
               Record(RecordKind::kLost, lost + "more"))));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->lost, 5U);
}

TEST(TraceFormatTest, SaysWhatIsNoTrace) {
  EXPECT_THAT(DecodeTrace(AsBytes("ELF")).error().message,
              HasSubstr("no trace"));
  std::string file = TraceEncoder::FileHeader();
  file[kTraceMagic.size()] = 2;
  EXPECT_THAT(DecodeTrace(AsBytes(file)).error().message,
              HasSubstr("version 2"));
  EXPECT_THAT(ReadTraceFile("/nowhere/a.trace").error().message,
              HasSubstr("/nowhere/a.trace"));
}

TEST(TraceFormatTest, RefusesWhatContradictsItself) {
  const std::string zeros(16, '\0');
  const std::string process = Record(RecordKind::kProcess, zeros.substr(0, 7));
  const std::string file = Record(RecordKind::kFile, zeros.substr(0, 8));
  const std::string event = Record(RecordKind::kEvent, zeros.substr(0, 9));
  const std::string answer =
      Record(RecordKind::kAnswer, std::string("\0\1\1\1", 4));
  const std::string good = SessionRecord() + process + file + event + answer;
  ASSERT_TRUE(DecodeTrace(AsBytes(FileWith(good))));
  for (const std::string& payload : {
           process,                            // Before any session.
           SessionRecord() + process + event,  // Of no file.
           SessionRecord() + file + event,     // Of no process.
           SessionRecord() + answer,           // To no event.
           good + answer,                      // The second one.
           good + Record(RecordKind::kEvent, zeros.substr(0, 3)),
           good + Record(RecordKind::kEnd, zeros.substr(0, 3)),
           good + Record(RecordKind::kContent, zeros.substr(0, 4)),
           good + "\x05\x7f",  // Longer than the block.
       }) {
    EXPECT_THAT(DecodeTrace(AsBytes(FileWith(payload))).error().message,
                HasSubstr("contradicts itself in the block at offset 12"))
        << HexText(AsBytes(payload));
  }
}

TEST(TraceFormatTest, RefusesAFileThatIsTooLong) {
  const TempDir directory;
  const std::string path = directory.path() + "/long.trace";
  std::ofstream(path).close();
  ASSERT_EQ(::truncate(path.c_str(), kTraceBytesMax + 1), 0);
  const Result<Trace> read = ReadTraceFile(path);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace gatehouse
