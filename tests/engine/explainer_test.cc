#include "engine/explainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/eicar_text.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/format/executable_maker.h"
#include "tests/engine/matching/case_maker.h"
#include "tests/engine/matching/production_matcher.h"
#include "tests/engine/signatures_for_tests.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr uint64_t kCases = 40;

std::string Hex(std::string_view text) { return HexText(AsBytes(text)); }

// No text, which has a normalised view.
std::string Binary(std::string_view text) {
  return std::string("\0\1\0\1", 4) + std::string(text);
}

class ExplainerTest : public testing::Test {
 protected:
  void Add(const std::string& extension, const std::string& line) {
    LoadedLine loaded = LoadLine({extension, line});
    ASSERT_TRUE(loaded.is_loaded) << loaded.reason;
    for (Signature& body : loaded.signatures.bodies) {
      signatures_.bodies.push_back(std::move(body));
    }
  }
  // `logic` over the texts and whatever else is given in hexadecimal.
  void AddLogical(const std::string& name, const std::string& gates,
                  const std::string& logic,
                  const std::vector<std::string>& subsignatures) {
    std::string line = name + ";" + gates + ";" + logic;
    for (const std::string& one : subsignatures) line += ";" + one;
    Add("ldb", line);
  }
  Explanation Explain(std::string_view content,
                      const ExplainOptions& options = {}) {
    auto set = SignatureSet::Compile(signatures_);
    EXPECT_TRUE(set.has_value());
    auto explainer = Explainer::Create(*set);
    EXPECT_TRUE(explainer.has_value());
    return (*explainer)->Explain(FileOf(content).UnsafeFd(), options);
  }
  // Of the only signature.
  ExplainedSignature NearMissIn(std::string_view content) {
    const Explanation told =
        Explain(content, {.signature = signatures_.bodies.front().name});
    EXPECT_TRUE(told.has_asked_signature);
    EXPECT_TRUE(told.agrees);
    EXPECT_THAT(told.matches, IsEmpty());
    EXPECT_THAT(told.near_misses, SizeIs(1));
    return told.near_misses.empty() ? ExplainedSignature()
                                    : told.near_misses.front();
  }

  TempDir folder_;
  Signatures signatures_;
};

TEST_F(ExplainerTest, TellsWhereAMatchIs) {
  AddLogical("A.Two", "Engine:81-255,Target:0", "0&1",
             {Hex("first one"), Hex("the other")});
  const Explanation told =
      Explain(Binary("first one, the other, first one and the other"));
  EXPECT_TRUE(told.agrees);
  EXPECT_EQ(told.verdict.threat_name, "A.Two");
  EXPECT_EQ(told.type, FileType::kBinary);
  ASSERT_THAT(told.matches, SizeIs(1));
  EXPECT_THAT(told.near_misses, IsEmpty());
  const ExplainedSignature& match = told.matches.front();
  EXPECT_EQ(match.name, "A.Two");
  EXPECT_EQ(match.logic, "0&1");
  EXPECT_THAT(match.reasons, IsEmpty());
  ASSERT_THAT(match.atoms, SizeIs(2));
  EXPECT_EQ(match.atoms[0].count, 2U);
  EXPECT_THAT(match.atoms[0].places, ElementsAre(4, 26));
  EXPECT_THAT(match.atoms[1].places, ElementsAre(15, 40));
  ASSERT_THAT(told.layers, SizeIs(1));
  EXPECT_EQ(told.layers[0].word, "file");
  EXPECT_GE(told.layers[0].triggers, 1U);
  EXPECT_EQ(told.layers[0].candidates, 1U);
  EXPECT_GE(told.atoms_tried, 1U);
}

TEST_F(ExplainerTest, TellsWhichSubsignatureIsMissing) {
  AddLogical("A.Two", "Engine:81-255,Target:0", "0&1",
             {Hex("first one"), Hex("the other")});
  const ExplainedSignature near = NearMissIn(Binary("first one alone"));
  EXPECT_THAT(near.reasons,
              ElementsAre("subsignature 1 (pattern) was not found"));
  EXPECT_THAT(near.failed_gates, IsEmpty());
  EXPECT_THAT(near.atoms[0].places, ElementsAre(4));
  EXPECT_EQ(near.atoms[1].count, 0U);
}

TEST_F(ExplainerTest, TellsWhichGateIsClosed) {
  AddLogical("A.Sized", "Engine:81-255,FileSize:1000-2000,Target:0", "0",
             {Hex("the marker")});
  const ExplainedSignature near = NearMissIn(Binary("the marker"));
  EXPECT_THAT(near.reasons, IsEmpty());
  ASSERT_THAT(near.failed_gates, SizeIs(1));
  EXPECT_EQ(near.failed_gates[0].gate, "file_size");
  EXPECT_EQ(near.failed_gates[0].text, "is 14, wants 1000 to 2000");
}

