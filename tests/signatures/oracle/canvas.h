// A file in the making: some bytes are settled, others may still be written.
//
// Thread safety: thread-compatible. Ownership: owns its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/signatures/oracle/fragment.h"
#include "tests/signatures/oracle/pattern.h"

namespace gatehouse::oracle {

class Canvas {
 public:
  // `settled` has an entry for each byte; no fragment changes those bytes.
  Canvas(std::string bytes, std::vector<bool> settled, char filler);

  // Puts the fragment where its first part starts at the first place of
  // `window` at which it is in no one's way. False: there is none.
  bool Place(const Fragment& fragment, const StartWindow& window);
  // Behind or between what is there, but not before `first`.
  bool PlaceAnywhere(const Fragment& fragment, uint64_t first);
  // Fills up to `size`; false when that is too much.
  bool GrowTo(uint64_t size);

  const std::string& bytes() const { return bytes_; }
  // Bytes that fragments demand and the file's format does not.
  const std::vector<uint64_t>& demanded() const { return demanded_; }

  static constexpr uint64_t kFileBytesMax = 8 << 20;

 private:
  bool Fits(const Fragment& fragment, uint64_t start) const;
  bool IsFree(uint64_t first, uint64_t size) const;
  void Write(const Fragment& fragment, uint64_t start);

  std::string bytes_;
  std::vector<bool> settled_;
  char filler_ = '\0';
  std::vector<uint64_t> demanded_;
};

}  // namespace gatehouse::oracle
