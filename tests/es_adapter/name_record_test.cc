#include "es_adapter/linux/name_record.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/es_adapter/kernel_records.h"

namespace gatehouse {
namespace {

constexpr size_t kHandleBytes = 8 + 12;

NameRecordBuilder Created(std::string_view name) {
  NameRecordBuilder builder(FAN_CREATE | FAN_MODIFY, 7);
  builder.Part(FAN_EVENT_INFO_TYPE_DFID_NAME, WithNul(name));
  builder.Part(FAN_EVENT_INFO_TYPE_FID, "");
  return builder;
}

TEST(NameRecordTest, SaysWhatHappenedWhereAndToWhichFile) {
  const RecordBytes bytes = Created("file").Build();
  EXPECT_EQ(NameRecordBytes(bytes), bytes.size());
  const auto record = ParseNameRecord(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->mask, uint64_t{FAN_CREATE | FAN_MODIFY});
  EXPECT_EQ(record->pid, 7);
  EXPECT_EQ(record->entry.name, "file");
  EXPECT_EQ(record->entry.directory.file_system, 0x1122334455667788U);
  EXPECT_EQ(record->entry.directory.handle.size(), kHandleBytes);
  EXPECT_EQ(record->object.handle.size(), kHandleBytes);
  EXPECT_TRUE(record->old_entry.name.empty());
}

TEST(NameRecordTest, HasBothNamesOfARename) {
  const auto bytes =
      NameRecordBuilder(FAN_RENAME, 7)
          .Part(FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, WithNul("old"))
          .Part(FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, WithNul("new"))
          .Part(FAN_EVENT_INFO_TYPE_FID, "")
          .Build();
  const auto record = ParseNameRecord(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->old_entry.name, "old");
  EXPECT_EQ(record->new_entry.name, "new");
  EXPECT_FALSE(record->object.handle.empty());
}

TEST(NameRecordTest, FindsTheNextRecordOfABuffer) {
  RecordBytes bytes = Created("first").Build();
  const size_t first = bytes.size();
  const RecordBytes second = Created("second").Build();
  bytes.insert(bytes.end(), second.begin(), second.end());
  ASSERT_EQ(NameRecordBytes(bytes), first);
  EXPECT_EQ(NameRecordBytes(std::span(bytes).subspan(first)), second.size());
}

TEST(NameRecordTest, SkipsPartsOfANewerKernel) {
  RecordBytes unknown;
  Append(unknown, fanotify_event_info_header{99, 0, 8});
  Append(unknown, uint32_t{0});
  const RecordBytes bytes = Created("file").Raw(unknown).Build();
  const auto record = ParseNameRecord(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->entry.name, "file");
}

TEST(NameRecordTest, AnOverflowHasNoParts) {
  const RecordBytes bytes = NameRecordBuilder(FAN_Q_OVERFLOW, 0).Build();
  const auto record = ParseNameRecord(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->mask, uint64_t{FAN_Q_OVERFLOW});
}

TEST(NameRecordTest, TakesNothingThatDoesNotFit) {
  RecordBytes short_header;
  Append(short_header, fanotify_event_info_header{1, 0, 2});
  RecordBytes long_header;
  Append(long_header, fanotify_event_info_header{1, 0, 200});
  RecordBytes no_handle;
  Append(no_handle, fanotify_event_info_header{1, 0, 8});
  Append(no_handle, uint32_t{0});
  NameRecordBuilder other_version = Created("file");
  other_version.metadata().vers = 2;
  NameRecordBuilder short_metadata = Created("file");
  short_metadata.metadata().metadata_len = 8;
  NameRecordBuilder long_metadata = Created("file");
  long_metadata.metadata().metadata_len = 0xFFFF;
  const std::vector<RecordBytes> wrong = {
      {},
      RecordBytes(23),
      Created("file").Build(-1),
      Created("file").Build(1),
      Created("file").Raw(RecordBytes(3)).Build(),
      Created("file").Raw(short_header).Build(),
      Created("file").Raw(long_header).Build(),
      Created("file").Raw(no_handle).Build(),
      other_version.Build(),
      short_metadata.Build(),
      long_metadata.Build(),
      NameRecordBuilder(FAN_CREATE, 7)
          .Part(FAN_EVENT_INFO_TYPE_FID, "", 13)
          .Build(),
      NameRecordBuilder(FAN_CREATE, 7)
          .Part(FAN_EVENT_INFO_TYPE_FID, "", UINT32_MAX)
          .Build(),
      // A name with no end, and none at all.
      NameRecordBuilder(FAN_CREATE, 7)
          .Part(FAN_EVENT_INFO_TYPE_DFID_NAME, "four")
          .Build(),
      NameRecordBuilder(FAN_CREATE, 7)
          .Part(FAN_EVENT_INFO_TYPE_DFID_NAME, "")
          .Build(),
  };
  for (size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_FALSE(ParseNameRecord(wrong[i])) << i;
  }
  EXPECT_EQ(NameRecordBytes(RecordBytes(23)), 0U);
  EXPECT_EQ(NameRecordBytes(RecordBytes(24)), 0U);  // Says 0 bytes.
  EXPECT_EQ(NameRecordBytes(Created("file").Build(1)), 0U);
}

std::vector<es_event_type_t> EventsOf(uint64_t mask, uint64_t links,
                                      bool wants_links) {
  std::vector<es_event_type_t> events;
  for (const es_event_type_t type : kNameEventOrder) {
    if (TellsOf(mask, type, links, wants_links)) events.push_back(type);
  }
  return events;
}

TEST(NameRecordTest, AMergedRecordIsTakenApartInOneOrder) {
  using Events = std::vector<es_event_type_t>;
  EXPECT_EQ(EventsOf(FAN_DELETE | FAN_MODIFY | FAN_OPEN | FAN_CREATE, 1, true),
            (Events{ES_EVENT_TYPE_NOTIFY_CREATE, ES_EVENT_TYPE_NOTIFY_OPEN,
                    ES_EVENT_TYPE_NOTIFY_WRITE, ES_EVENT_TYPE_NOTIFY_UNLINK}));
  EXPECT_EQ(EventsOf(FAN_RENAME, 1, true),
            (Events{ES_EVENT_TYPE_NOTIFY_RENAME}));
  EXPECT_EQ(EventsOf(FAN_ATTRIB | FAN_CLOSE_WRITE, 1, true), Events{});
}

TEST(NameRecordTest, ANewNameOfAKnownFileIsALinkForWhoeverAsks) {
  using Events = std::vector<es_event_type_t>;
  EXPECT_EQ(EventsOf(FAN_CREATE, 2, true), (Events{ES_EVENT_TYPE_NOTIFY_LINK}));
  EXPECT_EQ(EventsOf(FAN_CREATE, 2, false),
            (Events{ES_EVENT_TYPE_NOTIFY_CREATE}));
  EXPECT_EQ(EventsOf(FAN_CREATE, 0, true),
            (Events{ES_EVENT_TYPE_NOTIFY_CREATE}));
  // A directory has a link per directory in it.
  EXPECT_EQ(EventsOf(FAN_CREATE | FAN_ONDIR, 2, true),
            (Events{ES_EVENT_TYPE_NOTIFY_CREATE}));
}

TEST(NameRecordTest, DirectoriesAreNotReportedAsOpened) {
  EXPECT_TRUE(EventsOf(FAN_OPEN | FAN_ONDIR, 2, false).empty());
}

}  // namespace
}  // namespace gatehouse
