#include "es_adapter/linux/mount_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/es_adapter/kernel_records.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint8_t kPartMount = 7;

// "+/a" and "-/a", in the order in which they are told.
std::vector<std::string> Difference(std::string_view before,
                                    std::string_view after) {
  std::vector<std::string> told;
  for (const MountChange& change :
       DifferenceOf(MountsOf(before), MountsOf(after))) {
    told.push_back((change.is_mounted ? "+" : "-") + change.facts.mount_point);
  }
  return told;
}

constexpr std::string_view kRoot = "1 0 8:1 / / rw - ext4 /dev/sda rw\n";
constexpr std::string_view kTmp = "2 1 0:5 / /tmp rw - tmpfs none rw\n";
constexpr std::string_view kBelow = "3 2 0:6 / /tmp/b rw - tmpfs none rw\n";

std::string Lines(const std::vector<std::string_view>& lines) {
  std::string text;
  for (const std::string_view line : lines) text += line;
  return text;
}

TEST(DifferenceOfTest, IsEmptyWhereNothingChanged) {
  EXPECT_THAT(Difference("", ""), IsEmpty());
  EXPECT_THAT(Difference(Lines({kRoot, kTmp}), Lines({kRoot, kTmp})),
              IsEmpty());
}

TEST(DifferenceOfTest, TellsOfParentsFirstWhenTheyAreMounted) {
  EXPECT_THAT(Difference(kRoot, Lines({kRoot, kTmp, kBelow})),
              ElementsAre("+/tmp", "+/tmp/b"));
}

TEST(DifferenceOfTest, TellsOfParentsLastWhenTheyAreUnmounted) {
  EXPECT_THAT(Difference(Lines({kRoot, kTmp, kBelow}), kRoot),
              ElementsAre("-/tmp/b", "-/tmp"));
}

TEST(DifferenceOfTest, AMoveIsAnUnmountAndAMount) {
  EXPECT_THAT(Difference(Lines({kRoot, kTmp}),
                         Lines({kRoot, "2 1 0:5 / /new rw - tmpfs none rw\n"})),
              ElementsAre("-/tmp", "+/new"));
}

TEST(DifferenceOfTest, AnIdThatIsUsedAgainIsAnotherMount) {
  for (const std::string_view line : {"2 1 0:9 / /tmp rw - tmpfs none rw\n",
                                      "2 1 0:5 /sub /tmp rw - tmpfs none rw\n",
                                      "2 1 0:5 / /tmp rw - ramfs none rw\n"}) {
    EXPECT_THAT(Difference(Lines({kRoot, kTmp}), Lines({kRoot, line})),
                ElementsAre("-/tmp", "+/tmp"))
        << line;
  }
}

TEST(DifferenceOfTest, OneMountOverAnotherIsOneMore) {
  EXPECT_THAT(
      Difference(Lines({kRoot, kTmp}),
                 Lines({kRoot, kTmp, "9 2 0:7 / /tmp rw - tmpfs none rw\n"})),
      ElementsAre("+/tmp"));
}

TEST(DifferenceOfTest, WhatIsRemountedStays) {
  EXPECT_THAT(Difference(Lines({kRoot, kTmp}),
                         Lines({kRoot, "2 1 0:5 / /tmp ro - tmpfs none ro\n"})),
              IsEmpty());
}

TEST(DifferenceOfTest, TellsOfManyInOrder) {
  std::vector<std::string> expected;
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    const std::string point = "/m" + std::to_string(i);
    text += std::to_string(i + 10) + " 1 0:" + std::to_string(i) + " / " +
            point + " rw - tmpfs none rw\n";
    expected.push_back("+" + point);
  }
  EXPECT_EQ(Difference("", text), expected);
  std::reverse(expected.begin(), expected.end());
  for (std::string& one : expected) one.front() = '-';
  EXPECT_EQ(Difference(text, ""), expected);
}

