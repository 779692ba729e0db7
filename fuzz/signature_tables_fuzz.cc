// Fuzzes the opening of compiled signatures. The first byte says how many
// changes of four bytes each follow: two of place, one of width, one of value.
// The rest is a content.
//
// Asserts that what is opened can be matched with: no crash, no endless loop.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "engine/matching/signature_judge.h"
#include "signatures/clamav/signature_text.h"
#include "signatures/signature_compiler.h"

namespace {

using gatehouse::ByteView;

constexpr size_t kChangeBytes = 4;
constexpr size_t kContentBytesMax = 4096;
constexpr uint64_t kUnits = uint64_t{1} << 22;

// Something of every table.
constexpr std::string_view kLines =
    "A;Engine:81-255,Target:0,FileSize:1-900;(0|1)>1,2&2=0;414243??44;"
    "4545(46|4747)48::iwa;5:494a4b\n"
    "B;Engine:81-255,Target:1,EntryPoint:1-99999,NumberOfSections:1-5;0&1&2;"
    "EP+2:4142;S1+3,20:434445*4647;0(>>2#ib1#=65,<70)\n"
    "C;Engine:81-255,Target:0,Container:CL_TYPE_ZIP;0;4142434445\n"
    "D;Engine:81-255,Target:0;0&1;414243;0/A.C/i\n"
    "E;Engine:81-255,Target:0;0&1;414243;${1-9}0$\n"
    "F;Engine:81-255,Target:6;0|1|2;SE1:!(41|42)4344{3-9}4546;SL+3:(B)4142;"
    "EOF-20:4142\n";
constexpr std::string_view kOtherLines =
    "M:0:$0$:444546\nG:7:0:6162636465*6667\nH:1:VI:41424344\n"
    "I:0:*:41[1-4]4243444546\n";

void LoadInto(const char* file, std::string_view text,
              gatehouse::Signatures& signatures) {
  gatehouse::LoadReport report;
  gatehouse::IgnoreList ignored;
  gatehouse::SignatureTextReader reader(file, *gatehouse::FormatOfFile(file),
                                        {}, {signatures, report, ignored});
  reader.Feed(text);
  reader.Finish();
}

std::vector<uint64_t> MakeBuffer() {
  gatehouse::Signatures signatures;
  LoadInto("fuzz.ldb", kLines, signatures);
  LoadInto("fuzz.ndb", kOtherLines, signatures);
  const auto compiled = gatehouse::CompileTables(
      std::move(signatures.bodies), 8, gatehouse::LiteralRates::BuiltIn());
  if (!compiled ||
      !gatehouse::OpenTables(gatehouse::PackTables(compiled->tables))) {
    (void)std::fprintf(stderr, "violated: the tables are right\n");
    std::abort();
  }
  return gatehouse::PackTables(compiled->tables);
}

void Change(ByteView change, std::vector<uint64_t>& buffer) {
  static constexpr std::array<size_t, 4> kWidths = {1, 2, 4, 8};
  const size_t all = buffer.size() * sizeof(uint64_t);
  const size_t width = kWidths.at(change[2] % kWidths.size());
  const size_t at = (size_t{change[0]} | size_t{change[1]} << 8) % all;
  if (all - at < width) return;
  std::vector<uint8_t> bytes(all);
  std::memcpy(bytes.data(), buffer.data(), all);
  // Of one byte some bits; of more, all of them: a small or a huge number.
  const bool is_huge = (change[2] & 0x80) != 0;
  const auto begin = bytes.begin() + static_cast<ptrdiff_t>(at);
  if (width == 1) {
    *begin ^= change[3];
  } else {
    std::fill_n(begin, width, is_huge ? uint8_t{0xff} : uint8_t{0});
    *begin = change[3];
  }
  std::memcpy(buffer.data(), bytes.data(), all);
}

// As if each trigger of the shard stood at the end of the content, and others
// everywhere.
void MatchWith(const gatehouse::SignatureTables& tables, ByteView bytes) {
  gatehouse::SignatureJudge judge(tables);
  gatehouse::ExecutableFacts facts;
  facts.is_valid = true;
  facts.entry_point = bytes.size() / 2;
  facts.sections = {{0, bytes.size(), 0, 0}, {1, 9, 0, 0}};
  facts.version_strings = {0, 4};
  for (size_t target = 0; target < gatehouse::kTargetCount; ++target) {
    gatehouse::Content content(bytes);
    gatehouse::Layer layer{content, static_cast<gatehouse::Target>(target),
                           bytes.size()};
    if (gatehouse::IsExecutable(layer.target)) layer.executable = &facts;
    const size_t shard = tables.targets[target];
    const uint32_t triggers = tables.shards[shard].trigger_count;
    gatehouse::TriggerHits hits(triggers);
    for (uint32_t trigger = 0; trigger < triggers; ++trigger) {
      if (trigger % 3 == 0) {
        hits.AddSomewhere(trigger);
      } else {
        hits.Add(trigger, bytes.size() - trigger % (bytes.size() + 1));
      }
    }
    hits.Finish();
    gatehouse::WorkBudget budget(kUnits);
    gatehouse::MatchedIds matched;
    judge.Judge(layer, shard, hits, budget, matched);
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<uint64_t> kRight = MakeBuffer();
  ByteView input(data, size);
  if (input.empty()) return 0;
  const size_t changes = input[0] % 16;
  input = input.subspan(1);
  std::vector<uint64_t> buffer = kRight;
  for (size_t i = 0; i < changes && input.size() >= kChangeBytes; ++i) {
    Change(input.first(kChangeBytes), buffer);
    input = input.subspan(kChangeBytes);
  }
  const auto tables = gatehouse::OpenTables(buffer);
  if (tables) {
    MatchWith(*tables, input.first(std::min(input.size(), kContentBytesMax)));
  }
  return 0;
}
