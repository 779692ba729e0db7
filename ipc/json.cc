#include "ipc/json.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/display_text.h"

namespace gatehouse {
namespace {

constexpr std::string_view kBase64Suffix = "_base64";

struct JsonShape {
  size_t nesting = 0;
  size_t members = 0;  // Of objects and arrays; an upper bound.
};

// Looks at the brackets only: parsing, copying and writing a value take stack
// with its depth, and looking up a member takes time with their number.
JsonShape ShapeOf(std::string_view text) {
  JsonShape shape;
  size_t depth = 0;
  bool is_in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string) {
      if (c == '\\') ++i;
      if (c == '"') is_in_string = false;
    } else if (c == '"') {
      is_in_string = true;
    } else if (c == '{' || c == '[') {
      shape.nesting = std::max(shape.nesting, ++depth);
    } else if (c == '}' || c == ']') {
      depth -= depth == 0 ? 0 : 1;
    } else if (c == ':' || c == ',') {
      ++shape.members;
    }
  }
  return shape;
}

Unexpected NotA(const char* kind, const std::string& name) {
  return Fail(ErrorCode::kInvalidInput,
              "read a message: member '" + name + "' is missing or no " + kind);
}

Unexpected TooLarge(const std::string& name, uint64_t max) {
  return Fail(ErrorCode::kLimitExceeded, "read a message: member '" + name +
                                             "' is larger than " +
                                             std::to_string(max));
}

}  // namespace

Result<Json> ParseObject(std::string_view text) {
  const JsonShape shape = ShapeOf(text);
  // A member brings a ':' and a ','.
  if (shape.nesting > kJsonNestingMax || shape.members > 2 * kJsonMembersMax) {
    return Fail(ErrorCode::kLimitExceeded,
                "read a message: too many or too deeply nested members");
  }
  Json value = Json::parse(text, nullptr, false);
  if (!value.is_object()) {
    return Fail(ErrorCode::kInvalidInput, "read a message: no JSON object");
  }
  return value;
}

std::string JsonText(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> TextMember(const Json& object, const std::string& name,
                               size_t bytes_max) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return NotA("text", name);
  const auto& text = member->get_ref<const std::string&>();
  if (text.size() > bytes_max) return TooLarge(name, bytes_max);
  return text;
}

Result<uint64_t> NumberMember(const Json& object, const std::string& name,
                              uint64_t max) {
  const auto member = object.find(name);
  // Unsigned is what the parser makes of every whole number from 0 on.
  if (member == object.end() || !member->is_number_integer() ||
      (!member->is_number_unsigned() && member->get<int64_t>() < 0)) {
    return NotA("whole number", name);
  }
  const auto number = member->get<uint64_t>();
  if (number > max) return TooLarge(name, max);
  return number;
}

Result<bool> BoolMember(const Json& object, const std::string& name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_boolean()) {
    return NotA("true or false", name);
  }
  return member->get<bool>();
}

std::string TypeOf(const Json& object) {
  const auto member = object.find("$type");
  if (member == object.end() || !member->is_string()) return {};
  return member->get<std::string>();
}

void PutBytes(Json& object, const std::string& name, std::string_view bytes) {
  if (IsUtf8(bytes)) {
    object[name] = bytes;
    return;
  }
  object[name] = DisplayText(bytes);
  object[name + std::string(kBase64Suffix)] = Base64(bytes);
}

Result<std::string> BytesMember(const Json& object, const std::string& name,
                                size_t bytes_max) {
  const std::string exact_name = name + std::string(kBase64Suffix);
  if (!object.contains(exact_name)) return TextMember(object, name, bytes_max);
  const Result<std::string> text =
      TextMember(object, exact_name, (bytes_max + 2) / 3 * 4);
  if (!text) return Unexpected(text.error());
  std::optional<std::string> bytes = BytesOfBase64(*text);
  if (!bytes) return NotA("base64", exact_name);
  if (bytes->size() > bytes_max) return TooLarge(exact_name, bytes_max);
  return std::move(*bytes);
}

}  // namespace gatehouse
