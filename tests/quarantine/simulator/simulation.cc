#include "tests/quarantine/simulator/simulation.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <utility>

#include "base/time.h"
#include "engine/deny_list.h"
#include "tests/quarantine/simulator/seeded_getrandom.h"
#include "tests/quarantine/simulator/simulation_checker.h"

namespace gatehouse {
namespace {

using Order = SimulatedDisk::Order;
using Type = SimulatedDisk::Type;

constexpr size_t kSeedsPerHistory = 50;
constexpr size_t kCallsUsual = 120;  // About so many make a life.
constexpr size_t kLivesMax = 4;
constexpr uint32_t kImmutable = 0x10;  // FS_IMMUTABLE_FL.

}  // namespace

// --- History ----------------------------------------------------------------

// In memory where there is such a place: a transaction is believed to be
// durable, and flushing a disk ten thousand times takes minutes.
SimulatedHistory::SimulatedHistory()
    : directory_([] {
        std::string path =
            (std::filesystem::is_directory("/dev/shm") ? "/dev/shm/"
                                                       : testing::TempDir()) +
            std::string("gatehouse-simulator-XXXXXX");
        EXPECT_NE(::mkdtemp(path.data()), nullptr) << path;
        return path;
      }()) {
  Lose();
}

SimulatedHistory::~SimulatedHistory() {
  store_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void SimulatedHistory::Lose() {
  store_.reset();
  const auto path_of = [this](size_t number) {
    return directory_ + "/history-" + std::to_string(number);
  };
  std::error_code ignored;
  std::filesystem::remove_all(path_of(made_), ignored);
  const std::string path = path_of(++made_);
  EXPECT_EQ(::mkdir(path.c_str(), 0700), 0);
  Result<std::unique_ptr<ThreatStore>> store = ThreatStore::Open(path);
  EXPECT_TRUE(store.has_value());
  if (store) store_ = std::move(*store);
}

void SimulatedHistory::StartSeed() {
  if (++seeds_ % kSeedsPerHistory == 0) Lose();
  // What an earlier seed left in the vault is not there any more.
  const auto threats = store_->WithStatus(ThreatStatus::kQuarantined);
  if (!threats) return;
  for (const Threat& threat : *threats) {
    EXPECT_TRUE(store_
                    ->AddStatus(threat.id, ThreatStatus::kNotFound,
                                WallClockMilliseconds(), "")
                    .has_value());
  }
}

// --- The world --------------------------------------------------------------

struct Simulation::Process {
  std::unique_ptr<Vault> vault;
  std::optional<Isolator> isolator;
  std::optional<Exemptions> exemptions;
  std::optional<Restorer> restorer;
};

Simulation::Simulation(const SimulationOptions& options,
                       SimulatedHistory& history)
    : options_(options),
      history_(history),
      random_(options.seed),
      ids_(~options.seed),
      disk_(random_.OneIn(2) ? Order::kJournal : Order::kPerDirectory,
            random_.Next()),
      files_(disk_, random_) {}

void Simulation::MakeWorld() {
  const uint64_t place_device = random_.OneIn(2) ? 1 : 2;
  state_ = disk_.Create(Type::kDirectory, 1, 0700, ::geteuid());
  place_ = disk_.Create(Type::kDirectory, place_device, 0777, 1000);
  disk_.Link(SimulatedDisk::kRoot, "state", state_);
  disk_.Link(SimulatedDisk::kRoot, "place", place_);
  std::array<SimulatedDisk::Node, 2> directories = {};
  for (size_t i = 0; i < directories.size(); ++i) {
    directories.at(i) =
        disk_.Create(Type::kDirectory, place_device, 0777, 1000);
    disk_.Link(place_, i == 0 ? "one" : "two", directories.at(i));
  }
  const auto put = [&](SimulatedDisk::Node directory, const char* name,
                       const std::string& content) {
    const auto node = disk_.Create(Type::kFile, place_device, 0644, 1000);
    disk_.Write(node, 0, content);
    disk_.Link(directory, name, node);
    return node;
  };
  const std::string holes(random_.Below(3) * 40, '\0');
  target_ = put(directories[0], "target",
                "malicious" + holes + std::string(random_.Below(30), 'x'));
  if (random_.OneIn(6)) disk_.Link(directories[1], "link", target_);
  const std::array innocents = {put(directories[0], "neighbour", "innocent 1"),
                                put(directories[1], "target", "innocent 2"),
                                put(place_, "another", "innocent 3")};
  if (random_.OneIn(8)) disk_.AttributesOf(target_).inode_flags = kImmutable;
  disk_.FlushAll();
  attacker_.emplace(disk_, random_, place_, target_);
  for (const auto node : innocents) attacker_->AddInnocent(node);
  attack_rarity_ = random_.OneIn(3) ? 0 : 1 + random_.Below(30);
  files_.set_attacker([this] { attacker_->MayAct(attack_rarity_); });
  files_.set_in_use(
      [this](SimulatedDisk::Node node) { return attacker_->IsUsing(node); });
  if (options_.tells) {
    const auto tell = [this](const std::string& what) { Tell(what); };
    files_.set_story(tell);
    attacker_->set_story(tell);
    Tell(disk_.Listing());
  }
  files_.set_flushes(options_.flushes);
  files_.set_verifies(options_.verifies);
  if (random_.OneIn(8)) files_.set_lie(target_, "/place/two/target");
}

SimulatedFaults Simulation::SomeFaults() {
  SimulatedFaults faults;
  faults.short_transfers = random_.OneIn(3);
  faults.interrupts = random_.OneIn(3);
  if (random_.OneIn(2)) faults.die_at = 1 + random_.Below(kCallsUsual);
  if (random_.OneIn(2)) return faults;
  constexpr std::array kErrors = {EIO, ENOSPC, EROFS, EDQUOT, ENOMEM, EINTR};
  faults.fail_at = 1 + random_.Below(kCallsUsual);
  faults.error_number = kErrors.at(random_.Below(kErrors.size()));
  faults.failures = random_.OneIn(2) ? 1 : 1 + random_.Below(100);
  if (random_.OneIn(2)) faults.device = 1 + random_.Below(2);
  had_faults_ = true;
  return faults;
}

// --- A process --------------------------------------------------------------

std::unique_ptr<Simulation::Process> Simulation::StartProcess() {
  auto process = std::make_unique<Process>();
  Result<std::unique_ptr<Vault>> vault = Vault::Open("/state", files_);
  if (!vault) return nullptr;  // Refused: nothing is isolated.
  process->vault = std::move(*vault);
  process->isolator.emplace(
      *process->vault, [this](int fd, const ScanLimits& /*limits*/) {
        const std::string& content = disk_.ContentOf(files_.NodeOf(fd));
        if (content.starts_with("malicious")) {
          return Verdict::Infected("Test.Simulated");
        }
        Verdict clean;
        clean.kind = VerdictKind::kClean;
        return clean;
      });
  process->exemptions.emplace(files_);
  process->restorer.emplace(
      Restorer::Parts{*process->vault, history_.store(), *process->exemptions});
  return process;
}

// False: nothing is isolated, as it is with the daemon.
bool Simulation::Recover(Process& process) {
  (void)process.restorer->Recover();  // What failed is tried again.
  DenyList deny_list;
  Result<Unfinished> unfinished = FindUnfinished(*process.vault, deny_list);
  if (!unfinished) return false;
  unread_objects_ += unfinished->problems.size();
  for (UnfinishedIsolation& one : unfinished->isolations) {
    // The deny list needs a real file, and there is none.
    Isolation isolation = process.isolator->Resume(
        one.header, std::move(one.file),
        OtherObjectsOf(*process.vault, history_.store(), one.header));
    Record(process, isolation);
    if (isolation.captured) FinishCaptured(process, isolation);
  }
  const auto reconciled = Reconcile(*process.vault, history_.store());
  if (!reconciled && !had_faults_) {
    result_.wrongs += "reconcile: " + reconciled.error().message + "; ";
  }
  return true;
}

// As the remediator does it.
void Simulation::Record(Process& /*process*/, const Isolation& isolation) {
  Tell(std::string("isolation: ") +
       std::string(ThreatStatusWord(isolation.status)) + " " +
       isolation.detail);
  if (isolation.is_known_otherwise) return;
  Threat threat = ThreatOf(isolation.header);
  threat.history.push_back(
      {WallClockMilliseconds(), isolation.status, isolation.detail});
  const auto recorded =
      history_.store().Record(threat, FileKey(isolation.header.file));
  EXPECT_TRUE(recorded.has_value());
  if (isolation.status == ThreatStatus::kQuarantined) {
    result_.is_isolated = true;
  }
}

void Simulation::FinishCaptured(Process& process, Isolation& isolation) {
  for (int i = 0; i < 3; ++i) {
    const auto end = process.isolator->Finish(*isolation.captured, false);
    if (end) {
      if (end->status != ThreatStatus::kQuarantined) Record(process, *end);
      return;
    }
    attacker_->MayAct(attack_rarity_ == 0 ? 0 : 2);
  }
  const auto end = process.isolator->Finish(*isolation.captured, true);
  if (end && end->status != ThreatStatus::kQuarantined) Record(process, *end);
}

void Simulation::Isolate(Process& process) {
  const FileFacts facts = disk_.FactsOf(target_);
  if (facts.nlink == 0) {
    // Somebody has it open, and nobody isolated it.
    const auto known = history_.store().IdsOf(FileKey(facts));
    if (!attacker_->IsUsing(target_) || !known || !known->empty()) return;
  }
  if (!disk_.ContentOf(target_).starts_with("malicious")) return;
  const UniqueFd fd = files_.OpenNode(target_);
  const auto id =
      history_.store().UnfinishedOf(FileKey(disk_.FactsOf(target_)));
  Isolation isolation = process.isolator->Isolate(
      {fd.UnsafeFd(), "Test.Simulated", "", id.value_or("")});
  Record(process, isolation);
  if (isolation.captured) FinishCaptured(process, isolation);
}

void Simulation::RestoreOrRemove(Process& process) {
  if (random_.OneIn(2)) return;
  const auto ids = process.vault->PublishedIds();
  if (!ids || ids->empty()) return;
  const std::string& id = ids->front();
  if (random_.OneIn(4)) {
    removed_by_us_ = true;  // Even if it is cut short.
    (void)process.restorer->Remove(id);
    return;
  }
  UniqueFd destination;
  if (random_.OneIn(2)) {
    const auto two = disk_.Lookup(place_, "two");
    if (two != SimulatedDisk::kNone) destination = files_.OpenNode(two);
  }
  const auto restored = process.restorer->Restore(
      id, std::move(destination), {.preserve_privileges = random_.OneIn(2)});
  Tell(restored ? "restored to " + restored->path : restored.error().message);
  if (restored) result_.is_restored = true;
}

// --- Lives ------------------------------------------------------------------

void Simulation::Tell(const std::string& what) const {
  if (options_.tells) std::cout << what << std::endl;
}

void Simulation::Die() {
  ++result_.deaths;
  attacker_->TakeStock();
  if (random_.OneIn(2)) {
    Tell("killed");
    return;  // The kernel lives on.
  }
  ++result_.power_cuts;
  attacker_->Die();
  disk_.CutPower(random_);
  attacker_->TakeStock();
  Tell("power cut; now:\n" + disk_.Listing());
  if (random_.OneIn(8)) history_.Lose();
}

void Simulation::Live(bool is_first) {
  files_.set_faults(SomeFaults());
  std::unique_ptr<Process> process;
  try {
    process = StartProcess();
    if (process == nullptr) return;
    if (!Recover(*process)) return;
    if (is_first || random_.OneIn(2)) Isolate(*process);
    RestoreOrRemove(*process);
  } catch (const ProcessDied&) {
    Die();
  }
  result_.calls += files_.calls();
}

// Nobody disturbs, nothing fails; twice, because once must be enough. Of two
// objects of one file, the second one says what becomes of the first.
void Simulation::LiveInPeace() {
  files_.set_faults({});
  files_.set_attacker({});
  attacker_->CloseTarget();
  std::string listing;
  const int settled = unread_objects_ == 0 ? 1 : 2;
  for (int i = 0; i <= settled; ++i) {
    const std::unique_ptr<Process> process = StartProcess();
    if (process == nullptr) {
      result_.wrongs += "the vault cannot be opened; ";
      return;
    }
    (void)Recover(*process);
    if (i == settled && disk_.Listing() != listing) {
      result_.wrongs += "recovered twice is not recovered once; ";
    }
    listing = disk_.Listing();
    if (i != settled) continue;
    result_.wrongs += WrongsOf({disk_, files_, *attacker_, state_, place_,
                                target_, *process->vault, history_.store(),
                                removed_by_us_, had_faults_, unread_objects_});
  }
}

SimulationResult Simulation::Run() {
  seeded_getrandom = &ids_;
  history_.StartSeed();
  MakeWorld();
  const size_t lives = 1 + random_.Below(kLivesMax);
  for (size_t life = 0; life < lives; ++life) Live(life == 0);
  LiveInPeace();
  result_.trace = files_.trace();
  seeded_getrandom = nullptr;
  return result_;
}

}  // namespace gatehouse
