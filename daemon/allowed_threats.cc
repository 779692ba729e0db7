#include "daemon/allowed_threats.h"

#include <algorithm>
#include <utility>

#include "base/display_text.h"
#include "base/utc_time.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

using Value = nlohmann::json;

constexpr size_t kSha256Digits = 64;

Unexpected Wrong(const std::string& where, std::string_view what) {
  std::string message = where + ": ";
  return Fail(ErrorCode::kInvalidInput, message.append(what));
}

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool IsPlainText(std::string_view text, size_t bytes_max) {
  return text.size() <= bytes_max && IsUtf8(text) &&
         std::none_of(text.begin(), text.end(), IsControl);
}

char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

Result<bool> CheckSha256(std::string& sha256) {
  std::transform(sha256.begin(), sha256.end(), sha256.begin(), LowerCase);
  if (sha256.size() == kSha256Digits &&
      std::all_of(sha256.begin(), sha256.end(), IsHexDigit)) {
    return true;
  }
  return Fail(ErrorCode::kInvalidInput,
              "'" + CutText(DisplayText(sha256), kSha256Digits + 1) +
                  "' is no SHA-256: 64 hexadecimal digits");
}

// An absent member is an empty text.
Result<std::string> OptionalText(const Value& object, const char* key,
                                 const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  return Wrong(where, std::string(key) + " must be a string");
}

template <class Number>
Result<Number> OptionalNumber(const Value& object, const char* key,
                              const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) return Number{0};
  if (found->is_number_integer()) return found->get<Number>();
  return Wrong(where, std::string(key) + " must be a number");
}

Result<ChangeOrigin> ReadOrigin(const Value& value, const std::string& where) {
  if (!value.is_object()) return Wrong(where, "must be an object");
  ChangeOrigin origin;
  const Result<int64_t> time = OptionalNumber<int64_t>(value, "timeMs", where);
  if (!time) return Unexpected(time.error());
  const Result<uint32_t> uid = OptionalNumber<uint32_t>(value, "uid", where);
  if (!uid) return Unexpected(uid.error());
  const Result<int32_t> pid = OptionalNumber<int32_t>(value, "pid", where);
  if (!pid) return Unexpected(pid.error());
  Result<std::string> program = OptionalText(value, "program", where);
  if (!program) return Unexpected(program.error());
  if (!IsPlainText(*program, kProgramBytesMax)) {
    return Wrong(where, "program is no plain text");
  }
  return ChangeOrigin{*time, *uid, *pid, std::move(*program)};
}

Value OriginJson(const ChangeOrigin& origin) {
  return Value{{"timeMs", origin.time_ms},
               {"uid", origin.uid},
               {"pid", origin.pid},
               {"program", origin.program}};
}

Result<bool> ReadTexts(const Value& value, const std::string& where,
                       AllowedThreat& threat) {
  const std::array<std::pair<const char*, std::string*>, 3> texts = {
      {{"name", &threat.name},
       {"sha256", &threat.sha256},
       {"comment", &threat.comment}}};
  for (const auto& [key, place] : texts) {
    Result<std::string> text = OptionalText(value, key, where);
    if (!text) return Unexpected(text.error());
    *place = std::move(*text);
  }
  const Result<std::string> expires = OptionalText(value, "expires", where);
  if (!expires) return Unexpected(expires.error());
  if (expires->empty()) return true;
  const Result<int64_t> time = ParseUtcTime(*expires);
  if (!time) return Wrong(where, time.error().message);
  threat.expires_ms = *time;
  return true;
}

}  // namespace

std::string KeyOf(const AllowedThreat& threat) {
  if (!threat.sha256.empty()) return "sha256:" + threat.sha256;
  std::string key = "name:";
  return key.append(CanonicalThreatName(threat.name));
}

std::string ShownThreat(const AllowedThreat& threat) {
  return "'" +
         DisplayText(threat.sha256.empty() ? threat.name : threat.sha256) + "'";
}

Result<bool> CheckAllowedThreat(AllowedThreat& threat) {
  if (threat.name.empty() == threat.sha256.empty() && !threat.name.empty()) {
    return Fail(ErrorCode::kInvalidInput, "either a name or a SHA-256");
  }
  if (!IsPlainText(threat.comment, kCommentBytesMax)) {
    return Fail(ErrorCode::kInvalidInput,
                "the comment is longer than 256 bytes, or no plain text");
  }
  if (!threat.sha256.empty()) return CheckSha256(threat.sha256);
  if (!threat.name.empty() && IsPlainText(threat.name, kThreatNameBytesMax)) {
    return true;
  }
  return Fail(ErrorCode::kInvalidInput,
              "'" + CutText(DisplayText(threat.name), kThreatNameBytesMax) +
                  "' cannot be the name of a threat");
}

Result<AllowedThreat> ReadAllowedThreat(const Value& value,
                                        const std::string& where) {
  AllowedThreat threat;
  if (value.is_string()) {
    threat.name = value.get<std::string>();
  } else if (value.is_object()) {
    const Result<bool> read = ReadTexts(value, where, threat);
    if (!read) return Unexpected(read.error());
    const auto added = value.find("added");
    if (added != value.end()) {
      Result<ChangeOrigin> origin = ReadOrigin(*added, where + ".added");
      if (!origin) return Unexpected(origin.error());
      threat.added = std::move(*origin);
    }
    threat.is_expired = value.value("isExpired", Value(false)) == true;
  } else {
    return Wrong(where, "must be a list of names and of objects");
  }
  const Result<bool> checked = CheckAllowedThreat(threat);
  if (!checked) return Wrong(where, checked.error().message);
  return threat;
}

Result<AllowedChange> ReadAllowedChange(const Value& value,
                                        const std::string& where) {
  if (!value.is_object()) return Wrong(where, "must be a list of objects");
  AllowedChange change;
  Result<AllowedThreat> threat = ReadAllowedThreat(value, where);
  if (!threat) return Unexpected(threat.error());
  change.threat = std::move(*threat);
  const Result<std::string> word = OptionalText(value, "change", where);
  if (!word) return Unexpected(word.error());
  const auto* const known =
      std::find(kAllowedChangeWords.begin(), kAllowedChangeWords.end(), *word);
  if (known == kAllowedChangeWords.end()) {
    return Wrong(where, "change is none of added, removed, expired");
  }
  change.kind =
      static_cast<AllowedChangeKind>(known - kAllowedChangeWords.begin());
  Result<ChangeOrigin> origin =
      ReadOrigin(value.value("by", Value::object()), where + ".by");
  if (!origin) return Unexpected(origin.error());
  change.origin = std::move(*origin);
  return change;
}

Value AllowedThreatJson(const AllowedThreat& threat) {
  Value json = Value::object();
  if (threat.sha256.empty()) {
    json["name"] = threat.name;
  } else {
    json["sha256"] = threat.sha256;
  }
  if (threat.expires_ms != ThreatRules::kNeverExpires) {
    json["expires"] = UtcTimeText(threat.expires_ms);
  }
  if (!threat.comment.empty()) json["comment"] = threat.comment;
  if (threat.added) json["added"] = OriginJson(*threat.added);
  if (threat.is_expired) json["isExpired"] = true;
  return json;
}

Value AllowedChangeJson(const AllowedChange& change) {
  AllowedThreat threat = change.threat;
  threat.added.reset();  // Has a line of its own.
  threat.is_expired = false;
  Value json = AllowedThreatJson(threat);
  json["change"] = kAllowedChangeWords.at(static_cast<size_t>(change.kind));
  json["by"] = OriginJson(change.origin);
  return json;
}

}  // namespace gatehouse
