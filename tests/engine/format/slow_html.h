// The two views of HTML, made byte by byte: the oracle of HtmlNormaliser, with
// which it shares no code.
//
// Of one piece only (8,191 bytes), and it knows few names of characters.
// Thread-safe: pure functions.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse {

inline constexpr size_t kSlowHtmlBytesMax = 8191;

// What it knows; names with a code above 254 become a reference.
inline constexpr std::array<std::pair<std::string_view, int>, 6>
    kSlowHtmlNames = {{{"amp", '&'},
                       {"lt", '<'},
                       {"quot", '"'},
                       {"nbsp", 0xa0},
                       {"eacute", 0xe9},
                       {"euro", 0x20ac}}};

struct SlowHtmlViews {
  std::string no_comments;
  std::string no_tags;
  bool operator==(const SlowHtmlViews&) const = default;
};

SlowHtmlViews SlowHtml(std::string_view html);

}  // namespace gatehouse
