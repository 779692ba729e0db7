// Fuzzes the reader of signature text. The first byte chooses the format and
// how the text is cut into parts, the rest is the text.
//
// Asserts that the report adds up, that the cuts do not matter, and that every
// loaded signature is what a slow parser that shares no code finds in its line.
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/signature_text.h"

namespace {

using gatehouse::BodySignature;
using gatehouse::HashSignature;
using gatehouse::LineCounts;
using gatehouse::LoadReport;
using gatehouse::SignatureFormat;
using gatehouse::Signatures;

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

struct Loaded {
  Signatures signatures;
  LoadReport report;
};

Loaded Load(std::string_view text, SignatureFormat format, size_t part_bytes) {
  Loaded loaded;
  gatehouse::SignatureTextReader reader("fuzz", format, loaded.signatures,
                                        loaded.report);
  for (; text.size() > part_bytes; text.remove_prefix(part_bytes)) {
    reader.Feed(text.substr(0, part_bytes));
  }
  reader.Feed(text);
  reader.Finish();
  return loaded;
}

// The slow parser: the lines and fields of a text, by the standard library.
std::vector<std::vector<std::string>> SlowFields(std::string_view text) {
  std::vector<std::vector<std::string>> lines;
  std::istringstream input{std::string(text)};
  std::string line;
  while (std::getline(input, line)) {
    while (!line.empty() && line.back() == '\r') line.pop_back();
    std::vector<std::string> fields;
    std::istringstream fields_input{line};
    std::string field;
    while (std::getline(fields_input, field, ':')) fields.push_back(field);
    lines.push_back(fields);
  }
  return lines;
}

std::string SlowHex(const uint8_t* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    char digits[3] = {};
    (void)std::snprintf(digits, sizeof(digits), "%02x", unsigned{bytes[i]});
    text += digits;
  }
  return text;
}

std::string LowerCase(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

std::string WithoutLeadingZeros(const std::string& number) {
  const size_t first = number.find_first_not_of('0');
  return first == std::string::npos ? "0" : number.substr(first);
}

bool Agrees(const BodySignature& signature,
            const std::vector<std::string>& fields) {
  if (fields.size() < 4 || fields[0] != signature.name) return false;
  const std::string offset = signature.offset == gatehouse::kAnyOffset
                                 ? "*"
                                 : std::to_string(signature.offset);
  const std::string listed =
      fields[2] == "*" ? "*" : WithoutLeadingZeros(fields[2]);
  return listed == offset &&
         LowerCase(fields[3]) ==
             SlowHex(signature.literal.data(), signature.literal.size());
}

bool Agrees(const HashSignature& signature,
            const std::vector<std::string>& fields) {
  if (fields.size() < 3 || fields[2] != signature.name) return false;
  const std::string size = signature.size == gatehouse::kAnySize
                               ? "*"
                               : std::to_string(signature.size);
  const std::string listed =
      fields[1] == "*" ? "*" : WithoutLeadingZeros(fields[1]);
  return listed == size &&
         LowerCase(fields[0]) ==
             SlowHex(signature.digest.data(),
                     gatehouse::DigestBytes(signature.algorithm));
}

// Signatures keep the order of their lines: one walk finds each one's line.
template <class Signature>
void RequireAgreement(const std::vector<Signature>& signatures,
                      const std::vector<std::vector<std::string>>& lines) {
  size_t line = 0;
  for (const Signature& signature : signatures) {
    while (line < lines.size() && !Agrees(signature, lines[line])) ++line;
    Require(line < lines.size(), "every signature stands in a line");
    ++line;
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const SignatureFormat format =
      data[0] % 2 == 0 ? SignatureFormat::kNdb : SignatureFormat::kHash;
  const size_t part_bytes = size_t{1} + data[0] / 2;
  const std::string text(data + 1, data + size);

  const Loaded whole = Load(text, format, text.size() + 1);
  const LineCounts counts = whole.report.Totals();
  Require(counts.lines == counts.loaded + counts.skipped + counts.malformed,
          "lines == loaded + skipped + malformed");
  Require(whole.report.problems.size() + whole.report.problems_left_out ==
              counts.skipped + counts.malformed,
          "every line that was not loaded is reported");
  Require(counts.loaded ==
              whole.signatures.bodies.size() + whole.signatures.hashes.size(),
          "every loaded line is a signature");

  const Loaded parts = Load(text, format, part_bytes);
  const LineCounts parts_counts = parts.report.Totals();
  Require(counts.lines == parts_counts.lines &&
              counts.loaded == parts_counts.loaded &&
              counts.skipped == parts_counts.skipped,
          "the cuts do not matter");

  const auto lines = SlowFields(text);
  RequireAgreement(whole.signatures.bodies, lines);
  RequireAgreement(whole.signatures.hashes, lines);
  return 0;
}
