#include "signatures/signature_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "signatures/hash_line.h"
#include "signatures/ndb_line.h"
#include "signatures/signature_line.h"

namespace gatehouse {
namespace {

struct Extension {
  std::string_view text;
  SignatureFormat format = SignatureFormat::kNdb;
};
constexpr std::array<Extension, 3> kExtensions = {{
    {".ndb", SignatureFormat::kNdb},
    {".hdb", SignatureFormat::kHash},
    {".hsb", SignatureFormat::kHash},
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

}  // namespace

std::optional<SignatureFormat> FormatOfFile(std::string_view file_name) {
  for (const Extension& extension : kExtensions) {
    if (EndsWithIgnoringCase(file_name, extension.text)) {
      return extension.format;
    }
  }
  return std::nullopt;
}

SignatureTextReader::SignatureTextReader(std::string file_name,
                                         SignatureFormat format,
                                         Signatures& signatures,
                                         LoadReport& report)
    : format_(format), signatures_(signatures), report_(report) {
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
  report_.files.push_back(std::move(file_));
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
  const auto take = [this](auto parsed, auto& loaded) {
    if (auto* wrong = std::get_if<MalformedLine>(&parsed)) {
      ++file_.counts.malformed;
      AddProblem(std::move(wrong->reason));
    } else if (auto* skipped = std::get_if<SkippedLine>(&parsed)) {
      ++file_.counts.skipped;
      AddProblem(std::move(skipped->reason));
    } else {
      ++file_.counts.loaded;
      loaded.push_back(std::get<0>(std::move(parsed)));
    }
  };
  if (is_over_long_ || line.find('\0') != std::string_view::npos) {
    ++file_.counts.malformed;
    AddProblem(is_over_long_ ? "line longer than " +
                                   std::to_string(kLineBytesMax) + " bytes"
                             : "line contains a NUL byte");
    return;
  }
  switch (format_) {
    case SignatureFormat::kNdb:
      take(ParseNdbLine(line), signatures_.bodies);
      return;
    case SignatureFormat::kHash:
      take(ParseHashLine(line), signatures_.hashes);
      return;
  }
}

void SignatureTextReader::AddProblem(std::string reason) {
  report_.AddProblem({file_.file, line_number_, std::move(reason)});
}

}  // namespace gatehouse
