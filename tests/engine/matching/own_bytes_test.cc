// Signatures that are about the own bytes of a file only, beside those that are
// about the normalised forms of texts and HTML files as well.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/explainer.h"
#include "engine/matching/scan_notes.h"
#include "engine/scanner.h"
#include "signatures/signature_set.h"
#include "tests/engine/file_of_bytes.h"

namespace gatehouse {
namespace {

Signature Of(std::string name, std::string_view literal, bool is_of_own_bytes) {
  Signature signature = LiteralSignature(std::move(name), AsBytes(literal));
  signature.gates.is_of_own_bytes = is_of_own_bytes;
  return signature;
}

class OwnBytesTest : public testing::Test {
 protected:
  void Use(std::vector<Signature> bodies) {
    Signatures signatures;
    signatures.bodies = std::move(bodies);
    auto set = SignatureSet::Compile(std::move(signatures));
    ASSERT_TRUE(set.has_value());
    set_ = std::move(*set);
    auto scanner = Scanner::Create(set_);
    ASSERT_TRUE(scanner.has_value());
    scanner_ = std::move(*scanner);
  }

  std::string NameFor(const std::string& file) {
    return scanner_->Scan(FileOf(file).UnsafeFd(), {}).threat_name;
  }
  // How many triggers are looked for in such a layer.
  size_t TriggersOf(size_t target) const {
    const SignatureTables& tables = set_->tables();
    return tables.shards[tables.targets[target]].trigger_count;
  }

  std::shared_ptr<const SignatureSet> set_;
  std::unique_ptr<Scanner> scanner_;
};

constexpr std::string_view kWord = "evil word of three";
const std::string kAsText = "an EVIL   word\nof three stands here\n";
const std::string kAsHtml =
    "<html><body>an evil <b>word</b> of <i>three</i></body></html>\n";

TEST_F(OwnBytesTest, FormsAreNotWhatTheyAreAbout) {
  Use({Of("Own", kWord, true)});
  EXPECT_EQ(NameFor("This is an " + std::string(kWord) + "\n"), "Own");
  EXPECT_EQ(NameFor("<html>" + std::string(kWord) + "</html>"), "Own");
  EXPECT_EQ(NameFor(std::string("\0\x01", 2) + std::string(kWord)), "Own");
  EXPECT_EQ(NameFor(kAsText), "");
  EXPECT_EQ(NameFor(kAsHtml), "");
  EXPECT_EQ(TriggersOf(static_cast<size_t>(Target::kText)), 0U);
  EXPECT_EQ(TriggersOf(static_cast<size_t>(Target::kHtml)), 0U);
  EXPECT_EQ(TriggersOf(kTextBytesIndex), 1U);
}

TEST_F(OwnBytesTest, OthersAreAboutBoth) {
  Use({Of("Both", kWord, false)});
  EXPECT_EQ(NameFor("This is an " + std::string(kWord) + "\n"), "Both");
  EXPECT_EQ(NameFor(kAsText), "Both");
  EXPECT_EQ(NameFor(kAsHtml), "Both");
}

TEST_F(OwnBytesTest, EachIsFoundWhereItMayBe) {
  Use({Of("Both", kWord, false), Of("Own", "of three stands", true)});
  EXPECT_EQ(TriggersOf(static_cast<size_t>(Target::kHtml)), 1U);
  EXPECT_EQ(NameFor("-- of three stands here\n"), "Own");
  EXPECT_EQ(NameFor("-- of   three   stands here\n"), "");
  EXPECT_EQ(NameFor("-- evil   word   of   three   stands here\n"), "Both");
  EXPECT_EQ(NameFor(kAsHtml), "Both");
}

// Tags beyond the first KiB, by which a file is HTML, are looked for only when
// somebody asks: the verdict is the same, and who explains asks.
TEST_F(OwnBytesTest, WhoExplainsIsToldTheType) {
  Use({Of("Own", kWord, true)});
  const std::string page =
      std::string(5000, '.') + "<html>" + std::string(kWord) + "</html>\n";
  EXPECT_EQ(NameFor(page), "Own");
  FileType type = FileType::kBinary;
  ScanNotes notes;
  notes.on_layer = [&](const NotedLayer& /*layer*/) { type = notes.type(); };
  ScannerOptions options;
  options.notes = &notes;
  auto scanner = Scanner::Create(set_, options);
  ASSERT_TRUE(scanner.has_value());
  (void)(*scanner)->Scan(FileOf(page).UnsafeFd(), {});
  EXPECT_EQ(type, FileType::kHtml);
}

// A form is not what they are about, which explains why one does not match.
TEST_F(OwnBytesTest, WhoExplainsIsToldTheGate) {
  Use({Of("Both", "some other thing", false), Of("Own", kWord, true)});
  auto explainer = Explainer::Create(set_);
  ASSERT_TRUE(explainer.has_value());
  ExplainOptions options;
  options.signature = "Own";
  const std::string text = "here an " + std::string(kWord) + " stands\n";
  const Explanation told =
      (*explainer)->Explain(FileOf(text).UnsafeFd(), options);
  ASSERT_EQ(told.matches.size(), 1U);
  EXPECT_TRUE(told.matches.front().failed_gates.empty());
  ASSERT_EQ(told.near_misses.size(), 1U);
  const ExplainedSignature& in_form = told.near_misses.front();
  ASSERT_EQ(in_form.failed_gates.size(), 1U);
  EXPECT_EQ(in_form.failed_gates.front().gate, "own_bytes");
  EXPECT_TRUE(told.agrees);
}

// Words of both cases and white space, with markup between them or without.
std::string RandomFile(std::mt19937& random, bool is_html) {
  static const std::vector<std::string> words = {
      "fun", "Fun", "FUN", " ",     "  ",   "\n",
      "a",   "B",   "<b>", "&amp;", "\xe4", "<!-- x -->"};
  std::string file = is_html ? "<html>" : "";
  const size_t kinds = words.size() - (is_html ? 0 : 4);
  for (size_t i = random() % 300; i > 0; --i) file += words[random() % kinds];
  return file;
}

TEST_F(OwnBytesTest, ANaiveSearchFindsTheSame) {
  std::mt19937 random(7);
  std::vector<std::string> literals;
  std::vector<Signature> bodies;
  while (bodies.size() < 200) {
    const std::string file = RandomFile(random, random() % 2 == 0);
    if (file.size() < 20) continue;
    literals.push_back(
        file.substr(random() % (file.size() - 12), 4 + random() % 9));
    bodies.push_back(
        Of("N" + std::to_string(literals.size()), literals.back(), true));
  }
  Use(std::move(bodies));
  size_t found = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string file = RandomFile(random, round % 2 == 0);
    std::set<std::string> expected;
    for (size_t i = 0; i < literals.size(); ++i) {
      if (file.find(literals[i]) != std::string::npos) {
        expected.insert("N" + std::to_string(i + 1));
      }
    }
    const Verdict verdict = scanner_->Scan(FileOf(file).UnsafeFd(), {});
    std::set<std::string> names(verdict.other_names.begin(),
                                verdict.other_names.end());
    if (!verdict.threat_name.empty()) names.insert(verdict.threat_name);
    EXPECT_EQ(names,
              verdict.knows_all_names || names.empty() ? expected : names)
        << file;
    EXPECT_EQ(names.empty(), expected.empty());
    found += names.size();
  }
  EXPECT_GT(found, 1000U);
}

}  // namespace
}  // namespace gatehouse