TEST_F(ExplainerTest, TellsThatItIsAboutOtherFiles) {
  AddLogical("A.Program", "Engine:81-255,Target:1", "0", {Hex("the marker")});
  EXPECT_THAT(Explain(Binary("the marker")).near_misses, IsEmpty());
  const ExplainedSignature near = NearMissIn(Binary("the marker"));
  ASSERT_THAT(near.failed_gates, SizeIs(1));
  EXPECT_EQ(near.failed_gates[0].gate, "target");
  EXPECT_EQ(near.failed_gates[0].text, "is 14, wants 1");
  EXPECT_FALSE(Explain("", {.signature = "None.Such"}).has_asked_signature);
}

TEST_F(ExplainerTest, TellsHowManyAreMissing) {
  AddLogical("A.Many", "Engine:81-255,Target:0", "(0|1)>2",
             {Hex("the marker"), Hex("another")});
  const ExplainedSignature near =
      NearMissIn(Binary("the marker, another and no more"));
  EXPECT_THAT(near.reasons, ElementsAre("(0|1)>2 has 2 match(es)"));
}

TEST_F(ExplainerTest, TellsOfExpressionsAndTheirTriggers) {
  AddLogical("A.Regex", "Engine:81-255,Target:0", "0&1&2",
             {Hex("the marker"), Hex("another"), "0&1/colou?r [0-9]+/"});
  ExplainedSignature near = NearMissIn(Binary("the marker, colour 7"));
  EXPECT_THAT(
      near.reasons,
      UnorderedElementsAre("subsignature 1 (pattern) was not found",
                           "subsignature 2 (expression) was not tried: its "
                           "trigger 0&1 does not hold"));
  near = NearMissIn(Binary("the marker, another, colour"));
  EXPECT_THAT(near.reasons,
              ElementsAre("subsignature 2 (expression) was not found"));
  const Explanation told = Explain(Binary("the marker, another, color 7"));
  ASSERT_THAT(told.matches, SizeIs(1));
  EXPECT_EQ(told.matches[0].atoms[2].kind, AtomKind::kRegex);
  EXPECT_THAT(told.matches[0].atoms[2].places, ElementsAre(25));
}

TEST_F(ExplainerTest, TellsOfByteCompares) {
  AddLogical("A.Compare", "Engine:81-255,Target:0", "0&1",
             {Hex("number:"), "0(>>7#de2#>40)"});
  const ExplainedSignature near = NearMissIn(Binary("number:39 is too small"));
  EXPECT_THAT(near.reasons, ElementsAre("subsignature 1 (byte_compare) does "
                                        "not hold behind subsignature 0"));
  EXPECT_THAT(Explain(Binary("number:41")).matches, SizeIs(1));
}

TEST_F(ExplainerTest, TellsInWhichViewOfATextItIs) {
  AddLogical("A.Text", "Engine:81-255,Target:7", "0&1",
             {Hex("two words"), Hex("three more words")});
  const std::string text = "Some plain text with TWO \t WORDS in it";
  Explanation told = Explain(text + ", and three  MORE words.\n");
  EXPECT_TRUE(told.agrees);
  ASSERT_THAT(told.matches, SizeIs(1));
  EXPECT_EQ(told.layers[told.matches[0].layer].word, "text_view");
  told = Explain(text + ".\n", {.signature = "A.Text.UNOFFICIAL"});
  EXPECT_TRUE(told.agrees);
  EXPECT_EQ(told.verdict.kind, VerdictKind::kClean);
  ASSERT_THAT(told.near_misses, SizeIs(2));
  const ExplainedSignature& near = told.near_misses[0];
  EXPECT_EQ(told.layers[near.layer].word, "text_view");
  EXPECT_THAT(near.atoms[0].places, ElementsAre(21));
  EXPECT_THAT(near.reasons,
              ElementsAre("subsignature 1 (pattern) was not found"));
}

TEST_F(ExplainerTest, TellsInWhichViewOfAPageItIs) {
  AddLogical("A.Page", "Engine:81-255,Target:3", "0",
             {Hex("a word of the page")});
  const Explanation told =
      Explain("<html><body>A <b>word</b> of the page</body></html>\n");
  EXPECT_TRUE(told.agrees);
  ASSERT_THAT(told.matches, SizeIs(1));
  EXPECT_EQ(told.layers[told.matches[0].layer].word, "html_no_tags_view");
}

TEST_F(ExplainerTest, TellsOfTheBuiltInRule) {
  const Explanation told = Explain(EicarText());
  EXPECT_TRUE(told.agrees);
  EXPECT_EQ(told.verdict.kind, VerdictKind::kInfected);
  EXPECT_THAT(told.matches, IsEmpty());
  EXPECT_THAT(told.other_names, ElementsAre("Virus:DOS/EICAR_Test_File"));
  EXPECT_THAT(told.verdict.sha256, SizeIs(64));
}

