#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace gatehouse {
namespace {

ErrorCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EPERM:
    case EACCES:
      return ErrorCode::kNotPermitted;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorCode::kNotSupported;
    case EMFILE:
    case ENFILE:
      return ErrorCode::kLimitExceeded;
    default:
      return ErrorCode::kOperational;
  }
}

}  // namespace

Error SystemError(std::string_view what, int error_number) {
  // std::strerror is not thread-safe; the error category is.
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(error_number);
  return Error{CodeOf(error_number), std::move(message), error_number};
}

}  // namespace gatehouse
