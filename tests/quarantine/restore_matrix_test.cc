// What is restored is what was isolated: every kind of file, on every file
// system, judged by what system calls say of it (file_portrait).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quarantine/restorer.h"
#include "tests/engine/signatures_for_tests.h"
#include "tests/quarantine/file_portrait.h"
#include "tests/quarantine/file_system_image.h"
#include "tests/quarantine/isolation_world.h"

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uid_t kOwner = 4321;
constexpr gid_t kGroup = 8765;
// POSIX access lists as the kernel takes them: version 2, then tag,
// permissions and id. Owner rw, user 1000 rwx, group r, mask rwx, others none.
constexpr std::string_view kAccessList(
    "\2\0\0\0"
    "\1\0\6\0\377\377\377\377"
    "\2\0\7\0\350\3\0\0"
    "\4\0\4\0\377\377\377\377"
    "\20\0\7\0\377\377\377\377"
    "\40\0\0\0\377\377\377\377",
    44);
// cap_net_raw, permitted and effective, version 2.
constexpr std::string_view kCapability(
    "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
// Of nothing, by sha256sum.
constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::unique_ptr<Scanner> ScannerThatFindsEmptyFiles() {
  HashSignature empty;
  empty.name = "Test.Empty";
  empty.algorithm = DigestAlgorithm::kSha256;
  const std::vector<uint8_t> digest = ParseHex(kEmptySha256).value();
  std::copy(digest.begin(), digest.end(), empty.digest.begin());
  auto scanner =
      Scanner::Create(MakeSet({Body("Test.Marker", kMarker)}, {empty}));
  EXPECT_TRUE(scanner.has_value());
  return std::move(*scanner);
}

// What is done to a file before it is isolated.
using Preparation = std::function<void(int fd)>;
struct Kind {
  std::string name;
  size_t bytes = 0;
  Preparation prepare;
};

void SetAttribute(int fd, const char* name, std::string_view value) {
  EXPECT_EQ(::fsetxattr(fd, name, value.data(), value.size(), 0), 0) << name;
}

bool AddFlags(int fd, unsigned int flags) {
  unsigned int now = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &now) != 0) return false;
  now |= flags;
  return ::ioctl(fd, FS_IOC_SETFLAGS, &now) == 0;
}

void SetFlags(int fd, unsigned int flags) {
  EXPECT_TRUE(AddFlags(fd, flags)) << flags;
}

// Where the file system has none, there is nothing to give back.
void TryFlags(int fd, unsigned int flags) { (void)AddFlags(fd, flags); }

void TryProject(int fd, unsigned int project) {
  fsxattr extended = {};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &extended) != 0) return;
  extended.fsx_projid = project;
  (void)::ioctl(fd, FS_IOC_FSSETXATTR, &extended);
}

void MakeSparse(int fd) {
  EXPECT_EQ(::ftruncate(fd, off_t{64} << 20), 0);
  const std::string data = MaliciousContent(65536);
  for (const off_t at : {off_t{1} << 20, off_t{40} << 20}) {
    EXPECT_EQ(::pwrite(fd, data.data(), data.size(), at),
              static_cast<ssize_t>(data.size()));
  }
}

