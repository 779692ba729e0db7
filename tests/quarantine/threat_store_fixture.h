// What the tests of the threat store share: a store in an empty directory, and
// threats to record.
//
// Thread-compatible.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quarantine/database.h"
#include "quarantine/threat_store.h"
#include "tests/temp_dir.h"

namespace gatehouse {

inline std::string IdOf(int number) {
  const std::string digits = std::to_string(number);
  return "00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') +
         digits;
}

inline Threat Found(int number, ThreatStatus status = ThreatStatus::kDetected) {
  Threat threat;
  threat.id = IdOf(number);
  threat.name = "Virus:DOS/EICAR_Test_File";
  threat.type = "virus";
  threat.path = "/tmp/\xff\xfe\n" + std::to_string(number);
  threat.owner_uid = 1000;
  threat.file_bytes = 68;
  threat.sha256 = std::string(64, 'a');
  threat.scan_id = "scan";
  threat.isolated_in_time = true;
  threat.history = {{number, status, "why \xff"}};
  return threat;
}

class ThreatStoreTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen(const ThreatStoreOptions& options = {}) {
    store_.reset();
    auto opened = ThreatStore::Open(directory_.path(), options);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    store_ = std::move(*opened);
  }

  std::string Record(const Threat& threat, std::string_view file_key) {
    const auto id = store_->Record(threat, file_key);
    EXPECT_TRUE(id.has_value()) << id.error().message;
    return id ? *id : std::string();
  }
  Threat Get(int number) {
    auto threat = store_->Get(IdOf(number));
    EXPECT_TRUE(threat.has_value()) << threat.error().message;
    return threat ? *threat : Found(-1);
  }
  std::vector<std::string> Ids(std::optional<uint32_t> owner = std::nullopt) {
    const auto threats = store_->List(owner);
    EXPECT_TRUE(threats.has_value());
    std::vector<std::string> ids;
    for (const Threat& threat : *threats) ids.push_back(threat.id);
    return ids;
  }
  bool AddStatus(int number, ThreatStatus status) {
    const auto added = store_->AddStatus(IdOf(number), status, 99, "");
    EXPECT_TRUE(added.has_value()) << added.error().message;
    return added && *added;
  }
  // While the store is closed.
  Database Raw() {
    store_.reset();
    auto database = Database::Open(path_);
    EXPECT_TRUE(database.has_value());
    return std::move(*database);
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::directory_iterator(directory_.path())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TempDir directory_;
  const std::string path_ = directory_.Path(kThreatStoreName);
  std::unique_ptr<ThreatStore> store_;
};

}  // namespace gatehouse
