// IsolationAttack: isolations of one malicious file after another, in a
// directory whose owner is an Attacker, and the judge of what became of
// everything else there.
//
// Thread-compatible. Needs root.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/quarantine/attacker.h"
#include "tests/quarantine/isolation_world.h"
#include "tests/quarantine/watched_file_operations.h"

namespace gatehouse {

enum class AttackKind : uint8_t {
  kLeafSwap,       // RENAME_EXCHANGE with innocent files.
  kDirectorySwap,  // The directory, with a link to a foreign one.
  kHardLinkSwap,   // A link of the malicious file, with an innocent file.
  kReCreation,     // New innocent files under the name.
};

struct AttackTally {
  uint64_t trials = 0;
  uint64_t isolated = 0;
  uint64_t at_first_attempt = 0;
  uint64_t left_in_place = 0;  // "Its name kept changing".
  uint64_t wrong_captures = 0;
  uint64_t innocent_lost = 0;
  uint64_t innocent_altered = 0;
  uint64_t malicious_lost = 0;
  uint64_t left_over = 0;  // In the vault or as directories in the place.
  uint64_t attacker_turns = 0;

  std::string Text() const;
};

// Counts captures and puts back.
class CapturesCounted : public WatchedFileOperations {
 public:
  using WatchedFileOperations::WatchedFileOperations;
  Result<bool> Rename(int from_directory, const std::string& from,
                      int to_directory, const std::string& to) override;
  static bool IsCaptured(const std::string& name);

  uint64_t captures = 0;
  uint64_t put_back = 0;
};

// The control: believes paths, and takes what it finds there for what was
// meant.
class CapturesTrusted : public CapturesCounted {
 public:
  using CapturesCounted::CapturesCounted;
  Result<UniqueFd> OpenDirectory(const std::string& path) override;
  Result<FileFacts> IdentityIn(int directory, const std::string& name) override;

  FileFacts meant;
};

class IsolationAttack {
 public:
  IsolationAttack(AttackKind kind, IsolationWorld::Mounts mounts);
  ~IsolationAttack();
  IsolationAttack(const IsolationAttack&) = delete;
  IsolationAttack& operator=(const IsolationAttack&) = delete;

  AttackTally Run(uint64_t trials);
  // With CapturesTrusted, until an innocent file is lost or so many trials.
  AttackTally RunTrustingUntilALoss(uint64_t trials_max);

 private:
  struct Innocent {
    std::string home;
    std::string content;
    ino_t inode = 0;
  };
  struct Malicious {
    UniqueFd path_fd;  // O_PATH: nobody's use of it.
    ino_t inode = 0;
  };

  AttackTally RunWith(CapturesCounted& files, CapturesTrusted* trusted,
                      uint64_t trials);
  void MakeScene();
  Attacker::Turn TurnOf() const;
  std::vector<std::string> MaliciousNames() const;
  void MakeInnocent(Innocent& innocent, int directory);
  void PutMalicious();
  bool LinkMalicious(int fd);
  UniqueFd OpenMalicious();
  void Trial(Isolator& isolator, Vault& vault, CapturesCounted& files);
  void JudgeMalicious(Vault& vault, const Isolation& isolation, int hit);
  // While the attacker pauses.
  void Judge();
  std::map<ino_t, std::string> Listing(int directory) const;
  void JudgeInnocents(int directory, std::vector<Innocent>& innocents);
  void JudgeCreated();
  void FreeHomes();
  void BringMaliciousHome();

  const AttackKind kind_;
  IsolationWorld world_;
  UniqueFd attacked_;  // Holds `dir`, `link` and `other`.
  UniqueFd dir_;
  UniqueFd other_;
  UniqueFd foreign_;
  std::vector<Innocent> innocents_;
  std::vector<Innocent> in_other_;
  std::vector<Innocent> in_foreign_;
  std::optional<Malicious> malicious_;
  AttackTally tally_;
  std::unique_ptr<Attacker> attacker_;
};

}  // namespace gatehouse
