#include "engine/exclusions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/display_text.h"

namespace gatehouse {
namespace {

constexpr std::array<std::string_view, 4> kKindWords = {"file", "folder",
                                                        "extension", "process"};
constexpr std::array<std::string_view, 2> kScopeWords = {"epp", "global"};
constexpr std::string_view kWildcards = "*?";

// * and ? within one name, by the usual way back to the last *.
bool MatchesName(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t star_n = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) &&
        pattern[p] != '*') {
      ++p;
      ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_n = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_n;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// "/a/b" -> "a", leaves "/b". Empty when there is none.
std::string_view NextComponent(std::string_view& path) {
  const size_t begin = path.find_first_not_of('/');
  if (begin == std::string_view::npos) return path = {};
  path.remove_prefix(begin);
  const std::string_view component = path.substr(0, path.find('/'));
  path.remove_prefix(component.size());
  return component;
}

std::string_view NameOf(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

Result<std::string> NormalPath(std::string_view path) {
  const auto fail = [path](const char* why) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(path) + "': " + why);
  };
  if (!path.starts_with('/')) return fail("not an absolute path");
  if (path.find('\0') != std::string_view::npos) return fail("has a NUL");
  std::string normal;
  std::string_view rest = path;
  while (true) {
    const std::string_view component = NextComponent(rest);
    if (component.empty()) break;
    if (component == "." || component == "..") {
      return fail("'.' and '..' are not resolved");
    }
    normal.append("/").append(component);
  }
  if (normal.empty() || normal == "/*") return fail("would exclude everything");
  return normal;
}

Result<std::string> NormalExtension(std::string_view extension) {
  if (extension.starts_with('.')) extension.remove_prefix(1);
  if (extension.empty() || extension.find('/') != std::string_view::npos ||
      extension.find_first_of(kWildcards) != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(extension) + "' is no file extension");
  }
  return "." + std::string(extension);
}

Result<std::string> NormalProcess(std::string_view process) {
  if (process.find('/') != std::string_view::npos) return NormalPath(process);
  if (process.empty() ||
      process.find_first_not_of(kWildcards) == std::string_view::npos) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(process) + "' would exclude every process");
  }
  return std::string(process);
}

Result<bool> CheckGlobal(const Exclusion& exclusion) {
  if (exclusion.scope != ExclusionScope::kGlobal) return true;
  const bool is_path = exclusion.text.starts_with('/');
  const bool has_wildcards =
      exclusion.text.find_first_of(kWildcards) != std::string::npos;
  if (exclusion.kind == ExclusionKind::kExtension || !is_path ||
      has_wildcards) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(exclusion.text) +
                    "': of global scope are only full paths, no wildcards, "
                    "names or extensions");
  }
  return true;
}

bool IsOfPath(ExclusionKind kind) { return kind != ExclusionKind::kProcess; }

}  // namespace

std::string_view ExclusionKindWord(ExclusionKind kind) {
  return kKindWords.at(static_cast<size_t>(kind));
}

std::string_view ExclusionScopeWord(ExclusionScope scope) {
  return kScopeWords.at(static_cast<size_t>(scope));
}

Result<ExclusionKind> ExclusionKindOf(std::string_view word) {
  for (size_t i = 0; i < kKindWords.size(); ++i) {
    if (kKindWords.at(i) == word) return static_cast<ExclusionKind>(i);
  }
  return Fail(ErrorCode::kInvalidInput,
              "'" + DisplayText(word) +
                  "' is none of file, folder, extension, process");
}

Result<ExclusionScope> ExclusionScopeOf(std::string_view word) {
  for (size_t i = 0; i < kScopeWords.size(); ++i) {
    if (kScopeWords.at(i) == word) return static_cast<ExclusionScope>(i);
  }
  return Fail(ErrorCode::kInvalidInput,
              "'" + DisplayText(word) + "' is neither epp nor global");
}

Result<Exclusion> CheckedExclusion(Exclusion exclusion) {
  Result<std::string> normal = std::string();
  switch (exclusion.kind) {
    case ExclusionKind::kFile:
    case ExclusionKind::kFolder:
      normal = NormalPath(exclusion.text);
      break;
    case ExclusionKind::kExtension:
      normal = NormalExtension(exclusion.text);
      break;
    case ExclusionKind::kProcess:
      normal = NormalProcess(exclusion.text);
      break;
  }
  if (!normal) return Unexpected(normal.error());
  exclusion.text = std::move(*normal);
  const Result<bool> is_global = CheckGlobal(exclusion);
  if (!is_global) return Unexpected(is_global.error());
  return exclusion;
}

bool MatchesPath(std::string_view pattern, std::string_view path,
                 bool is_folder) {
  while (true) {
    const std::string_view wanted = NextComponent(pattern);
    const std::string_view component = NextComponent(path);
    if (wanted.empty()) return component.empty() ? false : is_folder;
    if (component.empty() || !MatchesName(wanted, component)) return false;
    if (!pattern.empty()) continue;
    // The last of the pattern.
    if (is_folder) return path.find_first_not_of('/') != std::string_view::npos;
    return path.empty() || wanted == "*";
  }
}

void Exclusions::Set(std::vector<Exclusion> exclusions) {
  const auto is_of_path = [](const Exclusion& one) {
    return IsOfPath(one.kind);
  };
  const bool any_path =
      std::any_of(exclusions.begin(), exclusions.end(), is_of_path);
  const bool any_process =
      !std::all_of(exclusions.begin(), exclusions.end(), is_of_path);
  const MutexLock lock(mutex_);
  exclusions_ = std::move(exclusions);
  any_path_.store(any_path);
  any_process_.store(any_process);
  is_known_.store(true);
}

std::vector<Exclusion> Exclusions::list() const {
  const MutexLock lock(mutex_);
  return exclusions_;
}

bool Exclusions::ExcludesPath(std::string_view path) const {
  return any_path() && Excludes(path, false);
}

bool Exclusions::ExcludesFromScan(std::string_view path) const {
  return any_path() && Excludes(path, true);
}

bool Exclusions::Excludes(std::string_view path, bool on_demand) const {
  if (path.empty()) return false;
  const std::string_view name = NameOf(path);
  const MutexLock lock(mutex_);
  return std::any_of(
      exclusions_.begin(), exclusions_.end(), [&](const Exclusion& one) {
        if (on_demand && one.scope != ExclusionScope::kEpp) return false;
        switch (one.kind) {
          case ExclusionKind::kFile:
            return MatchesPath(one.text, path, false);
          case ExclusionKind::kFolder:
            return MatchesPath(one.text, path, true);
          case ExclusionKind::kExtension:
            return name.size() > one.text.size() && name.ends_with(one.text);
          case ExclusionKind::kProcess:
            return false;
        }
        return false;
      });
}

bool Exclusions::ExcludesProcess(std::string_view executable) const {
  if (!any_process() || executable.empty()) return false;
  const std::string_view name = NameOf(executable);
  const MutexLock lock(mutex_);
  return std::any_of(exclusions_.begin(), exclusions_.end(),
                     [&](const Exclusion& one) {
                       if (one.kind != ExclusionKind::kProcess) return false;
                       return one.text.starts_with('/')
                                  ? MatchesPath(one.text, executable, false)
                                  : MatchesName(one.text, name);
                     });
}

}  // namespace gatehouse
