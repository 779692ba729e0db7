#include "daemon/extension_approval.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/unique_fd.h"
#include "daemon/replace_file.h"

namespace gatehouse {
namespace {

using Json = nlohmann::json;

constexpr size_t kFileBytesMax = 4096;
constexpr const char* kApproved = "approved";

std::string ApprovalPath(const std::string& state_directory) {
  return state_directory + "/system-extension.json";
}

Result<bool> CheckOwner(int fd, const std::string& path) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0)
    return FailSystem("fstat '" + path + "'", errno);
  const bool is_trusted =
      S_ISREG(status.st_mode) &&
      (status.st_uid == 0 || status.st_uid == ::geteuid()) &&
      (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (is_trusted) return true;
  return Fail(ErrorCode::kNotPermitted,
              "'" + path + "' could have been written by others than root");
}

}  // namespace

Result<bool> ReadApproval(const std::string& state_directory) {
  const std::string path = ApprovalPath(state_directory);
  const UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    const int error_number = errno;
    if (error_number == ENOENT) return false;
    return FailSystem("open '" + path + "'", error_number);
  }
  const Result<bool> trusted = CheckOwner(fd.UnsafeFd(), path);
  if (!trusted) return trusted;
  std::array<char, kFileBytesMax> text = {};
  const ssize_t bytes = ::read(fd.UnsafeFd(), text.data(), text.size());
  if (bytes < 0) return FailSystem("read '" + path + "'", errno);
  const std::string_view content(text.data(), static_cast<size_t>(bytes));
  const Json root = Json::parse(content, nullptr, false);
  const auto value = root.is_object() ? root.find(kApproved) : root.end();
  if (value == root.end() || !value->is_boolean()) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + path + "': '" + kApproved + "' must be true or false");
  }
  return value->get<bool>();
}

Result<bool> WriteApproval(const std::string& state_directory,
                           bool is_approved) {
  return ReplaceFile(ApprovalPath(state_directory),
                     Json{{kApproved, is_approved}}.dump() + "\n",
                     Durability::kDurable);
}

}  // namespace gatehouse