TEST(MountsOfTest, KeepsWhatAMessageSays) {
  const std::vector<MountFacts> mounts =
      MountsOf(R"(36 35 98:1 /in /a\040b rw master:1 - ext3 /dev/root rw)");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].id, 36U);
  EXPECT_EQ(mounts[0].mountinfo_id, 36U);
  EXPECT_EQ(mounts[0].mount_point, "/a b");
  EXPECT_EQ(mounts[0].root, "/in");
  EXPECT_EQ(mounts[0].type, "ext3");
  EXPECT_EQ(mounts[0].source, "/dev/root");
  EXPECT_EQ(mounts[0].device, makedev(98, 1));
}

TEST(MountsOfTest, ADeviceThatIsNoneIsZero) {
  for (const std::string_view device : {"x", "8", "8:", ":1", "8-1", "8:x"}) {
    const std::string line =
        "1 0 " + std::string(device) + " / /a rw - ext4 x rw";
    ASSERT_EQ(MountsOf(line).size(), 1U);
    EXPECT_EQ(MountsOf(line)[0].device, 0U) << device;
  }
}

RecordBytes MountPart(uint64_t id, size_t bytes = sizeof(uint64_t)) {
  RecordBytes part;
  fanotify_event_info_header header = {};
  header.info_type = kPartMount;
  header.len = static_cast<uint16_t>(2 * sizeof(header) + bytes);
  Append(part, header);
  Append(part, uint32_t{0});  // The id is aligned.
  Append(part, id);
  part.resize(header.len);
  return part;
}

TEST(ParseMountRecordTest, SaysWhichMountAndWho) {
  const auto record = ParseMountRecord(
      NameRecordBuilder(kMountAttached, 7).Raw(MountPart(0x80000001)).Build());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->mask, kMountAttached);
  EXPECT_EQ(record->mount_id, 0x80000001);
  EXPECT_EQ(record->pid, 7);
}

TEST(ParseMountRecordTest, SkipsPartsThatItDoesNotKnow) {
  const auto record = ParseMountRecord(NameRecordBuilder(kMountDetached, 7)
                                           .Part(99, "name")
                                           .Raw(MountPart(5))
                                           .Build());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->mount_id, 5U);
}

TEST(ParseMountRecordTest, AnOverflowHasNoMount) {
  const auto record =
      ParseMountRecord(NameRecordBuilder(FAN_Q_OVERFLOW, 0).Build());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->mount_id, 0U);
}

TEST(ParseMountRecordTest, RefusesWhatDoesNotFit) {
  const auto refuses = [](const RecordBytes& bytes) {
    return !ParseMountRecord(bytes).has_value();
  };
  EXPECT_TRUE(refuses({}));
  EXPECT_TRUE(refuses(NameRecordBuilder(kMountAttached, 7).Build()));
  EXPECT_TRUE(refuses(
      NameRecordBuilder(kMountAttached, 7).Raw(MountPart(5, 4)).Build()));
  EXPECT_TRUE(
      refuses(NameRecordBuilder(kMountAttached, 7).Raw(MountPart(5)).Build(8)));
  NameRecordBuilder other_version(kMountAttached, 7);
  other_version.metadata().vers = 1;
  EXPECT_TRUE(refuses(other_version.Raw(MountPart(5)).Build()));
  NameRecordBuilder long_metadata(kMountAttached, 7);
  long_metadata.metadata().metadata_len = 2000;
  EXPECT_TRUE(refuses(long_metadata.Raw(MountPart(5)).Build()));
  RecordBytes cut =
      NameRecordBuilder(kMountAttached, 7).Raw(MountPart(5)).Build();
  for (size_t length = 0; length < cut.size(); ++length) {
    EXPECT_TRUE(
        refuses({cut.begin(), cut.begin() + static_cast<ptrdiff_t>(length)}));
  }
}

}  // namespace
}  // namespace gatehouse
