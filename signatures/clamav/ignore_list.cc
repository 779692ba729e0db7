#include "signatures/clamav/ignore_list.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"

namespace gatehouse {
namespace {

constexpr std::string_view kUnofficial = ".UNOFFICIAL";

std::string_view WithoutSuffix(std::string_view name) {
  if (name.ends_with(kUnofficial)) name.remove_suffix(kUnofficial.size());
  return name;
}

std::string Md5Text(std::string_view line) {
  const Result<Md5Digest> digest = Md5Of(AsBytes(line));
  if (!digest) return {};  // Switched off here: the entry matches nothing.
  return HexText(*digest);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

ParsedLine<IgnoreEntry> ParseIgnoreLine(std::string_view line) {
  const std::vector<std::string_view> fields = SplitFields(line);
  if (fields.size() > 3) return MalformedLine{"expected 1 to 3 fields"};
  IgnoreEntry entry;
  entry.name = WithoutSuffix(fields.size() == 3 ? fields[2] : fields[0]);
  if (entry.name.empty()) return MalformedLine{"no name"};
  if (fields.size() == 2) {
    const auto md5 = ParseHex(fields[1]);
    if (!md5 || md5->size() != std::tuple_size_v<Md5Digest>) {
      return MalformedLine{"hash of the line is no MD5"};
    }
    entry.line_md5 = Lower(fields[1]);
  }
  return entry;
}

void IgnoreList::Add(IgnoreEntry entry) {
  entries_.emplace(std::move(entry.name), std::move(entry.line_md5));
}

bool IgnoreList::Includes(std::string_view name, std::string_view line) const {
  const auto [first, last] = entries_.equal_range(WithoutSuffix(name));
  return std::any_of(first, last, [line](const auto& entry) {
    return entry.second.empty() || entry.second == Md5Text(line);
  });
}

}  // namespace gatehouse
