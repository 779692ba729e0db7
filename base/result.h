// Result<T>: a value, or an Error that says what was attempted and on what.
//
// Thread-compatible. Owns its value and its message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace gatehouse {

// For machines. A code exists only where some caller acts differently on it.
enum class ErrorCode : uint8_t {
  kOperational,    // Something outside of us failed: I/O, a system call.
  kInvalidInput,   // The input is wrong; trying again does not help.
  kNotFound,       // The named thing does not exist.
  kNotPermitted,   // The caller has no right to it.
  kNotSupported,   // This system or build cannot do it.
  kLimitExceeded,  // A named limit was hit.
  kBusy,           // Not now; the same may succeed a little later.
  kUnreachable,    // Nobody answers at the other end, or no longer.
};

struct Error {
  ErrorCode code = ErrorCode::kOperational;
  std::string message;
  int error_number = 0;  // errno, of a system call that failed; else 0.
};

// The error of a system call: "open '/x/y': Permission denied".
//
// `what` names the attempt and its object, `error_number` is an errno value.
// ENOENT becomes kNotFound, EPERM and EACCES become kNotPermitted, ENOSYS and
// EOPNOTSUPP become kNotSupported. Thread-safe.
[[nodiscard]] Error SystemError(std::string_view what, int error_number);

using Unexpected = tl::unexpected<Error>;

[[nodiscard]] inline Unexpected Fail(ErrorCode code, std::string message) {
  return Unexpected(Error{code, std::move(message)});
}

[[nodiscard]] inline Unexpected FailSystem(std::string_view what,
                                           int error_number) {
  return Unexpected(SystemError(what, error_number));
}

// tl::expected lacks [[nodiscard]] on the type; this adds it and nothing else.
// Use only the part that std::expected has.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

}  // namespace gatehouse
