// SignatureTextReader: turns the text of one signature file into signatures,
// line by line. A bad line costs only itself, and is reported.
//
// Thread-compatible. Borrows the Signatures, the LoadReport and the IgnoreList
// it fills or asks, which must outlive it. Memory beyond the result: one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "signatures/clamav/ignore_list.h"
#include "signatures/clamav/signature_line.h"
#include "signatures/load_report.h"
#include "signatures/signatures.h"

namespace gatehouse {

// Without its line end. What the formats' first implementation takes of a
// logical signature; of the others it takes 8,191.
inline constexpr size_t kLineBytesMax = 32767;

enum class SignatureFormat : uint8_t {
  kNdb,
  kDb,
  kLdb,
  kHash,
  kSectionHash,
  kImportHash,
  kAllowedHash,
  kIgnore,
  kFileType,
  kArchiveEntry,  // Its lines are checked and counted, as the next one's.
  kArchivePassword,
  kLaterText,  // Its lines are counted: YARA rules.
  kNeverText,  // Its lines are counted: not planned.
  kContainer,  // Not text: a later version reads it.
};

struct FileFormat {
  SignatureFormat format = SignatureFormat::kNdb;
  bool is_about_unwanted = false;  // Potentially unwanted applications.
  std::string_view what;           // Of lines that are only counted.
};

// By the extension, whatever its case; nothing if it is none of ours.
[[nodiscard]] std::optional<FileFormat> FormatOfFile(
    std::string_view file_name);

struct LoadOptions {
  bool takes_unwanted = false;  // Potentially unwanted applications, too.
  // Hashes of malicious files and sections of any size, too: for them every
  // byte of every file is digested.
  bool takes_any_size_hashes = true;
};

class SignatureTextReader {
 public:
  struct Destination {
    Signatures& signatures;
    LoadReport& report;
    IgnoreList& ignored;  // Filled by files of kIgnore, asked for the others.
  };

  SignatureTextReader(std::string file_name, const FileFormat& format,
                      const LoadOptions& options, const Destination& to);
  SignatureTextReader(const SignatureTextReader&) = delete;
  SignatureTextReader& operator=(const SignatureTextReader&) = delete;

  // The next part of the file; parts may end anywhere.
  void Feed(std::string_view text);
  // Ends the last line, which may lack a line end, and adds the file to the
  // report. Call once.
  void Finish();

 private:
  using Objection = std::variant<std::monostate, SkippedLine, MalformedLine>;

  void EndLine();
  void TakeLine(std::string_view line);
  Objection LoadLine(std::string_view line);
  Objection LoadHash(std::string_view line);
  Objection LoadBody(std::string_view line);
  Objection LoadMagic(std::string_view line);
  template <class Loaded, class List>
  Objection Keep(ParsedLine<Loaded> parsed, std::string_view line, List& list);
  void Count(const Objection& objection);
  void AddProblem(std::string reason);

  const FileFormat format_;
  const LoadOptions options_;
  const Destination to_;
  FileReport file_;
  uint64_t line_number_ = 0;
  std::string line_;           // The unfinished line, cut off at its limit.
  bool is_over_long_ = false;  // line_ was cut off.
};

}  // namespace gatehouse
