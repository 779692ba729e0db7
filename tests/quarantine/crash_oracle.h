// CrashOracle: is everything still there, exactly once, and does everybody say
// so, after a program was killed or the power was cut?
//
// Knows the product by what the driver reports of it, and believes only what it
// compares with the file that was there before. Thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/quarantine/crash_world.h"

namespace gatehouse {

enum class Operation : uint8_t { kFirstStart, kIsolate, kRestore, kRemove };
[[nodiscard]] std::string OperationName(Operation operation);

// What a recovery leaves.
struct Settled {
  TreeSight place;
  std::vector<std::string> vault_names;
  std::string key;
  std::vector<std::vector<std::string>> lines;  // Of the report, by fields.

  bool operator==(const Settled&) const = default;
};

class CrashOracle {
 public:
  // The world must outlive it.
  CrashOracle(const CrashWorld& world, FileKind kind, Operation operation)
      : world_(world), kind_(kind), operation_(operation) {}

  // Makes the state the operation starts from, on disk; returns the words for
  // the driver.
  std::vector<std::string> Prepare();
  // Lets a new process recover, and looks.
  [[nodiscard]] Settled Settle() const;
  // What is not as it must be; empty: all is well.
  [[nodiscard]] std::string Wrongs(const Settled& settled) const;
  // The same, for an operation that was not disturbed.
  [[nodiscard]] std::string WrongsAtTheEnd(const Settled& settled) const;

 private:
  class Complaints;
  struct Whereabouts {
    bool is_in_place = false;
    std::vector<std::string> ids;  // Of objects.
  };

  void CheckPlace(const Settled& settled, Whereabouts& found,
                  Complaints& complaints) const;
  void CheckFile(const FileSight& sight, Complaints& complaints) const;
  void CheckObject(const std::vector<std::string>& line, Whereabouts& found,
                   Complaints& complaints) const;
  void CheckVault(const Settled& settled, const Whereabouts& found,
                  Complaints& complaints) const;
  void CheckRecords(const Settled& settled, const Whereabouts& found,
                    Complaints& complaints) const;

  const CrashWorld& world_;
  const FileKind kind_;
  const Operation operation_;
  std::string key_;  // Empty: there was none.
};

}  // namespace gatehouse
