#include "signatures/clamav/signature_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "signatures/clamav/cdb_line.h"
#include "signatures/clamav/ftm_line.h"
#include "signatures/clamav/hash_line.h"
#include "signatures/clamav/ldb_line.h"
#include "signatures/clamav/ndb_line.h"
#include "signatures/clamav/pwdb_line.h"

namespace gatehouse {
namespace {

struct Extension {
  std::string_view text;
  FileFormat format;
};
using enum SignatureFormat;
constexpr std::array<Extension, 37> kExtensions = {{
    {".ndb", {kNdb, false, ""}},
    {".ndu", {kNdb, true, ""}},
    {".db", {kDb, false, ""}},
    {".ldb", {kLdb, false, ""}},
    {".ldu", {kLdb, true, ""}},
    {".hdb", {kHash, false, ""}},
    {".hsb", {kHash, false, ""}},
    {".hdu", {kHash, true, ""}},
    {".hsu", {kHash, true, ""}},
    {".mdb", {kSectionHash, false, ""}},
    {".msb", {kSectionHash, false, ""}},
    {".mdu", {kSectionHash, true, ""}},
    {".msu", {kSectionHash, true, ""}},
    {".imp", {kImportHash, false, ""}},
    {".fp", {kAllowedHash, false, ""}},
    {".sfp", {kAllowedHash, false, ""}},
    {".ign", {kIgnore, false, ""}},
    {".ign2", {kIgnore, false, ""}},
    {".cdb", {kArchiveEntry, false, "entries of archives (.cdb)"}},
    {".ftm", {kFileType, false, ""}},
    {".pwdb", {kArchivePassword, false, "passwords of archives (.pwdb)"}},
    {".sdb", {kNeverText, false, "self-protection (.sdb)"}},
    {".zmd", {kNeverText, false, "entries of archives (.zmd)"}},
    {".rmd", {kNeverText, false, "entries of archives (.rmd)"}},
    {".pdb", {kNeverText, false, "phishing (.pdb)"}},
    {".wdb", {kNeverText, false, "phishing (.wdb)"}},
    {".gdb", {kNeverText, false, "phishing (.gdb)"}},
    {".crb", {kNeverText, false, "signers (.crb)"}},
    {".idb", {kNeverText, false, "icons (.idb)"}},
    {".cfg", {kNeverText, false, "engine settings (.cfg)"}},
    {".cbc", {kNeverText, false, "bytecode (.cbc)"}},
    {".ioc", {kNeverText, false, "OpenIOC (.ioc)"}},
    {".yar", {kLaterText, false, "YARA rules (.yar)"}},
    {".yara", {kLaterText, false, "YARA rules (.yara)"}},
    {".cvd", {kContainer, false, "containers (.cvd)"}},
    {".cld", {kContainer, false, "containers (.cld)"}},
    {".cud", {kContainer, false, "containers (.cud)"}},
}};

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool EndsWithIgnoringCase(std::string_view text, std::string_view end) {
  if (text.size() < end.size()) return false;
  text.remove_prefix(text.size() - end.size());
  return std::equal(text.begin(), text.end(), end.begin(),
                    [](char a, char b) { return Lower(a) == Lower(b); });
}

// What is correct, but of no use until archives are opened.
template <class Parsed>
std::variant<std::monostate, SkippedLine, MalformedLine> ObjectionTo(
    const ParsedLine<Parsed>& parsed, std::string_view what) {
  if (const auto* wrong = std::get_if<MalformedLine>(&parsed)) return *wrong;
  if (const auto* skipped = std::get_if<SkippedLine>(&parsed)) return *skipped;
  return SkippedLine{"needs archives to be opened: " + std::string(what)};
}

}  // namespace

std::optional<FileFormat> FormatOfFile(std::string_view file_name) {
  for (const Extension& extension : kExtensions) {
    if (EndsWithIgnoringCase(file_name, extension.text)) {
      return extension.format;
    }
  }
  return std::nullopt;
}

SignatureTextReader::SignatureTextReader(std::string file_name,
                                         const FileFormat& format,
                                         const LoadOptions& options,
                                         const Destination& to)
    : format_(format), options_(options), to_(to) {
  file_.file = std::move(file_name);
}

void SignatureTextReader::Feed(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view part = text.substr(0, end);
    // Two bytes more than a line may have, for the CRs of its end.
    const size_t room = kLineBytesMax + 2 - line_.size();
    is_over_long_ = is_over_long_ || part.size() > room;
    line_ += part.substr(0, room);
    if (end == std::string_view::npos) return;
    EndLine();
    text.remove_prefix(end + 1);
  }
}

void SignatureTextReader::Finish() {
  if (!line_.empty()) EndLine();
  to_.report.files.push_back(std::move(file_));
}

void SignatureTextReader::EndLine() {
  ++line_number_;
  std::string_view line = line_;
  while (line.ends_with('\r')) line.remove_suffix(1);
  is_over_long_ = is_over_long_ || line.size() > kLineBytesMax;
  const bool is_comment = line_.starts_with('#');
  const bool is_empty = line.empty() && !is_over_long_;
  if (!is_comment && !is_empty) TakeLine(line);
  line_.clear();
  is_over_long_ = false;
}

