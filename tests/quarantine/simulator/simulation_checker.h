// SimulationChecker: says what must never be, from the disk and the history
// alone.
//
// Thread-compatible.
#pragma once

#include <string>
#include <vector>

#include "quarantine/threat_store.h"
#include "quarantine/vault.h"
#include "tests/quarantine/simulator/simulated_attacker.h"
#include "tests/quarantine/simulator/simulated_disk.h"
#include "tests/quarantine/simulator/simulated_files.h"

namespace gatehouse {

struct CheckedWorld {
  SimulatedDisk& disk;
  SimulatedFiles& files;
  const SimulatedAttacker& attacker;
  SimulatedDisk::Node state;
  SimulatedDisk::Node place;
  SimulatedDisk::Node target;
  Vault& vault;
  ThreatStore& store;
  bool removed_by_us = false;  // An administrator deleted it.
  bool had_faults = false;     // Calls that failed.
  // Staged objects that could not be read: their file was isolated again, by
  // another id.
  size_t unread_objects = 0;
};

// Nothing lost, nothing twice, nobody else's file touched, nothing left over,
// and the history says what is. Empty: all is well.
std::string WrongsOf(const CheckedWorld& world);

}  // namespace gatehouse
