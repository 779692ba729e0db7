// Random lines of signature files, and contents that they are likely to match
// or just not to match.
//
// Thread-compatible. Owns its dice: one seed is one case on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/engine/matching/production_matcher.h"
#include "tests/signatures/oracle/signature_maker.h"
#include "tests/signatures/oracle/slow_matcher.h"

namespace gatehouse {

class CaseMaker {
 public:
  explicit CaseMaker(uint64_t seed) : maker_(seed) {}

  // Also malformed lines, lines for other levels and slightly changed ones.
  std::vector<MatchingLine> MakeLines(size_t count);
  // 0 bytes to a few KiB.
  oracle::Subject MakeSubject(const std::vector<oracle::Signature>& signatures);
  // 200 to 800 KiB, with something to find around the places where the blocks
  // of a Scanner, of `block_bytes` bytes, meet.
  oracle::Subject MakeLargeSubject(
      const std::vector<oracle::Signature>& signatures, size_t block_bytes);

  oracle::Dice& dice() { return maker_.dice(); }

 private:
  MatchingLine MakeLine(const std::string& name);
  std::string MakeSpecialLogical(const std::string& name);
  std::string MakeByteCompare(size_t index);
  // With literals longer than a trigger, and with wide gaps.
  std::string MakeLongPattern(bool negations);
  std::string Changed(std::string text);

  // Parts of patterns, whole ones, and what stands between them.
  std::string MakeSoup(const std::vector<oracle::Signature>& signatures);
  std::string MakePiece(const std::vector<oracle::Signature>& signatures);
  oracle::Subject MakePlain(const std::vector<oracle::Signature>& signatures);
  oracle::Subject MakeExecutable(
      const std::vector<oracle::Signature>& signatures);

  oracle::SignatureMaker maker_;
};

}  // namespace gatehouse
