// How fast texts and HTML become what signatures for them are matched against:
// take the ratio to BM_Copy within one run.
//
//   BM_Copy          memcpy of the plain text
//   BM_PlainText     words with single spaces: nothing but case changes
//   BM_IndentedText  lines that begin with white space
//   BM_Utf8Text      words of which every second has a letter beyond ASCII
//   BM_DroppedByte   the question whether plain text has one
//   BM_Html          small tags with attributes, and words
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "engine/format/normalised_text.h"
#include "engine/format/normalised_views.h"

namespace gatehouse {
namespace {

constexpr size_t kFileBytes = size_t{1} << 20;

std::string FileOf(std::string_view part) {
  std::string file;
  while (file.size() < kFileBytes) file += part;
  return file;
}

const std::string& PlainText() {
  static const std::string text =
      FileOf("The quick brown Fox jumps over the lazy Dog and returns. ");
  return text;
}

void CountBytes(benchmark::State& state, const std::string& file) {
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(file.size()));
}

void MakeViews(benchmark::State& state, const std::string& file,
               NormalisedForm form) {
  NormalisedViews views;
  for (auto round : state) {
    benchmark::DoNotOptimize(views.Make(AsBytes(file), form).data());
  }
  CountBytes(state, file);
}

// NOLINTBEGIN(readability-identifier-naming): names of benchmarks.
void BM_Copy(benchmark::State& state) {
  std::vector<char> copy(PlainText().size());
  for (auto round : state) {
    std::memcpy(copy.data(), PlainText().data(), copy.size());
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  }
  CountBytes(state, PlainText());
}

void BM_PlainText(benchmark::State& state) {
  MakeViews(state, PlainText(), NormalisedForm::kText);
}

void BM_IndentedText(benchmark::State& state) {
  MakeViews(state, FileOf("    if (Value == 0) {\r\n\t\treturn Other;\r\n"),
            NormalisedForm::kText);
}

void BM_Utf8Text(benchmark::State& state) {
  MakeViews(state,
            FileOf("Gr\xc3\xbc\xc3\x9f"
                   "e an alle M\xc3\xa4user der Welt "),
            NormalisedForm::kText);
}

void BM_DroppedByte(benchmark::State& state) {
  for (auto round : state) {
    benchmark::DoNotOptimize(HasDroppedByte(AsBytes(PlainText())));
  }
  CountBytes(state, PlainText());
}

void BM_Html(benchmark::State& state) {
  MakeViews(state,
            FileOf("<P Class=\"intro\">Some words &amp; <A HREF='x.html'>a "
                   "link</A> to somewhere else, and more text.</P>\n"),
            NormalisedForm::kHtml);
}
// NOLINTEND(readability-identifier-naming)

BENCHMARK(BM_Copy);
BENCHMARK(BM_PlainText);
BENCHMARK(BM_IndentedText);
BENCHMARK(BM_Utf8Text);
BENCHMARK(BM_DroppedByte);
BENCHMARK(BM_Html);

}  // namespace
}  // namespace gatehouse

BENCHMARK_MAIN();
