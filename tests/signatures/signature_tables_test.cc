#include "signatures/signature_tables.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "signatures/clamav/ldb_line.h"
#include "signatures/signature_compiler.h"

namespace gatehouse {
namespace {

// Something of every kind.
TableVectors SomeTables() {
  std::vector<Signature> signatures;
  for (const char* line :
       {"A;Engine:81-255,Target:1,FileSize:1-100;0&1;EP+0:aabbccdd;ddeeff00",
        "B;Engine:81-255,Target:0;0&1&2;aabb(cc|dd)ee*ff00::wai;"
        "0/x+/;0(>>4#ib2#=7)",
        "C;Engine:81-255,Target:0;0&1;aabbccdd;${1-9}3$",
        "D;Engine:81-255,Target:7;0;6120776f726461",
        "E;Engine:81-255,Target:7;0;0:7b5b7274",
        "F;Engine:81-255,Target:7;0;0:7b5b7275"}) {
    auto parsed = ParseLdbLine(line);
    EXPECT_TRUE(std::holds_alternative<Signature>(parsed)) << line;
    signatures.push_back(std::get<Signature>(std::move(parsed)));
  }
  return CompileTables(std::move(signatures), 8, LiteralRates::BuiltIn())
      ->tables;
}

bool IsTaken(const TableVectors& tables) {
  const std::vector<uint64_t> buffer = PackTables(tables);
  return OpenTables(buffer).has_value();
}

TEST(SignatureTablesTest, ShowsWhatWasPacked) {
  const TableVectors tables = SomeTables();
  const std::vector<uint64_t> buffer = PackTables(tables);
  const Result<SignatureTables> opened = OpenTables(buffer);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_EQ(opened->signatures.size(), 6U);
  EXPECT_EQ(opened->Text(opened->signatures[1].name), "B");
  EXPECT_EQ(opened->AtomsOf(opened->signatures[1]).size(), 3U);
  EXPECT_EQ(opened->regexes.size(), 1U);
  EXPECT_EQ(opened->compares.size(), 1U);
  EXPECT_EQ(opened->macros.size(), 1U);
}

TEST(SignatureTablesTest, RefusesIndexesOutsideOfTheirTables) {
  const auto refuses = [](auto change) {
    TableVectors tables = SomeTables();
    EXPECT_TRUE(IsTaken(tables));
    change(tables);
    return !IsTaken(tables);
  };
  EXPECT_TRUE(refuses([](auto& t) { t.signatures[0].name.begin = 1U << 30; }));
  EXPECT_TRUE(refuses([](auto& t) { t.signatures[0].atom_count = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.signatures[0].gates = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.signatures[0].logic_count = 0; }));
  EXPECT_TRUE(refuses([](auto& t) { t.signatures[0].target = 15; }));
  EXPECT_TRUE(refuses([](auto& t) { t.atoms[0].code.size = 1U << 30; }));
  EXPECT_TRUE(refuses([](auto& t) { t.atoms[0].offset = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.atoms[0].variant_count = 0; }));
  EXPECT_TRUE(refuses([](auto& t) { t.logic.back().left = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.regexes[0].trigger = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.compares[0].reference = 9; }));
  EXPECT_TRUE(refuses([](auto& t) { t.triggers[0].use_count = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.trigger_uses[0].signature = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.trigger_uses[0].atom = 63; }));
  EXPECT_TRUE(refuses([](auto& t) { t.triggers[0].view_count = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.view_uses[0].signature = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.view_uses[0].around.size = 1U << 30; }));
  EXPECT_TRUE(refuses([](auto& t) {
    t.view_uses[0].around.size = 3;
    t.view_uses[0].begin = 1;
  }));
  EXPECT_TRUE(
      refuses([](auto& t) { t.view_uses[0].neighbour.begin = 1U << 30; }));
  EXPECT_TRUE(refuses([](auto& t) { t.view_uses[0].neighbour.size = 9; }));
  EXPECT_TRUE(refuses([](auto& t) { t.view_uses[0].gap_max = 129; }));
  EXPECT_TRUE(refuses([](auto& t) {
    t.view_uses[0].gap_min = 2;
    t.view_uses[0].gap_max = 1;
  }));
  EXPECT_TRUE(refuses([](auto& t) { t.view_anchors[0].signature = 999; }));
  EXPECT_TRUE(refuses(
      [](auto& t) { std::swap(t.view_anchors[0], t.view_anchors[1]); }));
  EXPECT_TRUE(
      refuses([](auto& t) { t.offsets[t.view_anchors[0].offset].delta = -2; }));
  EXPECT_TRUE(refuses([](auto& t) {
    t.offsets[t.view_anchors[0].offset].base =
        static_cast<uint8_t>(OffsetBase::kEntryPoint);
  }));
  EXPECT_TRUE(refuses([](auto& t) { t.shards[0].trigger_count = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.targets[0] = 999; }));
  EXPECT_TRUE(refuses([](auto& t) { t.targets.pop_back(); }));
  EXPECT_TRUE(refuses([](auto& t) { t.offsets.clear(); }));
}

// Else evaluating one would never end.
TEST(SignatureTablesTest, RefusesATriggerThatAsksForItsOwnExpression) {
  TableVectors tables = SomeTables();
  const SignatureRecord& signature = tables.signatures[1];
  tables.regexes[0].trigger = signature.logic_count - 1U;
  EXPECT_FALSE(IsTaken(tables));
}

TEST(SignatureTablesTest, RefusesABufferThatIsCutOff) {
  const std::vector<uint64_t> whole = PackTables(SomeTables());
  for (size_t words = 0; words < whole.size(); ++words) {
    const std::vector<uint64_t> cut(whole.begin(),
                                    whole.begin() + static_cast<long>(words));
    EXPECT_FALSE(OpenTables(cut).has_value()) << words;
  }
}

TEST(SignatureTablesTest, RefusesAnotherVersion) {
  std::vector<uint64_t> buffer = PackTables(SomeTables());
  buffer[0] += uint64_t{1} << 32;
  EXPECT_FALSE(OpenTables(buffer).has_value());
}

}  // namespace
}  // namespace gatehouse
