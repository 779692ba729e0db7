#include "signatures/regex_check.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/bytes.h"

namespace gatehouse {
namespace {

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};

struct OptionPair {
  uint32_t ours = 0;
  uint32_t theirs = 0;
};
constexpr std::array<OptionPair, 7> kOptions = {{
    {kRegexCaseless, PCRE2_CASELESS},
    {kRegexDotAll, PCRE2_DOTALL},
    {kRegexMultiline, PCRE2_MULTILINE},
    {kRegexExtended, PCRE2_EXTENDED},
    {kRegexAnchored, PCRE2_ANCHORED},
    {kRegexDollarEndOnly, PCRE2_DOLLAR_ENDONLY},
    {kRegexUngreedy, PCRE2_UNGREEDY},
}};

}  // namespace

uint32_t Pcre2Options(uint32_t regex_options) {
  uint32_t options = 0;
  for (const OptionPair& pair : kOptions) {
    if ((regex_options & pair.ours) != 0) options |= pair.theirs;
  }
  return options;
}

std::optional<std::string> RegexObjection(const RegexAtom& atom) {
  int error = 0;
  PCRE2_SIZE place = 0;
  const ByteView text = AsBytes(atom.expression);
  const std::unique_ptr<pcre2_code, FreeCode> code(
      pcre2_compile(text.data(), text.size(), Pcre2Options(atom.options),
                    &error, &place, nullptr));
  if (code != nullptr) return std::nullopt;
  std::array<PCRE2_UCHAR, 256> message = {};
  const int length =
      pcre2_get_error_message(error, message.data(), message.size());
  const ByteView shown(message.data(),
                       static_cast<size_t>(std::max(length, 0)));
  return std::string(AsText(shown)) + " at character " + std::to_string(place);
}

}  // namespace gatehouse
