#include "engine/tree_work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Names(const PackedNames& packed) {
  std::vector<std::string> names;
  packed.ForEach([&](std::string_view name) {
    EXPECT_EQ(*(name.data() + name.size()), '\0');
    names.emplace_back(name);
  });
  return names;
}

TEST(PackedNamesTest, KeepsNamesInOrder) {
  PackedNames packed;
  packed.Add("one");
  packed.Add("\xff\n");
  packed.Add("three");
  EXPECT_EQ(packed.count(), 3U);
  EXPECT_EQ(packed.UnsafeFront(), "one");
  EXPECT_THAT(Names(packed), ElementsAre("one", "\xff\n", "three"));
}

TEST(PackedNamesTest, SplitsIntoHalvesWithoutLosingAny) {
  PackedNames packed;
  for (const char* name : {"a", "bb", "ccc", "dddd", "e"}) packed.Add(name);
  const PackedNames rest = packed.SplitOff();
  EXPECT_THAT(Names(packed), ElementsAre("a", "bb"));
  EXPECT_THAT(Names(rest), ElementsAre("ccc", "dddd", "e"));
  EXPECT_EQ(packed.count(), 2U);
  EXPECT_EQ(rest.count(), 3U);
  EXPECT_EQ(packed.bytes(), 5U);
}

TEST(PackedNamesTest, OneNameSplitsIntoNothingAndItself) {
  PackedNames packed;
  packed.Add("a");
  EXPECT_THAT(Names(packed.SplitOff()), ElementsAre("a"));
  EXPECT_THAT(Names(packed), IsEmpty());
}

}  // namespace
}  // namespace gatehouse
