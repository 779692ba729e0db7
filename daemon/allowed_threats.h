// AllowedThreat: what an administrator wants left alone, by the name of the
// threat or by the content of the file; and AllowedChange: who said so, and who
// took it back. With their form in `threat-rules.json`, and in the managed
// configuration.
//
// Thread-compatible values, which own their text; thread-safe functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "quarantine/threat_rules.h"

namespace gatehouse {

inline constexpr size_t kCommentBytesMax = 256;
inline constexpr size_t kProgramBytesMax = 256;

// Who changed something, and when.
struct ChangeOrigin {
  int64_t time_ms = 0;  // Wall clock, milliseconds since 1970.
  uint32_t uid = 0;
  int32_t pid = 0;
  std::string program;  // Display text; empty: it could not be told.
};

struct AllowedThreat {
  // One of them: the name as it was given, or 64 hex digits in lower case.
  std::string name;
  std::string sha256;
  int64_t expires_ms = ThreatRules::kNeverExpires;
  std::string comment;
  // Empty: managed, or kept by a version that did not ask.
  std::optional<ChangeOrigin> added;
  bool is_managed = false;
  bool is_expired = false;  // For good, whatever the clock says later.
};

struct AllowedCounts {
  size_t in_force = 0;
  size_t expired = 0;
};

// The words are on disk and in the protocol.
enum class AllowedChangeKind : uint8_t { kAdded, kRemoved, kExpired };
inline constexpr std::array<std::string_view, 3> kAllowedChangeWords = {
    "added", "removed", "expired"};

struct AllowedChange {
  AllowedChangeKind kind = AllowedChangeKind::kAdded;
  AllowedThreat threat;
  ChangeOrigin origin;  // Of kExpired only the time means something.
};

// What tells it from others: equal for names that are one name.
[[nodiscard]] std::string KeyOf(const AllowedThreat& threat);
// For messages: "'NAME'", safe to show.
[[nodiscard]] std::string ShownThreat(const AllowedThreat& threat);

// Checks what a client or a file said, and gives it its form: the digits of a
// SHA-256 in lower case. Errors: kInvalidInput.
Result<bool> CheckAllowedThreat(AllowedThreat& threat);

// A text is a name; an object has `name` or `sha256`, and may have `expires`
// and `comment`; in our own file also who added it. Errors: kInvalidInput,
// beginning with `where`.
Result<AllowedThreat> ReadAllowedThreat(const nlohmann::json& value,
                                        const std::string& where);
Result<AllowedChange> ReadAllowedChange(const nlohmann::json& value,
                                        const std::string& where);
[[nodiscard]] nlohmann::json AllowedThreatJson(const AllowedThreat& threat);
[[nodiscard]] nlohmann::json AllowedChangeJson(const AllowedChange& change);

}  // namespace gatehouse