TEST_F(ExplainerTest, TellsHashesFromBodiesAndWhatIsAllowed) {
  const std::string content = Binary("the marker");
  AddLogical("A.Body", "Engine:81-255,Target:0", "0", {Hex("the marker")});
  signatures_.hashes = {HashByProgram("A.Hash", DigestAlgorithm::kMd5,
                                      folder_.Write("f", content),
                                      content.size())};
  Explanation told = Explain(content);
  EXPECT_THAT(told.matches, SizeIs(1));
  EXPECT_THAT(told.other_names, ElementsAre("A.Hash"));
  signatures_.allowed_hashes = {
      HashByProgram("Known.Good", DigestAlgorithm::kSha256,
                    folder_.Write("f", content), content.size())};
  told = Explain(content);
  EXPECT_TRUE(told.agrees);
  EXPECT_EQ(told.verdict.kind, VerdictKind::kClean);
  EXPECT_EQ(told.verdict.allowed_by, "Known.Good");
  EXPECT_THAT(told.matches, SizeIs(1));
}

TEST_F(ExplainerTest, ACleanFileHasNothingToExplain) {
  AddLogical("A.Body", "Engine:81-255,Target:0", "0&1",
             {Hex("the marker"), Hex("another")});
  const Explanation told = Explain(Binary("nothing of that"));
  EXPECT_TRUE(told.agrees);
  EXPECT_THAT(told.matches, IsEmpty());
  EXPECT_THAT(told.near_misses, IsEmpty());
  EXPECT_THAT(told.other_names, IsEmpty());
}

TEST_F(ExplainerTest, TellsTheNearestAndHowManyItLeftOut) {
  for (char c = 'a'; c < 'f'; ++c) {
    AddLogical(std::string("Far.") + c, "Engine:81-255,Target:0", "0&1&2",
               {Hex("the marker"), "0/another/", "0/a third one/"});
  }
  AddLogical("Near.z", "Engine:81-255,Target:0", "0&1",
             {Hex("the marker"), "0/another/"});
  const Explanation told = Explain(Binary("the marker"), {.signatures_max = 2});
  ASSERT_THAT(told.near_misses, SizeIs(2));
  EXPECT_EQ(told.near_misses[0].name, "Near.z");
  EXPECT_EQ(told.near_misses[1].name, "Far.a");
  EXPECT_EQ(told.near_misses_left_out, 4U);
}

TEST_F(ExplainerTest, OfManyPlacesTheFirstAreTold) {
  AddLogical("A.Body", "Engine:81-255,Target:0", "0", {Hex("the marker")});
  std::string content = Binary("");
  for (int i = 0; i < 5000; ++i) content += "the marker ";
  const Explanation told = Explain(content, {.places_max = 3});
  EXPECT_TRUE(told.agrees);
  ASSERT_THAT(told.matches, SizeIs(1));
  EXPECT_EQ(told.matches[0].atoms[0].count, 5000U);
  EXPECT_THAT(told.matches[0].atoms[0].places, ElementsAre(4, 15, 26));
  EXPECT_EQ(told.layers[0].crowded_triggers, 1U);
}

// Generated signatures of every kind, and contents that nearly match them.
TEST_F(ExplainerTest, AgreesWithTheOrdinaryVerdict) {
  uint64_t matches = 0;
  uint64_t near_misses = 0;
  for (uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    CaseMaker maker(seed);
    signatures_ = {};
    std::vector<oracle::Signature> known;
    for (const MatchingLine& line : maker.MakeLines(12)) {
      LoadedLine loaded = LoadLine(line);
      for (Signature& body : loaded.signatures.bodies) {
        signatures_.bodies.push_back(std::move(body));
      }
      auto parsed = oracle::ParseLine(*oracle::LineFormOf(line.extension),
                                      line.text, 213);
      if (oracle::IsFailure(parsed)) continue;
      known.push_back(std::get<oracle::Signature>(std::move(parsed)));
    }
    auto set = SignatureSet::Compile(signatures_);
    ASSERT_TRUE(set.has_value());
    auto explainer = Explainer::Create(*set);
    auto scanner = Scanner::Create(*set);
    for (int i = 0; i < 5; ++i) {
      const std::string bytes = maker.MakeSubject(known).bytes;
      const Verdict verdict = (*scanner)->Scan(FileOf(bytes).UnsafeFd(), {});
      const Explanation told =
          (*explainer)
              ->Explain(FileOf(bytes).UnsafeFd(), {.signatures_max = 1000});
      EXPECT_TRUE(told.agrees);
      EXPECT_EQ(told.verdict.kind, verdict.kind);
      EXPECT_EQ(told.verdict.threat_name, verdict.threat_name);
      std::set<std::string> names;
      for (const ExplainedSignature& one : told.matches) names.insert(one.name);
      if (verdict.kind == VerdictKind::kInfected) {
        EXPECT_TRUE(names.contains(verdict.threat_name));
      }
      for (const ExplainedSignature& one : told.near_misses) {
        EXPECT_FALSE(one.reasons.empty() && one.failed_gates.empty())
            << one.name;
      }
      for (const oracle::Signature& one : known) {
        EXPECT_TRUE(
            (*explainer)
                ->Explain(FileOf(bytes).UnsafeFd(), {.signature = one.name})
                .agrees)
            << one.name;
      }
      matches += told.matches.size();
      near_misses += told.near_misses.size();
    }
  }
  EXPECT_GT(matches, kCases);
  EXPECT_GT(near_misses, kCases / 4);
}

}  // namespace
}  // namespace gatehouse