void SignatureTextReader::TakeLine(std::string_view line) {
  ++file_.counts.lines;
  if (is_over_long_) {
    Count(MalformedLine{"line longer than " + std::to_string(kLineBytesMax) +
                        " bytes"});
  } else if (line.find('\0') != std::string_view::npos) {
    Count(MalformedLine{"line contains a NUL byte"});
  } else {
    Count(LoadLine(line));
  }
}

void SignatureTextReader::Count(const Objection& objection) {
  LineCounts& counts = file_.counts;
  if (const auto* wrong = std::get_if<MalformedLine>(&objection)) {
    ++counts.malformed;
    AddProblem(wrong->reason);
    return;
  }
  const auto* skipped = std::get_if<SkippedLine>(&objection);
  if (skipped == nullptr) {
    ++counts.loaded;
    return;
  }
  switch (skipped->kind) {
    case SkipKind::kUnsupported:
      ++counts.unsupported;
      ++file_.unsupported[skipped->reason];
      return;
    case SkipKind::kLevel:
      ++counts.level;
      return;
    case SkipKind::kIgnored:
      ++counts.ignored;
      return;
    case SkipKind::kUnwanted:
      ++counts.unwanted;
      return;
    case SkipKind::kSwitchedOff:
      ++counts.switched_off;
      return;
  }
}

template <class Loaded, class List>
SignatureTextReader::Objection SignatureTextReader::Keep(
    ParsedLine<Loaded> parsed, std::string_view line, List& list) {
  if (auto* wrong = std::get_if<MalformedLine>(&parsed)) return *wrong;
  if (auto* skipped = std::get_if<SkippedLine>(&parsed)) return *skipped;
  auto& loaded = std::get<Loaded>(parsed);
  if (to_.ignored.Includes(loaded.name, line)) {
    return SkippedLine{"ignored by name", SkipKind::kIgnored};
  }
  if (format_.is_about_unwanted && !options_.takes_unwanted) {
    return SkippedLine{"potentially unwanted", SkipKind::kUnwanted};
  }
  list.push_back(std::move(loaded));
  return {};
}

SignatureTextReader::Objection SignatureTextReader::LoadHash(
    std::string_view line) {
  Signatures& signatures = to_.signatures;
  HashLineKind kind = HashLineKind::kFile;
  std::vector<HashSignature>* destination = &signatures.hashes;
  if (format_.format == kSectionHash) {
    kind = HashLineKind::kSection;
    destination = &signatures.section_hashes;
  } else if (format_.format == kImportHash) {
    kind = HashLineKind::kImports;
    destination = &signatures.import_hashes;
  } else if (format_.format == kAllowedHash) {
    destination = &signatures.allowed_hashes;
  }
  const Objection objection =
      Keep(ParseHashLine(line, kind), line, *destination);
  const bool is_loaded = std::holds_alternative<std::monostate>(objection);
  if (!is_loaded || destination->back().size != kAnySize) return objection;
  // Of imports it costs nothing, and what is allowed is digested after a hit.
  const bool is_costly =
      format_.format == kHash || format_.format == kSectionHash;
  if (is_costly && !options_.takes_any_size_hashes) {
    destination->pop_back();
    return SkippedLine{"any-size hashes are switched off",
                       SkipKind::kSwitchedOff};
  }
  if (format_.format == kHash) ++to_.report.any_size_hashes;
  return objection;
}

SignatureTextReader::Objection SignatureTextReader::LoadBody(
    std::string_view line) {
  std::vector<Signature>& bodies = to_.signatures.bodies;
  if (format_.format == kNdb) return Keep(ParseNdbLine(line), line, bodies);
  if (format_.format == kDb) return Keep(ParseDbLine(line), line, bodies);
  return Keep(ParseLdbLine(line), line, bodies);
}

SignatureTextReader::Objection SignatureTextReader::LoadMagic(
    std::string_view line) {
  std::vector<TypeMagic>& magics = to_.signatures.magics;
  Objection objection = Keep(ParseFtmLine(line), line, magics);
  if (magics.size() <= kTypeMagicsMax) return objection;
  magics.pop_back();
  return SkippedLine{"not supported: more than " +
                     std::to_string(kTypeMagicsMax) + " file types (.ftm)"};
}

SignatureTextReader::Objection SignatureTextReader::LoadLine(
    std::string_view line) {
  switch (format_.format) {
    case kNdb:
    case kDb:
    case kLdb:
      return LoadBody(line);
    case kHash:
    case kSectionHash:
    case kImportHash:
    case kAllowedHash:
      return LoadHash(line);
    case kIgnore: {
      ParsedLine<IgnoreEntry> parsed = ParseIgnoreLine(line);
      if (auto* wrong = std::get_if<MalformedLine>(&parsed)) return *wrong;
      to_.ignored.Add(std::get<IgnoreEntry>(std::move(parsed)));
      return {};
    }
    case kFileType:
      return LoadMagic(line);
    case kArchiveEntry:
      return ObjectionTo(ParseCdbLine(line), format_.what);
    case kArchivePassword:
      return ObjectionTo(ParsePwdbLine(line), format_.what);
    case kLaterText:
    case kNeverText:
    case kContainer:
      return SkippedLine{"not supported: " + std::string(format_.what)};
  }
  return {};
}

void SignatureTextReader::AddProblem(std::string reason) {
  to_.report.AddProblem({file_.file, line_number_, std::move(reason)});
}

}  // namespace gatehouse
