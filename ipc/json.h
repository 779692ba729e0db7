// Json: the values that travel between mdatp and the daemon, read from and
// written to text without ever throwing.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse {

// Members stay in the order in which they were put.
using Json = nlohmann::ordered_json;

// What a peer may make us build from 64 KiB of text.
inline constexpr size_t kJsonNestingMax = 16;
inline constexpr size_t kJsonMembersMax = 4096;

// The object that `text` is. Errors: kInvalidInput, kLimitExceeded.
Result<Json> ParseObject(std::string_view text);

// One line. What is not UTF-8 is replaced: put such bytes with PutBytes.
[[nodiscard]] std::string JsonText(const Json& value);

// The member `name` of `object`. Errors: kInvalidInput when it is missing or
// something else, kLimitExceeded when it is longer or larger than `max`.
Result<std::string> TextMember(const Json& object, const std::string& name,
                               size_t bytes_max);
Result<uint64_t> NumberMember(const Json& object, const std::string& name,
                              uint64_t max);
Result<bool> BoolMember(const Json& object, const std::string& name);

// The text of member "$type", empty if there is none.
[[nodiscard]] std::string TypeOf(const Json& object);

// Bytes that may not be UTF-8, as paths: `name` gets them as they are if they
// are UTF-8, else their display text and NAME_base64 the bytes themselves.
void PutBytes(Json& object, const std::string& name, std::string_view bytes);
// The bytes again. Errors as those of TextMember.
Result<std::string> BytesMember(const Json& object, const std::string& name,
                                size_t bytes_max);

}  // namespace gatehouse
