#include "tests/quarantine/isolation_attack.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <set>

namespace gatehouse {
namespace {

constexpr uint64_t kInnocents = 4;
constexpr uint64_t kTrialsBetweenJudgements = 50;
constexpr uint64_t kCreatedMax = 200;
constexpr int kPatience = 200;
const char *const kThreat = "threat", *const kAside = "aside";
const char* const kAlias = "alias";

std::string InnocentName(uint64_t index) {
  return "innocent-" + std::to_string(index);
}

std::string ThreatContent() { return MaliciousContent(100); }

ino_t InodeIn(int directory, const std::string& name) {
  struct stat facts = {};
  const int result =
      ::fstatat(directory, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW);
  return result == 0 ? facts.st_ino : 0;
}

nlink_t LinksOf(int fd) {
  struct stat facts = {};
  EXPECT_EQ(::fstat(fd, &facts), 0);
  return facts.st_nlink;
}

std::string ContentIn(int directory, const std::string& name) {
  const UniqueFd fd(::openat(directory, name.c_str(),
                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return fd.valid() ? ReadAll(fd.UnsafeFd()) : "unreadable";
}

UniqueFd MakeDirectoryOf(uid_t owner, int parent, const char* name) {
  EXPECT_EQ(::mkdirat(parent, name, 0755), 0) << name;
  UniqueFd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(::fchown(fd.UnsafeFd(), owner, owner), 0);
  return fd;
}

// What the attacker does; on failure there is a next turn.
void Move(int directory, const char* from, const char* to) {
  (void)::renameat2(directory, from, directory, to, RENAME_NOREPLACE);
}

void Exchange(int directory, const char* one, const char* other) {
  (void)::renameat2(directory, one, directory, other, RENAME_EXCHANGE);
}

void LinkAgain(int directory) {
  const int result = ::linkat(directory, kAlias, directory, kThreat, 0);
  (void)result;
}

void CreateInnocent(int directory, std::atomic<uint64_t>& created) {
  const uint64_t number = created.load();
  const UniqueFd fd(::openat(directory, kThreat,
                             O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd.valid()) return;
  const std::string text = "innocent " + std::to_string(number);
  if (::write(fd.UnsafeFd(), text.data(), text.size()) > 0) {
    created.store(number + 1);
  }
}

}  // namespace

std::string AttackTally::Text() const {
  const auto line = [](const char* what, uint64_t value) {
    return std::string(what) + " " + std::to_string(value);
  };
  return line("trials", trials) + line(", isolated", isolated) +
         line(", at first attempt", at_first_attempt) +
         line(", left in place", left_in_place) +
         line(", wrong captures undone", wrong_captures) +
         line(", innocent lost", innocent_lost) +
         line(", altered", innocent_altered) +
         line(", malicious lost", malicious_lost) +
         line(", left over", left_over) +
         line(", turns of the attacker", attacker_turns);
}

// --- File operations --------------------------------------------------------

bool CapturesCounted::IsCaptured(const std::string& name) {
  return name == "captured" || name.ends_with(".c");
}

Result<bool> CapturesCounted::Rename(int from_directory,
                                     const std::string& from, int to_directory,
                                     const std::string& to) {
  Result<bool> done =
      WatchedFileOperations::Rename(from_directory, from, to_directory, to);
  if (done && IsCaptured(to)) ++captures;
  if (done && IsCaptured(from)) ++put_back;
  return done;
}

Result<UniqueFd> CapturesTrusted::OpenDirectory(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) return fd;
  return FailSystem("open", errno);
}

Result<FileFacts> CapturesTrusted::IdentityIn(int directory,
                                              const std::string& name) {
  const Result<FileFacts> found = CapturesCounted::IdentityIn(directory, name);
  return found ? Result<FileFacts>(meant) : found;
}

// --- The scene --------------------------------------------------------------

IsolationAttack::IsolationAttack(AttackKind kind, IsolationWorld::Mounts mounts)
    : kind_(kind), world_(mounts) {
  LeaveAProcessorToTheAttacker();
  MakeScene();
  attacker_ = std::make_unique<Attacker>(TurnOf());
}

IsolationAttack::~IsolationAttack() = default;

// Beside the directory in which it happens: another one of the attacker's, and
// one of root's that only a link of his leads to.
void IsolationAttack::MakeScene() {
  const UniqueFd place(
      ::open(world_.place().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  attacked_ = MakeDirectoryOf(Attacker::kUser, place.UnsafeFd(), "attacked");
  foreign_ = MakeDirectoryOf(0, place.UnsafeFd(), "foreign");
  dir_ = MakeDirectoryOf(Attacker::kUser, attacked_.UnsafeFd(), "dir");
  other_ = MakeDirectoryOf(Attacker::kUser, attacked_.UnsafeFd(), "other");
  EXPECT_EQ(::symlinkat("../foreign", attacked_.UnsafeFd(), "link"), 0);
  in_foreign_ = {{kThreat, "a file of root's", 0}};
  in_other_ = {{kThreat, "a file of somebody's", 0}};
  MakeInnocent(in_foreign_.front(), foreign_.UnsafeFd());
  MakeInnocent(in_other_.front(), other_.UnsafeFd());
  if (kind_ == AttackKind::kDirectorySwap || kind_ == AttackKind::kReCreation) {
    return;
  }
  for (uint64_t i = 0; i < kInnocents; ++i) {
    innocents_.push_back(
        {InnocentName(i), "innocent content " + std::to_string(i), 0});
    MakeInnocent(innocents_.back(), dir_.UnsafeFd());
  }
}

void IsolationAttack::MakeInnocent(Innocent& innocent, int directory) {
  const UniqueFd fd(
      ::openat(directory, innocent.home.c_str(),
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  EXPECT_TRUE(fd.valid()) << innocent.home;
  EXPECT_EQ(
      ::write(fd.UnsafeFd(), innocent.content.data(), innocent.content.size()),
      static_cast<ssize_t>(innocent.content.size()));
  innocent.inode = InodeIn(directory, innocent.home);
}

// Nothing that the attacker does removes anything.
Attacker::Turn IsolationAttack::TurnOf() const {
  const int attacked = attacked_.UnsafeFd();
  const int dir = dir_.UnsafeFd();
  std::vector<std::string> names;
  for (uint64_t i = 0; i < kCreatedMax; ++i) {
    names.push_back(kind_ == AttackKind::kReCreation
                        ? "saved-" + std::to_string(i)
                        : InnocentName(i % kInnocents));
  }
  const auto turn = std::make_shared<uint64_t>(0);  // Of the copy, no set.
  switch (kind_) {
    case AttackKind::kLeafSwap:
      return [=](Attacker::Counts&) {
        Exchange(dir, kThreat, names[++*turn % kCreatedMax].c_str());
        Dawdle(*turn);
      };
    case AttackKind::kDirectorySwap:
      return [=](Attacker::Counts&) {
        Exchange(attacked, "dir", ++*turn % 4 < 2 ? "link" : "other");
      };
    case AttackKind::kHardLinkSwap:
      return [=](Attacker::Counts&) {
        const char* innocent = names[++*turn % kCreatedMax].c_str();
        LinkAgain(dir);
        Move(dir, kThreat, kAside);
        Move(dir, innocent, kThreat);
        Move(dir, kThreat, innocent);
        Move(dir, kAside, kThreat);
      };
    case AttackKind::kReCreation:
      return [=](Attacker::Counts& counts) {
        const uint64_t created = counts[0].load();
        const char* saved =
            names[created < kCreatedMax ? created : ++*turn % kCreatedMax]
                .c_str();
        Move(dir, kThreat, kAside);
        if (created < kCreatedMax) {
          CreateInnocent(dir, counts[0]);
        } else {
          Move(dir, saved, kThreat);
        }
        Move(dir, kThreat, saved);
        Move(dir, kAside, kThreat);
      };
  }
  return {};
}

std::vector<std::string> IsolationAttack::MaliciousNames() const {
  std::vector<std::string> names = {kThreat};
  if (kind_ == AttackKind::kLeafSwap) {
    for (uint64_t i = 0; i < kInnocents; ++i) names.push_back(InnocentName(i));
  } else if (kind_ != AttackKind::kDirectorySwap) {
    names.push_back(kAside);
  }
  return names;
}

// --- The malicious file -----------------------------------------------------

bool IsolationAttack::LinkMalicious(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  for (const std::string& name : MaliciousNames()) {
    if (::linkat(AT_FDCWD, path.c_str(), dir_.UnsafeFd(), name.c_str(),
                 AT_SYMLINK_FOLLOW) == 0) {
      return true;
    }
    EXPECT_EQ(errno, EEXIST);
  }
  return false;
}

void IsolationAttack::PutMalicious() {
  const std::string content = ThreatContent();
  const UniqueFd fd(
      ::openat(dir_.UnsafeFd(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644));
  EXPECT_EQ(::write(fd.UnsafeFd(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  EXPECT_EQ(::fchown(fd.UnsafeFd(), Attacker::kUser, Attacker::kUser), 0);
  bool is_linked = false;
  for (int i = 0; i < kPatience && !is_linked; ++i) {
    is_linked = LinkMalicious(fd.UnsafeFd());
  }
  if (!is_linked) {  // Each name is taken while he goes on.
    attacker_->Pause();
    Judge();
    is_linked = LinkMalicious(fd.UnsafeFd());
    attacker_->Go();
  }
  ASSERT_TRUE(is_linked);
  const std::string path = "/proc/self/fd/" + std::to_string(fd.UnsafeFd());
  if (kind_ == AttackKind::kHardLinkSwap) {
    (void)::unlinkat(dir_.UnsafeFd(), kAlias, 0);
    EXPECT_EQ(::linkat(AT_FDCWD, path.c_str(), dir_.UnsafeFd(), kAlias,
                       AT_SYMLINK_FOLLOW),
              0);
  }
  struct stat facts = {};
  EXPECT_EQ(::fstat(fd.UnsafeFd(), &facts), 0);
  malicious_.emplace();
  malicious_->inode = facts.st_ino;
  malicious_->path_fd.Reset(::open(path.c_str(), O_PATH | O_CLOEXEC));
}

// As an event does: by whatever name it has now.
UniqueFd IsolationAttack::OpenMalicious() {
  const auto open = [this](const std::string& name) {
    UniqueFd fd(::openat(dir_.UnsafeFd(), name.c_str(),
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat facts = {};
    const bool is_it = fd.valid() && ::fstat(fd.UnsafeFd(), &facts) == 0 &&
                       facts.st_ino == malicious_->inode;
    return is_it ? std::move(fd) : UniqueFd();
  };
  for (int i = 0; i < kPatience; ++i) {
    for (const std::string& name : MaliciousNames()) {
      UniqueFd fd = open(name);
      if (fd.valid()) return fd;
    }
  }
  attacker_->Pause();
  Judge();
  UniqueFd fd = open(Listing(dir_.UnsafeFd())[malicious_->inode]);
  attacker_->Go();
  return fd;
}

// A turn that was disturbed may leave a link of the malicious file under an
// innocent one's name, and that one under the other's for ever.
void IsolationAttack::FreeHomes() {
  if (kind_ != AttackKind::kHardLinkSwap || !malicious_) return;
  const int dir = dir_.UnsafeFd();
  for (const Innocent& innocent : innocents_) {
    if (InodeIn(dir, innocent.home) == malicious_->inode) {
      Move(dir, innocent.home.c_str(), "out-of-the-way");
    }
  }
  for (const Innocent& innocent : innocents_) {
    for (const char* name : {kThreat, kAside}) {
      if (InodeIn(dir, name) == innocent.inode) {
        Move(dir, name, innocent.home.c_str());
      }
    }
  }
  if (InodeIn(dir, "out-of-the-way") == 0) return;
  Move(dir, "out-of-the-way", kThreat);
  if (LinksOf(malicious_->path_fd.UnsafeFd()) > 1) {
    (void)::unlinkat(dir, "out-of-the-way", 0);
  }
}

void IsolationAttack::BringMaliciousHome() {
  if (!malicious_) return;
  const std::map<ino_t, std::string> found = Listing(dir_.UnsafeFd());
  const auto here = found.find(malicious_->inode);
  if (here == found.end()) {
    ++tally_.malicious_lost;
    malicious_.reset();
    return;
  }
  if (here->second == kAlias) {
    LinkAgain(dir_.UnsafeFd());
  } else {
    Move(dir_.UnsafeFd(), here->second.c_str(), kThreat);
  }
}

// --- Trials -----------------------------------------------------------------

// Sealed whole and gone, or in its place and not in the vault.
void IsolationAttack::JudgeMalicious(Vault& vault, const Isolation& isolation,
                                     int hit) {
  const std::string& id = isolation.header.id;
  if (isolation.status != ThreatStatus::kQuarantined) {
    ++tally_.left_in_place;
    if (LinksOf(hit) == 0) ++tally_.malicious_lost;
    if (vault.Contains(id)) ++tally_.left_over;
    return;
  }
  ++tally_.isolated;
  const UniqueFd copy(::memfd_create("copy", MFD_CLOEXEC));
  if (!vault.Unseal(id, copy.UnsafeFd()) ||
      ReadAll(copy.UnsafeFd()) != ThreatContent()) {
    ++tally_.malicious_lost;
  }
  EXPECT_TRUE(vault.Remove(id));
  if (LinksOf(hit) == 0) malicious_.reset();
}

void IsolationAttack::Trial(Isolator& isolator, Vault& vault,
                            CapturesCounted& files) {
  const UniqueFd hit = OpenMalicious();
  ASSERT_TRUE(hit.valid());
  ++tally_.trials;
  const uint64_t captures = files.captures;
  const uint64_t put_back = files.put_back;
  Isolation isolation = isolator.Isolate({hit.UnsafeFd(), "Test.Found", ""});
  // A look-up of the attacker's may have been taken for a use.
  while (isolation.captured) {
    std::optional<Isolation> end = isolator.Finish(*isolation.captured, false);
    if (end) isolation = std::move(*end);
  }
  JudgeMalicious(vault, isolation, hit.UnsafeFd());
  tally_.wrong_captures += files.put_back - put_back;
  if (files.captures - captures == 1 && files.put_back == put_back) {
    ++tally_.at_first_attempt;
  }
}

AttackTally IsolationAttack::Run(uint64_t trials) {
  LinuxFileOperations linux_files;
  CapturesCounted files(linux_files);
  return RunWith(files, nullptr, trials);
}

AttackTally IsolationAttack::RunTrustingUntilALoss(uint64_t trials_max) {
  LinuxFileOperations linux_files;
  CapturesTrusted files(linux_files);
  return RunWith(files, &files, trials_max);
}

AttackTally IsolationAttack::RunWith(CapturesCounted& files,
                                     CapturesTrusted* trusted,
                                     uint64_t trials) {
  LinuxFileOperations linux_files;
  const std::unique_ptr<Vault> vault = world_.OpenVault(files);
  Isolator isolator(*vault, TestScanner());
  tally_ = {};
  attacker_->Go();
  for (uint64_t i = 0; i < trials && !testing::Test::HasFatalFailure(); ++i) {
    if (!malicious_) PutMalicious();
    if (trusted != nullptr) {
      trusted->meant = *linux_files.Identity(malicious_->path_fd.UnsafeFd());
    }
    Trial(isolator, *vault, files);
    if (i % kTrialsBetweenJudgements != 0 && i + 1 != trials) continue;
    attacker_->Pause();
    Judge();
    if (trusted != nullptr && tally_.innocent_lost > 0) break;
    attacker_->Go();
  }
  attacker_->Pause();
  tally_.attacker_turns = attacker_->turns();
  return tally_;
}

// --- The judge --------------------------------------------------------------

std::map<ino_t, std::string> IsolationAttack::Listing(int directory) const {
  std::map<ino_t, std::string> listing;
  const int fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const stream = ::fdopendir(fd);
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") listing[entry->d_ino] = name;
  }
  EXPECT_EQ(::closedir(stream), 0);
  return listing;
}

// Each under a name that is its own, that somebody gave it, or that says that
// it was put back; what is lost is made anew, for what comes.
void IsolationAttack::JudgeInnocents(int directory,
                                     std::vector<Innocent>& innocents) {
  const std::map<ino_t, std::string> found = Listing(directory);
  for (Innocent& innocent : innocents) {
    const auto here = found.find(innocent.inode);
    if (here == found.end()) {
      ++tally_.innocent_lost;
      continue;
    }
    const std::string& name = here->second;
    if (ContentIn(directory, name) != innocent.content) {
      ++tally_.innocent_altered;
    }
    if (name.find(".restored-") == std::string::npos) continue;
    Move(directory, name.c_str(), innocent.home.c_str());
    for (const std::string& free : MaliciousNames()) {
      Move(directory, name.c_str(), free.c_str());
    }
  }
  for (Innocent& innocent : innocents) {
    if (found.contains(innocent.inode)) continue;
    innocent.home = InodeIn(directory, innocent.home) == 0
                        ? innocent.home
                        : innocent.home + "'";
    MakeInnocent(innocent, directory);
  }
}

// Each innocent file that was made is there once, and whole; then they go.
void IsolationAttack::JudgeCreated() {
  const int dir = dir_.UnsafeFd();
  std::set<std::string> contents;
  for (const auto& [inode, name] : Listing(dir)) {
    if (malicious_ && inode == malicious_->inode) continue;
    const std::string content = ContentIn(dir, name);
    if (!contents.insert(content).second ||
        content.rfind("innocent ", 0) != 0) {
      ++tally_.innocent_altered;
    }
    EXPECT_EQ(::unlinkat(dir, name.c_str(), 0), 0) << name;
  }
  const uint64_t created = attacker_->TakeCount(0);
  if (contents.size() < created) {
    tally_.innocent_lost += created - contents.size();
  }
}

void IsolationAttack::Judge() {
  for (const auto& [inode, name] : Listing(dir_.UnsafeFd())) {
    if (name.rfind(".gatehouse-", 0) != 0) continue;
    ++tally_.left_over;
    EXPECT_EQ(::unlinkat(dir_.UnsafeFd(), name.c_str(), AT_REMOVEDIR), 0);
  }
  tally_.left_over += world_.InStage().size();
  FreeHomes();
  if (kind_ == AttackKind::kReCreation) {
    JudgeCreated();
  } else {
    JudgeInnocents(dir_.UnsafeFd(), innocents_);
  }
  JudgeInnocents(other_.UnsafeFd(), in_other_);
  JudgeInnocents(foreign_.UnsafeFd(), in_foreign_);
  BringMaliciousHome();
}

}  // namespace gatehouse
