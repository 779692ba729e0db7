// SignatureTextReader: turns the text of one signature file into signatures,
// line by line. A bad line costs only itself, and is reported.
//
// Thread-compatible. Borrows the Signatures and the LoadReport it fills, which
// must outlive it. Memory beyond the result: one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/load_report.h"
#include "signatures/signature_set.h"

namespace gatehouse {

// Without its line end. The limit of the format's first implementation.
inline constexpr size_t kLineBytesMax = 8191;

enum class SignatureFormat : uint8_t { kNdb, kHash };

// By the extension, whatever its case; nothing if it is none of ours.
[[nodiscard]] std::optional<SignatureFormat> FormatOfFile(
    std::string_view file_name);

// Everything that was loaded so far, from any number of files.
struct Signatures {
  std::vector<BodySignature> bodies;
  std::vector<HashSignature> hashes;
};

class SignatureTextReader {
 public:
  SignatureTextReader(std::string file_name, SignatureFormat format,
                      Signatures& signatures, LoadReport& report);
  SignatureTextReader(const SignatureTextReader&) = delete;
  SignatureTextReader& operator=(const SignatureTextReader&) = delete;

  // The next part of the file; parts may end anywhere.
  void Feed(std::string_view text);
  // Ends the last line, which may lack a line end, and adds the file to the
  // report. Call once.
  void Finish();

 private:
  void EndLine();
  void TakeLine(std::string_view line);
  void AddProblem(std::string reason);

  const SignatureFormat format_;
  Signatures& signatures_;
  LoadReport& report_;
  FileReport file_;
  uint64_t line_number_ = 0;
  std::string line_;           // The unfinished line, cut off at its limit.
  bool is_over_long_ = false;  // line_ was cut off.
};

}  // namespace gatehouse
