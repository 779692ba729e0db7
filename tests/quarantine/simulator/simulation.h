// Simulation: one seed is one life of a malicious file on a simulated disk,
// with the production code that isolates, recovers, restores and removes it,
// an attacker, faults, deaths of the process and power cuts. Nothing in that
// code is there for the simulation; SimulationChecker decides.
//
// Thread-compatible: one at a time per process (seeded_getrandom).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "quarantine/isolator.h"
#include "quarantine/recovery.h"
#include "quarantine/restorer.h"
#include "quarantine/threat_store.h"
#include "quarantine/vault.h"
#include "tests/quarantine/simulator/simulated_attacker.h"
#include "tests/quarantine/simulator/simulated_disk.h"
#include "tests/quarantine/simulator/simulated_files.h"

namespace gatehouse {

// The real history of threats, in a real database: a transaction of it is
// durable or not there. Kept for many seeds, because making one is slow.
class SimulatedHistory {
 public:
  SimulatedHistory();
  ~SimulatedHistory();
  SimulatedHistory(const SimulatedHistory&) = delete;
  SimulatedHistory& operator=(const SimulatedHistory&) = delete;

  ThreatStore& store() { return *store_; }
  // Somebody deleted it, or it was found damaged.
  void Lose();
  // Before a seed.
  void StartSeed();

 private:
  const std::string directory_;
  size_t seeds_ = 0;
  size_t made_ = 0;
  std::unique_ptr<ThreatStore> store_;
};

struct SimulationOptions {
  uint64_t seed = 0;
  bool flushes = true;   // False: a control, must lose something.
  bool verifies = true;  // Likewise.
  bool tells = false;    // What happens, on standard output.
};

struct SimulationResult {
  std::string wrongs;  // Empty: all is well.
  uint64_t trace = 0;  // Of all calls: the same for the same seed.
  size_t calls = 0;
  size_t deaths = 0;
  size_t power_cuts = 0;
  bool is_isolated = false;
  bool is_restored = false;
};

class Simulation {
 public:
  Simulation(const SimulationOptions& options, SimulatedHistory& history);

  SimulationResult Run();

 private:
  // A process: what it opened, and what ends with it.
  struct Process;

  void MakeWorld();
  SimulatedFaults SomeFaults();
  void Live(bool is_first);
  void LiveInPeace();
  std::unique_ptr<Process> StartProcess();
  bool Recover(Process& process);
  void Isolate(Process& process);
  void FinishCaptured(Process& process, Isolation& isolation);
  void Record(Process& process, const Isolation& isolation);
  void RestoreOrRemove(Process& process);
  void Die();
  void Tell(const std::string& what) const;

  const SimulationOptions options_;
  SimulatedHistory& history_;
  SeededRandom random_;
  SeededRandom ids_;
  SimulatedDisk disk_;
  SimulatedFiles files_;
  SimulatedDisk::Node state_ = SimulatedDisk::kNone;
  SimulatedDisk::Node place_ = SimulatedDisk::kNone;
  SimulatedDisk::Node target_ = SimulatedDisk::kNone;
  std::optional<SimulatedAttacker> attacker_;
  size_t attack_rarity_ = 0;
  bool was_hurried_ = false;  // Finished while somebody had it open.
  bool had_faults_ = false;
  size_t unread_objects_ = 0;
  bool removed_by_us_ = false;
  SimulationResult result_;
};

}  // namespace gatehouse
