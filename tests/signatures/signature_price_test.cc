#include "signatures/signature_price.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "signatures/clamav/ldb_line.h"
#include "signatures/signature_compiler.h"
#include "signatures/signature_set.h"

namespace gatehouse {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class SignaturePriceTest : public testing::Test {
 protected:
  std::vector<PricedSignature> Priced(const std::string& logic,
                                      const std::string& atoms,
                                      int target = 0) const {
    auto parsed =
        ParseLdbLine("Name;Engine:81-255,Target:" + std::to_string(target) +
                     ";" + logic + ";" + atoms);
    EXPECT_TRUE(std::holds_alternative<Signature>(parsed)) << atoms;
    auto compiled = CompileTables({std::get<Signature>(std::move(parsed))}, 8,
                                  LiteralRates::BuiltIn());
    EXPECT_TRUE(compiled.has_value());
    return compiled->priced;
  }
};

TEST_F(SignaturePriceTest, WhatIsRareCostsNothing) {
  EXPECT_THAT(Priced("0", "d1f3a97b2c5ee8d4"), IsEmpty());
}

TEST_F(SignaturePriceTest, WhatIsEverywhereIsEvaluatedInEveryFile) {
  const auto priced = Priced("0", "0000");
  ASSERT_THAT(priced, SizeIs(1));
  EXPECT_EQ(priced.front().name, "Name");
  EXPECT_EQ(priced.front().route, PriceRoute::kAlways);
  EXPECT_GT(priced.front().share, kPriceShareMax);
  EXPECT_LT(priced.front().share, 0.2);
}

TEST_F(SignaturePriceTest, WhatHoldsWithoutAMatchIsEvaluatedInEveryFile) {
  const auto priced = Priced("0=0", "d1f3a97b2c5ee8d4");
  ASSERT_THAT(priced, SizeIs(1));
  EXPECT_EQ(priced.front().route, PriceRoute::kAlways);
}

TEST_F(SignaturePriceTest, GramsOfZerosAreNotLookedFor) {
  // Rare as a whole, but one of its grams is in every binary.
  const auto priced = Priced("0", "d1f300000000");
  ASSERT_THAT(priced, SizeIs(1));
  EXPECT_EQ(priced.front().route, PriceRoute::kApart);
  EXPECT_LT(priced.front().share, kPriceShareMax);
}

// "end function" itself is rare in forms, but each "function" is looked around.
TEST_F(SignaturePriceTest, WhatIsLookedAroundInTextsCostsToo) {
  const std::string rare = "656e642066756e6374696f6e";
  EXPECT_THAT(Priced("0", rare, 1), IsEmpty());
  const auto priced = Priced("0", rare, 7);
  ASSERT_THAT(priced, SizeIs(1));
  EXPECT_EQ(priced.front().route, PriceRoute::kNone);
  EXPECT_GT(priced.front().share, kPriceShareMax);
  EXPECT_LT(priced.front().share, 0.2);
}

TEST_F(SignaturePriceTest, ASetTellsWhatItsSignaturesCost) {
  Signatures signatures;
  const std::vector<uint8_t> zeros = {0, 0};
  const std::vector<uint8_t> rare = {0xd1, 0xf3, 0xa9, 0x7b, 0x2c};
  signatures.bodies = {LiteralSignature("dear", zeros),
                       LiteralSignature("cheap", rare)};
  const auto set = SignatureSet::Compile(std::move(signatures));
  ASSERT_TRUE(set.has_value());
  ASSERT_THAT((*set)->priced_signatures(), SizeIs(1));
  EXPECT_EQ((*set)->priced_signatures().front().name, "dear");
}

}  // namespace
}  // namespace gatehouse
