#include "daemon/exclusion_store.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "base/display_text.h"
#include "daemon/exclusion_json.h"
#include "daemon/replace_file.h"

namespace gatehouse {
namespace {

using Json = nlohmann::json;

// A missing file is no exclusions.
Result<std::vector<Exclusion>> ReadExclusions(const std::string& path) {
  std::ifstream file(path);
  if (!file.is_open()) {
    const int error_number = errno;
    if (error_number == ENOENT) return std::vector<Exclusion>();
    return FailSystem("open '" + path + "'", error_number);
  }
  std::ostringstream text;
  text << file.rdbuf();
  const Json root = Json::parse(text.str(), nullptr, false);
  if (root.is_discarded()) {
    return Fail(ErrorCode::kInvalidInput, "'" + path + "' is no JSON");
  }
  return ExclusionsOfJson(root, path, ExclusionScope::kEpp);
}

bool Contains(const std::vector<Exclusion>& list, const Exclusion& exclusion) {
  return std::any_of(list.begin(), list.end(), [&](const Exclusion& one) {
    return one.IsSameAs(exclusion);
  });
}

}  // namespace

Result<bool> ExclusionStore::Load(const DaemonConfig& config,
                                  const std::string& state_directory) {
  const std::string path = state_directory + "/exclusions.json";
  Result<std::vector<Exclusion>> own = ReadExclusions(path);
  if (!own) return Unexpected(own.error());
  const MutexLock lock(mutex_);
  path_ = path;
  own_ = std::move(*own);
  managed_ = config.exclusions;
  for (Exclusion& exclusion : managed_) exclusion.is_managed = true;
  managed_only_ = config.managed_exclusions_only;
  Apply();
  return true;
}

void ExclusionStore::Apply() {
  std::vector<Exclusion> all = managed_;
  if (!managed_only_) all.insert(all.end(), own_.begin(), own_.end());
  exclusions_.Set(std::move(all));
}

Result<bool> ExclusionStore::CheckChange(const Exclusion& exclusion) const {
  if (managed_only_) {
    return Fail(ErrorCode::kNotPermitted,
                "exclusions are managed by the configuration file");
  }
  if (Contains(managed_, exclusion)) {
    return Fail(ErrorCode::kNotPermitted,
                "'" + DisplayText(exclusion.text) +
                    "' is excluded by the configuration file");
  }
  return true;
}

Result<bool> ExclusionStore::Keep(std::vector<Exclusion> own) {
  Json list = Json::array();
  for (const Exclusion& exclusion : own) {
    list.push_back(ExclusionJson(exclusion));
  }
  const Result<bool> kept = ReplaceFile(
      path_, list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
      Durability::kDurable);
  if (!kept) return kept;
  own_ = std::move(own);
  Apply();
  return true;
}

Result<bool> ExclusionStore::Add(Exclusion exclusion) {
  const Result<Exclusion> checked = CheckedExclusion(std::move(exclusion));
  if (!checked) return Unexpected(checked.error());
  if (!IsUtf8(checked->text)) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(checked->text) + "' is not UTF-8");
  }
  const MutexLock lock(mutex_);
  const Result<bool> may = CheckChange(*checked);
  if (!may) return may;
  if (Contains(own_, *checked)) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(checked->text) + "' is excluded already");
  }
  if (own_.size() >= Exclusions::kExclusionsMax) {
    return Fail(ErrorCode::kLimitExceeded,
                "there are " + std::to_string(own_.size()) +
                    " exclusions, and no more are possible");
  }
  std::vector<Exclusion> own = own_;
  own.push_back(*checked);
  return Keep(std::move(own));
}

Result<bool> ExclusionStore::Remove(Exclusion exclusion) {
  const Result<Exclusion> checked = CheckedExclusion(std::move(exclusion));
  if (!checked) return Unexpected(checked.error());
  const MutexLock lock(mutex_);
  const Result<bool> may = CheckChange(*checked);
  if (!may) return may;
  std::vector<Exclusion> own = own_;
  const size_t removed = std::erase_if(
      own, [&](const Exclusion& one) { return one.IsSameAs(*checked); });
  if (removed == 0) {
    return Fail(ErrorCode::kNotFound,
                "'" + DisplayText(checked->text) + "' is not excluded");
  }
  return Keep(std::move(own));
}

}  // namespace gatehouse
