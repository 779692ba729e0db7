#include "tests/quarantine/isolation_world.h"

#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "engine/deny_list.h"
#include "tests/engine/signatures_for_tests.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

// Of kTinyThreat, by sha256sum.
constexpr std::string_view kTinySha256 =
    "bb7208bc9b5d7c04f1236a82a0093a5e33f40423d5ba8d4266f7092c3ba43b62";

void ClearFlagsBelow(const std::string& path) {
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) (void)SetInodeFlags(entry.path(), 0);
  }
}

std::vector<std::string> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  std::error_code ignored;  // A vault that was never made holds nothing.
  for (const fs::directory_entry& entry :
       fs::directory_iterator(path, ignored)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::shared_ptr<const SignatureSet> TestSignatures() {
  static const std::shared_ptr<const SignatureSet> set = [] {
    HashSignature tiny;
    tiny.name = "Test.Tiny";
    tiny.algorithm = DigestAlgorithm::kSha256;
    tiny.size = kTinyThreat.size();
    const std::vector<uint8_t> digest = ParseHex(kTinySha256).value();
    std::copy(digest.begin(), digest.end(), tiny.digest.begin());
    return MakeSet({Body("Test.Marker", kMarker)}, {tiny});
  }();
  return set;
}

std::unique_ptr<Scanner> TestScanner() {
  auto scanner = Scanner::Create(TestSignatures());
  EXPECT_TRUE(scanner.has_value());
  return std::move(*scanner);
}

std::string MaliciousContent(size_t bytes) {
  std::string content(kMarker);
  for (size_t i = content.size(); i < bytes; ++i) {
    content += static_cast<char>('a' + i % 23);
  }
  return content;
}

bool SetInodeFlags(const std::string& path, int flags) {
  const UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  return fd.valid() && ::ioctl(fd.UnsafeFd(), FS_IOC_SETFLAGS, &flags) == 0;
}

std::string ReadAll(int fd) {
  std::string content;
  std::array<char, 16384> block = {};
  while (true) {
    const ssize_t got = ::pread(fd, block.data(), block.size(),
                                static_cast<off_t>(content.size()));
    EXPECT_GE(got, 0);
    if (got <= 0) return content;
    content.append(block.data(), static_cast<size_t>(got));
  }
}

IsolationWorld::IsolationWorld(Mounts mounts)
    : base_(directory_.MakeDirectory("world")),
      state_(base_ + "/state"),
      place_(base_ + "/place") {
  if (mounts != Mounts::kDisk && PrivateMount::IsPossible()) {
    mounts_.push_back(std::make_unique<PrivateMount>(base_));
  }
  EXPECT_EQ(::mkdir(state_.c_str(), 0700), 0);
  EXPECT_EQ(::mkdir(place_.c_str(), 0777), 0);
  if (mounts == Mounts::kTwo) {
    mounts_.push_back(std::make_unique<PrivateMount>(place_));
  }
}

void IsolationWorld::Clear() {
  ClearFlagsBelow(place_);
  ClearFlagsBelow(state_);
  for (const std::string& name : NamesIn(place_)) {
    fs::remove_all(place_ + "/" + name);
  }
  fs::remove_all(state_ + "/vault");
}

std::string IsolationWorld::PathOf(const std::string& name) const {
  return place_ + "/" + name;
}

void IsolationWorld::Put(const std::string& name,
                         std::string_view content) const {
  const UniqueFd fd(::open(PathOf(name).c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  EXPECT_EQ(::write(fd.UnsafeFd(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
}

UniqueFd IsolationWorld::Open(const std::string& name, int flags) const {
  UniqueFd fd(::open(PathOf(name).c_str(), flags | O_CLOEXEC));
  EXPECT_TRUE(fd.valid()) << name;
  return fd;
}

IsolationWorld::Contents IsolationWorld::InPlace() const {
  Contents contents;
  for (const std::string& name : NamesIn(place_)) {
    if (!fs::is_regular_file(fs::symlink_status(PathOf(name)))) continue;
    contents[name] = ReadAll(Open(name).UnsafeFd());
  }
  return contents;
}

IsolationWorld::Contents IsolationWorld::InVault() {
  Contents contents;
  const std::unique_ptr<Vault> vault = OpenVault(files_);
  const Result<std::vector<std::string>> ids = vault->PublishedIds();
  EXPECT_TRUE(ids.has_value());
  for (const std::string& id : *ids) {
    const UniqueFd target(::memfd_create("restored", MFD_CLOEXEC));
    const Result<ObjectHeader> unsealed = vault->Unseal(id, target.UnsafeFd());
    contents[id] = unsealed ? ReadAll(target.UnsafeFd())
                            : "error: " + unsealed.error().message;
  }
  return contents;
}

std::vector<std::string> IsolationWorld::InStage() const {
  return NamesIn(state_ + "/vault/stage");
}

std::unique_ptr<Vault> IsolationWorld::OpenVault(FileOperations& files) const {
  Result<std::unique_ptr<Vault>> vault = Vault::Open(state_, files);
  EXPECT_TRUE(vault.has_value()) << vault.error().message;
  return std::move(*vault);
}

Isolation IsolationWorld::Isolate(FileOperations& files,
                                  const std::string& name) const {
  const std::unique_ptr<Vault> vault = OpenVault(files);
  Isolator isolator(*vault, TestScanner());
  const UniqueFd file = Open(name);
  return isolator.Isolate({file.UnsafeFd(), "Test.Found", ""});
}

std::vector<Isolation> IsolationWorld::Recover(UniqueFd writer) {
  return RecoverWith(files_, std::move(writer));
}

std::vector<Isolation> IsolationWorld::RecoverWith(FileOperations& files,
                                                   UniqueFd writer) {
  const std::unique_ptr<Vault> vault = OpenVault(files);
  DenyList deny_list;
  Result<Unfinished> unfinished = FindUnfinished(*vault, deny_list);
  EXPECT_TRUE(unfinished.has_value());
  EXPECT_TRUE(unfinished->problems.empty());
  Isolator isolator(*vault, TestScanner());
  std::vector<Isolation> isolations;
  for (UnfinishedIsolation& one : unfinished->isolations) {
    Isolation isolation = isolator.Resume(one.header, std::move(one.file));
    if (isolation.captured) {
      EXPECT_TRUE(writer.valid()) << "nobody has it open";
      EXPECT_FALSE(isolator.Finish(*isolation.captured, false));
      writer.Reset();
      std::optional<Isolation> end =
          isolator.Finish(*isolation.captured, false);
      EXPECT_TRUE(end.has_value());
      if (end) isolation = std::move(*end);
    }
    isolations.push_back(std::move(isolation));
  }
  return isolations;
}

std::string IsolationWorld::Wrongs(const std::string& name,
                                   const std::string& content,
                                   const Contents& others) {
  std::string wrongs;
  const auto complain = [&wrongs](const std::string& what) {
    wrongs += what + "; ";
  };
  size_t copies = 0;
  const Contents in_place = InPlace();
  const auto itself = in_place.find(name);
  if (itself != in_place.end()) {
    ++copies;
    if (itself->second != content) complain("the file was altered");
  }
  for (const auto& [other, bytes] : others) {
    const auto found = in_place.find(other);
    if (found == in_place.end()) {
      complain("'" + other + "' is lost");
    } else if (found->second != bytes) {
      complain("'" + other + "' was altered");
    }
  }
  for (const std::string& found : NamesIn(place_)) {
    if (found != name && !others.contains(found)) {
      complain("'" + found + "' was left in the place");
    }
  }
  for (const auto& [id, bytes] : InVault()) {
    ++copies;
    if (bytes != content) complain("the vault holds something else");
  }
  if (copies == 0) complain("the file is lost");
  if (copies > 1) complain("the file exists twice");
  for (const std::string& left : InStage()) {
    complain("'" + left + "' was left in stage/");
  }
  return wrongs;
}

}  // namespace gatehouse
