#include "cli/exit_code.h"

namespace gatehouse {

ExitCode ExitCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kNotPermitted:
      return ExitCode::kNotPermitted;
    case ErrorCode::kUnreachable:
      return ExitCode::kDaemonUnreachable;
    case ErrorCode::kOperational:
    case ErrorCode::kInvalidInput:
    case ErrorCode::kNotSupported:
    case ErrorCode::kLimitExceeded:
    case ErrorCode::kBusy:
      return ExitCode::kOperational;
  }
  return ExitCode::kOperational;
}

}  // namespace gatehouse
