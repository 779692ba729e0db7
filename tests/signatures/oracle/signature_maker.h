// Random lines of every database format: valid, malformed, for other levels.
//
// Thread safety: thread-compatible. Ownership: owns its dice.
//
// The same seed gives the same lines on every machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/signatures/oracle/dice.h"

namespace gatehouse::oracle {

struct MadeLine {
  std::string text;
  // Empty: valid. Otherwise the class of what is wrong, such as "odd-digits".
  std::string reason;
  // For a line with a digest: the bytes that it is the digest of. For .imp
  // lines these are the import text, for .mdb and .msb those of a section.
  std::optional<std::string> content;
};

class SignatureMaker {
 public:
  explicit SignatureMaker(uint64_t seed) : dice_(seed) {}

  // Extensions without their dots.
  static const std::vector<std::string>& Extensions();

  MadeLine Make(std::string_view extension, std::string_view name);
  MadeLine MakeMalformed(std::string_view extension, std::string_view name);
  // Well formed, but for functionality levels from `level + 1` on, or up to
  // `level - 1`. None for formats that know no levels (.db, .ign, .ign2).
  std::optional<MadeLine> MakeForOtherLevel(std::string_view extension,
                                            std::string_view name,
                                            uint64_t level);
  // The classes of MakeMalformed for a format.
  static std::vector<std::string> MalformedReasons(std::string_view extension);

  Dice& dice() { return dice_; }

 private:
  MadeLine MakeHash(std::string_view extension, const std::string& name);
  std::string MakeNdb(const std::string& name);
  std::string MakeLdb(const std::string& name, const std::string& engine);
  std::string MakeLdbSubsignature(size_t index, int target);
  std::string MakeContainer(const std::string& name);
  std::string MakeMagic(const std::string& name);

  Dice dice_;
};

}  // namespace gatehouse::oracle
