// Texts that make us look long for what their normalised forms may have: the
// budget ends that, and then nothing is called clean that was not judged.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "engine/matching/body_scan.h"
#include "tests/engine/signatures_for_tests.h"

namespace gatehouse {
namespace {

constexpr int kSignatures = 100;

std::string Number(int number) { return std::to_string(1000 + number); }

// Signatures for texts that all have one word, and others around it.
class ViewWorkTest : public testing::Test {
 protected:
  void SetUp() override {
    Signatures signatures;
    for (int i = 0; i < kSignatures; ++i) {
      const std::string name = "A" + Number(i);
      const std::string literal = Number(i) + " qjxzvkwp ok";
      signatures.bodies.push_back(LiteralSignature(name, AsBytes(literal)));
      signatures.bodies.back().target = Target::kText;
    }
    Use(std::move(signatures));
  }

  void Use(Signatures signatures) {
    auto set = SignatureSet::Compile(std::move(signatures));
    ASSERT_TRUE(set.has_value());
    set_ = std::move(*set);
    auto scan = BodyScan::Create(*set_);
    ASSERT_TRUE(scan.has_value());
    scan_ = std::move(*scan);
  }

  BodyScan::End Judge(const std::string& text, uint64_t units) {
    matched_ = {};
    budget_ = WorkBudget(units);
    scan_->Begin(AsBytes(text), text.size());
    EXPECT_TRUE(scan_->LookAt(AsBytes(text), 0, 0));
    Content content(AsBytes(text));
    return scan_->Judge(content, budget_, matched_);
  }

  std::shared_ptr<const SignatureSet> set_;
  std::unique_ptr<BodyScan> scan_;
  WorkBudget budget_{0};
  MatchedIds matched_;
};

// To tell that what is around the word is wrong, all white space must be read,
// for each signature.
std::string WordsInWhiteSpace() {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += "x" + std::string(2000, ' ') + "qjxzvkwp \n";
  }
  return text;
}

TEST_F(ViewWorkTest, IsChargedForWhatIsReadAroundWords) {
  constexpr uint64_t kMuch = uint64_t{1} << 40;
  EXPECT_EQ(Judge(WordsInWhiteSpace(), kMuch), BodyScan::End::kDone);
  EXPECT_GT(kMuch - budget_.left(), uint64_t{200} * 2000 * kSignatures);
}

TEST_F(ViewWorkTest, JudgesTheFormWhenLookingTakesTooLong) {
  constexpr uint64_t kLessThanThat = 2'000'000;
  const std::string text = WordsInWhiteSpace();
  EXPECT_EQ(Judge(text, kLessThanThat), BodyScan::End::kDone);
  EXPECT_TRUE(matched_.empty());
  EXPECT_LE(budget_.left(), kLessThanThat / 2);
  EXPECT_EQ(Judge(text + "1099\tQJXZVKWP\nok", kLessThanThat),
            BodyScan::End::kDone);
  EXPECT_FALSE(matched_.empty());
}

TEST_F(ViewWorkTest, DoesNotCallATextCleanThatItHasNoTimeFor) {
  EXPECT_EQ(Judge(WordsInWhiteSpace(), 1000), BodyScan::End::kWorkLimit);
}

// Where only one of two words is in the text, all of it is searched for the
// other.
TEST_F(ViewWorkTest, IsChargedForWhatIsSearchedForWords) {
  Signatures signatures;
  std::string text(1'000'000, 'x');
  for (int i = 0; i < kSignatures; ++i) {
    const std::string word = "qjxz" + Number(i) + "vkwp";
    const std::string other = Number(i) + "zyxwvutsr" + Number(i);
    Signature signature = LiteralSignature("A" + Number(i), AsBytes(word));
    signature.target = Target::kText;
    signature.atoms.push_back(
        LiteralSignature("", AsBytes(other)).atoms.front());
    signature.logic.push_back({});
    signature.logic.back().left = 1;
    LogicNode both;
    both.kind = LogicKind::kAnd;
    both.right = 1;
    signature.logic.push_back(both);
    signatures.bodies.push_back(std::move(signature));
    text += word + "\n";
  }
  Use(std::move(signatures));
  constexpr uint64_t kMuch = uint64_t{1} << 40;
  EXPECT_EQ(Judge(text, kMuch), BodyScan::End::kDone);
  // The trigger is the rarer of the words, by digits that they have: of some
  // signatures the other one, and those ask for nothing.
  EXPECT_GT(kMuch - budget_.left(),
            text.size() / kSearchDivisor * kSignatures / 10);
  EXPECT_EQ(Judge(text, 1'000'000), BodyScan::End::kWorkLimit);
}

}  // namespace
}  // namespace gatehouse