std::vector<Kind> Kinds() {
  const auto nothing = [](int) {};
  return {
      {"plain", 100'000, nothing},
      {"empty", 0, nothing},
      {"sparse", 0, MakeSparse},
      {"ends in a hole", 4096,
       [](int fd) { EXPECT_EQ(::ftruncate(fd, 10'000'000), 0); }},
      {"attributes", 5000,
       [](int fd) {
         SetAttribute(fd, "user.comment", "of its owner");
         SetAttribute(fd, "user.empty", "");
         SetAttribute(fd, "user.large", std::string(2500, 'x'));
         SetAttribute(fd, "trusted.note", std::string_view("a\0b", 3));
         SetAttribute(fd, "security.label", "of some module");
       }},
      {"access list", 5000,
       [](int fd) {
         SetAttribute(fd, "system.posix_acl_access", kAccessList);
       }},
      {"immutable", 5000, [](int fd) { SetFlags(fd, FS_IMMUTABLE_FL); }},
      {"append-only", 5000, [](int fd) { SetFlags(fd, FS_APPEND_FL); }},
      {"flags", 5000,
       [](int fd) { TryFlags(fd, FS_NODUMP_FL | FS_NOATIME_FL); }},
      {"project", 5000, [](int fd) { TryProject(fd, 42); }},
      {"no mode", 5000, [](int fd) { EXPECT_EQ(::fchmod(fd, 0), 0); }},
      {"new\nline", 5000, nothing},
      {"not \xff\xfe text", 5000, nothing},
      {std::string(255, 'n'), 5000, nothing},
  };
}

class RestoreMatrixTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!PrivateMount::IsPossible()) {
      GTEST_SKIP() << "needs root to mount file systems";
    }
    world_.emplace();
    vault_ = world_->OpenVault(files_);
    auto store = ThreatStore::Open(world_->state(), {});
    ASSERT_TRUE(store.has_value());
    store_ = std::move(*store);
    restorer_.emplace(Restorer::Parts{*vault_, *store_, exempt_});
    image_.emplace(GetParam());
  }

  std::string PathOf(const std::string& name) const {
    return image_->path() + "/" + name;
  }
  // A file of that kind; of the owner, at times of long ago.
  void Make(const Kind& kind) const {
    const UniqueFd fd(::open(PathOf(kind.name).c_str(),
                             O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
    ASSERT_TRUE(fd.valid()) << kind.name;
    // Copied on write or not is decided while it is empty.
    if (kind.name == "flags") TryFlags(fd.UnsafeFd(), FS_NOCOW_FL);
    const std::string content =
        kind.bytes == 0 ? "" : MaliciousContent(kind.bytes);
    ASSERT_EQ(::write(fd.UnsafeFd(), content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
    ASSERT_EQ(::fchown(fd.UnsafeFd(), kOwner, kGroup), 0);
    const timespec times[2] = {{1'000'000'000, 123'456'789},
                               {1'100'000'000, 987'654'321}};
    ASSERT_EQ(::futimens(fd.UnsafeFd(), times), 0);
    kind.prepare(fd.UnsafeFd());
    if (kind.name.find("hole") != std::string::npos || kind.name == "sparse") {
      ASSERT_EQ(::futimens(fd.UnsafeFd(), times), 0);
    }
    ASSERT_EQ(::fsync(fd.UnsafeFd()), 0);
  }
  std::string Isolate(const std::string& path) {
    Isolator isolator(*vault_, ScannerThatFindsEmptyFiles());
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOATIME | O_CLOEXEC));
    const Isolation isolation =
        isolator.Isolate({file.UnsafeFd(), "Test.Found", ""});
    EXPECT_EQ(isolation.status, ThreatStatus::kQuarantined)
        << path << ": " << isolation.detail;
    EXPECT_FALSE(std::filesystem::exists(path)) << path;
    return isolation.header.id;
  }
  Result<RestoredFile> RestoreTo(const std::string& directory,
                                 const std::string& id,
                                 bool preserve_privileges = false) {
    UniqueFd destination;
    if (!directory.empty()) {
      destination.Reset(
          ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    return restorer_->Restore(
        id, std::move(destination),
        {.uid = 0, .preserve_privileges = preserve_privileges});
  }
  bool IsExempt(const std::string& path) const {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOATIME | O_CLOEXEC));
    return exempt_.Covers(fd.UnsafeFd());
  }

  LinuxFileOperations files_;
  Exemptions exempt_{files_};
  std::optional<IsolationWorld> world_;
  std::optional<FileSystemImage> image_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<ThreatStore> store_;
  std::optional<Restorer> restorer_;
};

TEST_P(RestoreMatrixTest, EveryKindOfFileComesBackAsItWas) {
  for (const Kind& kind : Kinds()) {
    SCOPED_TRACE(kind.name);
    Make(kind);
    const std::string path = PathOf(kind.name);
    const FilePortrait before = PortraitOf(path);
    const auto restored = RestoreTo("", Isolate(path));
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(restored->path, path);
    EXPECT_THAT(restored->not_given_back, IsEmpty());
    EXPECT_EQ(Differences(before, PortraitOf(path)), "");
    EXPECT_TRUE(IsExempt(path));
  }
  EXPECT_THAT(world_->InVault(), IsEmpty());
  EXPECT_THAT(world_->InStage(), IsEmpty());
}

// The control of the judge: each thing that is not given back is seen.
TEST_P(RestoreMatrixTest, AnAlteredFileIsSeen) {
  Make({"plain", 100'000, [](int) {}});
  const std::string path = PathOf("plain");
  const FilePortrait before = PortraitOf(path);
  ASSERT_EQ(::truncate(path.c_str(), 99'999), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  ASSERT_EQ(::setxattr(path.c_str(), "user.new", "", 0, 0), 0);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(AddFlags(fd.UnsafeFd(), FS_NODUMP_FL));
  EXPECT_EQ(Differences(before, PortraitOf(path)),
            "content; holes; mode; owner; mtime; attributes; flags; ");
}

TEST_P(RestoreMatrixTest, PrivilegesOnlyIfAsked) {
  for (const bool preserve : {false, true}) {
    SCOPED_TRACE(preserve);
    const std::string name = preserve ? "with" : "without";
    Make({name, 5000, [](int fd) {
            EXPECT_EQ(::fchmod(fd, 06755), 0);
            SetAttribute(fd, "security.capability", kCapability);
          }});
    const std::string path = PathOf(name);
    FilePortrait expected = PortraitOf(path);
    ASSERT_EQ(expected.mode & 07777U, 06755U);
    const auto restored = RestoreTo("", Isolate(path), preserve);
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_THAT(restored->not_given_back, IsEmpty());
    if (!preserve) {
      expected.mode &= ~06000U;
      expected.attributes.erase("security.capability");
    }
    EXPECT_EQ(Differences(expected, PortraitOf(path)), "");
  }
}

TEST_P(RestoreMatrixTest, OneOfSeveralNamesIsGivenBack) {
  Make({"plain", 5000, [](int) {}});
  const std::string path = PathOf("plain");
  ASSERT_EQ(::link(path.c_str(), PathOf("other").c_str()), 0);
  const FilePortrait before = PortraitOf(path);
  const auto restored = RestoreTo("", Isolate(path));
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THAT(restored->not_given_back, ElementsAre("hard links"));
  EXPECT_EQ(Differences(before, PortraitOf(path)), "");
  EXPECT_TRUE(IsExempt(path));
  EXPECT_FALSE(IsExempt(PathOf("other"))) << "another file of that content";
}

TEST_P(RestoreMatrixTest, ACopyIsNotExempt) {
  Make({"plain", 5000, [](int) {}});
  const std::string path = PathOf("plain");
  ASSERT_TRUE(RestoreTo("", Isolate(path)));
  std::filesystem::copy(path, PathOf("copy"));
  EXPECT_FALSE(IsExempt(PathOf("copy")));
  // Removed and made anew: perhaps with the same number.
  ASSERT_TRUE(std::filesystem::remove(path));
  std::filesystem::copy(PathOf("copy"), path);
  EXPECT_FALSE(IsExempt(path));
}

INSTANTIATE_TEST_SUITE_P(, RestoreMatrixTest,
                         testing::Values("ext4", "xfs", "btrfs", "tmpfs"),
                         [](const auto& tested) {
                           return std::string(tested.param);
                         });

// Content is given back even where the rest cannot be, and what is missing is
// named.
class RestoreElsewhereTest : public RestoreMatrixTest {};

TEST_P(RestoreElsewhereTest, WhatTheDestinationDoesNotTakeIsNamed) {
  Make({"plain", 5000, [](int fd) {
          TryProject(fd, 42);
          SetFlags(fd, FS_SYNC_FL);
          SetAttribute(fd, "user.comment", "of its owner");
        }});
  const FileSystemImage destination("tmpfs");
  const FilePortrait before = PortraitOf(PathOf("plain"));
  const auto restored = RestoreTo(destination.path(), Isolate(PathOf("plain")));
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THAT(restored->not_given_back, ElementsAre("inode flags", "project"));
  EXPECT_EQ(Differences(before, PortraitOf(restored->path)),
            "flags; project; ");
}

INSTANTIATE_TEST_SUITE_P(, RestoreElsewhereTest, testing::Values("xfs"),
                         [](const auto& tested) {
                           return std::string(tested.param);
                         });

}  // namespace
}  // namespace gatehouse
