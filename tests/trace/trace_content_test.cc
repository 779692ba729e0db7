#include "trace/trace_content.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/eicar_text.h"
#include "tests/trace/trace_for_tests.h"
#include "trace/trace_encoder.h"

namespace gatehouse {
namespace {

std::string ReadFrom(const UniqueFd& fd, size_t bytes_max) {
  std::string text(bytes_max, '\0');
  const ssize_t count = ::pread(fd.UnsafeFd(), text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

TEST(TraceContentTest, IsTheSameOnEveryMachine) {
  EXPECT_EQ(MakeBytes({ContentKind::kClean, 40, 1, ""}),
            MakeBytes({ContentKind::kClean, 40, 1, ""}));
  EXPECT_EQ(MakeBytes({ContentKind::kClean, 24, 1, ""}),
            "bgxeqes nrcchd  ysfun   ");
  EXPECT_NE(MakeBytes({ContentKind::kClean, 40, 1, ""}),
            MakeBytes({ContentKind::kClean, 40, 2, ""}));
}

TEST(TraceContentTest, AssemblesTheEicarFile) {
  EXPECT_EQ(EicarTestFile(), EicarText());
}

TEST(TraceContentTest, PutsAMarkerInTheMiddle) {
  const std::string text = MakeBytes({ContentKind::kMarker, 132, 9, ""});
  EXPECT_EQ(text.size(), 132U);
  EXPECT_EQ(text.substr(50, 32), MarkerText(9));
  EXPECT_EQ(MakeBytes({ContentKind::kMarker, 0, 9, ""}), MarkerText(9));
}

TEST(TraceContentTest, NeverRefersLiterallyToTheEicarFile) {
  const std::string text = "before" + EicarTestFile() + "after";
  const TraceContent content = ReferenceTo(AsBytes(text));
  EXPECT_EQ(content.kind, ContentKind::kEicar);
  EXPECT_TRUE(content.bytes.empty());
  EXPECT_EQ(ReferenceTo(AsBytes("abc")).bytes, "abc");
}

TEST(TraceContentTest, FollowsTheAnswerWhereTheTraceSaysNothing) {
  const Trace trace = TraceForTests();
  // Allowed, of an empty file; what the trace says; denied; never answered.
  EXPECT_EQ(ContentOf(trace, trace.events[0]).kind, ContentKind::kClean);
  EXPECT_EQ(ContentOf(trace, trace.events[1]), trace.contents[1]);
  EXPECT_EQ(ContentOf(trace, trace.events[2]).kind, ContentKind::kEicar);
  const TraceContent unanswered = ContentOf(trace, trace.events[4]);
  EXPECT_EQ(unanswered.kind, ContentKind::kClean);
  EXPECT_EQ(unanswered.size, trace.files[0].size);
}

TEST(TraceContentTest, MakesAFileThatNobodyCanWrite) {
  const TraceContent content = {ContentKind::kClean, kMadeBytesMax + 10, 3, ""};
  const Result<UniqueFd> file = MakeFile(content);
  ASSERT_TRUE(file) << file.error().message;
  struct stat status = {};
  ASSERT_EQ(::fstat(file->UnsafeFd(), &status), 0);
  EXPECT_EQ(static_cast<uint64_t>(status.st_size), content.size);
  EXPECT_EQ(ReadFrom(*file, content.size),
            MakeBytes(content) + std::string(10, '\0'));
  EXPECT_LT(::pwrite(file->UnsafeFd(), "x", 1, 0), 0);
}

}  // namespace
}  // namespace gatehouse
