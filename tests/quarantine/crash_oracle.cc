#include "tests/quarantine/crash_oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "base/bytes.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

const char* const kName = "threat";
const char* const kOtherName = "link";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::vector<std::string>> LinesOf(const std::string& output) {
  std::vector<std::vector<std::string>> lines;
  std::istringstream stream(output);
  std::string line;
  while (std::getline(stream, line)) {
    std::vector<std::string> fields;
    std::istringstream words(line);
    std::string field;
    while (std::getline(words, field, '\t')) fields.push_back(field);
    fields.resize(std::max<size_t>(fields.size(), 7));
    lines.push_back(std::move(fields));
  }
  return lines;
}

std::string AttributesText(const FileSight& sight) {
  std::string text;
  for (const auto& [name, value] : sight.xattrs) {
    text += name + "=" + HexText(AsBytes(value)) + ";";
  }
  return text;
}

// In any order.
std::set<std::string> PartsOf(const std::string& attributes) {
  std::set<std::string> parts;
  std::istringstream stream(attributes);
  std::string part;
  while (std::getline(stream, part, ';')) parts.insert(part);
  return parts;
}

}  // namespace

class CrashOracle::Complaints {
 public:
  void Add(const std::string& what) { text_ += what + "; "; }
  void Unless(bool is_so, const std::string& what) {
    if (!is_so) Add(what);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string OperationName(Operation operation) {
  static constexpr std::array kNames = {"FirstStart", "Isolate", "Restore",
                                        "Remove"};
  return kNames.at(static_cast<size_t>(operation));
}

std::vector<std::string> CrashOracle::Prepare() {
  const std::string& threat = world_.threat();
  key_.clear();
  if (operation_ == Operation::kFirstStart) {
    return {"--", "start", "isolate", threat};
  }
  if (operation_ == Operation::kIsolate) {
    EXPECT_EQ(world_.Drive({"start"}).output, "");
  } else {
    const ProgramEnd end = world_.Drive({"start", "isolate", threat});
    EXPECT_THAT(end.output, testing::StartsWith("isolate\tquarantined\t"));
  }
  world_.SyncAll();
  key_ = ReadFile(world_.state() + "/vault.key");
  EXPECT_NE(key_, "");
  if (operation_ == Operation::kIsolate) {
    return {"start", "--", "isolate", threat};
  }
  const fs::directory_iterator objects(world_.state() + "/vault/data");
  const std::string id = objects->path().stem();
  return {"start", "--",
          operation_ == Operation::kRestore ? "restore" : "remove", id};
}

Settled CrashOracle::Settle() const {
  for (const auto& left : fs::directory_iterator(world_.out())) {
    fs::remove(left.path());
  }
  const ProgramEnd end =
      world_.Drive({"start", "recover", "report", world_.out()});
  EXPECT_EQ(end.exit_code, 0) << end.output;
  Settled settled;
  settled.lines = LinesOf(end.output);
  // What the first one had to do is not what is.
  std::erase_if(settled.lines, [](const std::vector<std::string>& line) {
    return line[0] == "recover" && line[1] != "error" && line[4].empty();
  });
  settled.place = SightOf(world_.place());
  for (const auto& [name, sight] : SightOf(world_.state())) {
    if (!name.starts_with("threats.db")) settled.vault_names.push_back(name);
  }
  settled.key = ReadFile(world_.state() + "/vault.key");
  return settled;
}

std::string CrashOracle::Wrongs(const Settled& settled) const {
  Complaints complaints;
  Whereabouts found;
  CheckPlace(settled, found, complaints);
  for (const std::vector<std::string>& line : settled.lines) {
    if (line[0] == "object") {
      CheckObject(line, found, complaints);
    } else if (line[0] != "record") {
      complaints.Add(line[0] + " says: " + line[1] + " " + line[2] + line[3]);
    }
  }
  CheckVault(settled, found, complaints);
  CheckRecords(settled, found, complaints);
  return complaints.text();
}

std::string CrashOracle::WrongsAtTheEnd(const Settled& settled) const {
  std::string wrongs = Wrongs(settled);
  const bool is_in_place = settled.place.contains(kName);
  if (is_in_place != (operation_ == Operation::kRestore)) {
    wrongs += "what was said to be done was not; ";
  }
  return wrongs;
}

void CrashOracle::CheckPlace(const Settled& settled, Whereabouts& found,
                             Complaints& complaints) const {
  for (const auto& [name, sight] : settled.place) {
    if (name == kName) {
      found.is_in_place = true;
      CheckFile(sight, complaints);
    } else if (!world_.before().contains(name)) {
      complaints.Add("'" + name + "' was left");
    }
  }
  for (const auto& [name, sight] : world_.before()) {
    if (name == kName) continue;
    const auto now = settled.place.find(name);
    if (now == settled.place.end()) {
      complaints.Add("'" + name + "' is lost");
      continue;
    }
    FileSight expected = sight;
    if (name == kOtherName) expected.nlink = now->second.nlink;
    complaints.Unless(now->second == expected, "'" + name + "' was altered");
  }
}

void CrashOracle::CheckFile(const FileSight& sight,
                            Complaints& complaints) const {
  const FileSight& was = world_.before().at(kName);
  complaints.Unless(sight.content == was.content, "it has another content");
  complaints.Unless(sight.mode == was.mode && sight.uid == was.uid,
                    "it has another owner or mode");
  complaints.Unless(sight.mtime_ns == was.mtime_ns, "it has another time");
  complaints.Unless(sight.xattrs == was.xattrs, "it has other attributes");
  complaints.Unless(sight.flags == was.flags, "it has other flags");
  constexpr int64_t kBlocksOfNames = 16;  // Attributes may take a block.
  complaints.Unless(sight.blocks <= was.blocks + kBlocksOfNames,
                    "its holes are filled");
}

void CrashOracle::CheckObject(const std::vector<std::string>& line,
                              Whereabouts& found,
                              Complaints& complaints) const {
  const FileSight& was = world_.before().at(kName);
  const std::string& id = line[1];
  if (line[2] != "whole") return complaints.Add("its object: " + line[3]);
  found.ids.push_back(id);
  complaints.Unless(ReadFile(world_.out() + "/" + id) == was.content,
                    "its object has another content");
  complaints.Unless((std::stoul(line[3]) & was.flags) == was.flags,
                    "its object forgot the flags");
  complaints.Unless(
      line[4] == std::to_string(was.mode) && line[5] == std::to_string(was.uid),
      "its object has another owner or mode");
  complaints.Unless(PartsOf(line[6]) == PartsOf(AttributesText(was)),
                    "its object has other attributes");
}

void CrashOracle::CheckVault(const Settled& settled, const Whereabouts& found,
                             Complaints& complaints) const {
  std::set<std::string> expected = {"vault/", "vault/data/", "vault/stage/",
                                    "vault.key"};
  for (const std::string& id : found.ids) {
    expected.insert("vault/data/" + id + ".q");
  }
  for (const std::string& name : settled.vault_names) {
    const bool is_key_copy = name.find("vault.key.") != std::string::npos;
    complaints.Unless(expected.erase(name) == 1 || is_key_copy,
                      "'" + name + "' was left");
  }
  for (const std::string& name : expected) {
    complaints.Add("there is no '" + name + "'");
  }
  if (!key_.empty()) {
    complaints.Unless(settled.key == key_, "the key is another one");
  }
}

void CrashOracle::CheckRecords(const Settled& settled, const Whereabouts& found,
                               Complaints& complaints) const {
  std::vector<std::string> quarantined;
  std::vector<std::string> statuses;
  for (const std::vector<std::string>& line : settled.lines) {
    if (line[0] != "record") continue;
    statuses.push_back(line[2]);
    if (line[2] == "quarantined") quarantined.push_back(line[1]);
    complaints.Unless(line[3] == world_.threat(), "a record has another path");
  }
  complaints.Unless(quarantined == found.ids,
                    "what is recorded is not what is in the vault");
  complaints.Unless(statuses.size() <= 1, "there are several records");
  const auto says = [&](const char* status) {
    return statuses == std::vector<std::string>{status};
  };
  const size_t copies = found.ids.size() + (found.is_in_place ? 1 : 0);
  complaints.Unless(copies <= 1, "it exists twice");
  if (operation_ == Operation::kRemove) {
    complaints.Unless(!found.is_in_place, "it was given back");
    complaints.Unless(copies == 1 || says("removed"),
                      "it is gone, and not recorded as removed");
    return;
  }
  complaints.Unless(copies > 0, "it is lost");
  if (operation_ == Operation::kRestore && found.is_in_place) {
    complaints.Unless(says("restored"), "it is not recorded as restored");
  }
}

}  // namespace gatehouse
