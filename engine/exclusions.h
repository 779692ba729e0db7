// Exclusions: files that are not judged because an administrator said so, by
// path, by extension, or by the program that opens them.
//
// What an exclusion means is Defender's (docs/exclusions.md). Paths that come
// here must be believed: whoever can choose the path of a file that is judged
// can hide it.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace gatehouse {

enum class ExclusionKind : uint8_t { kFile, kFolder, kExtension, kProcess };
// Real time and scans on demand, or real time alone.
enum class ExclusionScope : uint8_t { kEpp, kGlobal };

// "file", "folder", "extension", "process"; "epp", "global".
[[nodiscard]] std::string_view ExclusionKindWord(ExclusionKind kind);
[[nodiscard]] std::string_view ExclusionScopeWord(ExclusionScope scope);
Result<ExclusionKind> ExclusionKindOf(std::string_view word);
Result<ExclusionScope> ExclusionScopeOf(std::string_view word);

struct Exclusion {
  ExclusionKind kind = ExclusionKind::kFile;
  // A path, with * and ?; an extension with its dot; a path or name of a
  // program. In the form that CheckedExclusion gives it.
  std::string text;
  ExclusionScope scope = ExclusionScope::kEpp;
  bool is_managed = false;  // By the configuration file.

  // The same rule, whoever made it.
  [[nodiscard]] bool IsSameAs(const Exclusion& other) const {
    return kind == other.kind && text == other.text && scope == other.scope;
  }
};

// The exclusion in its proper form. Errors: kInvalidInput names what is wrong:
// no absolute path, "." or ".." in it, an empty name, a folder that would
// exclude everything, wildcards or extensions of global scope.
Result<Exclusion> CheckedExclusion(Exclusion exclusion);

// `pattern` against `path`, both absolute: * is any run of characters within
// one component, ? any one character; a * as the last component is everything
// below its parent. `is_folder`: everything below what the pattern matches.
[[nodiscard]] bool MatchesPath(std::string_view pattern, std::string_view path,
                               bool is_folder);

class Exclusions {
 public:
  static constexpr size_t kExclusionsMax = 1000;

  // Takes effect at once.
  void Set(std::vector<Exclusion> exclusions);
  [[nodiscard]] std::vector<Exclusion> list() const;

  // False until Set was called: whoever asks now asks too early.
  [[nodiscard]] bool is_known() const { return is_known_.load(); }
  // False: no need to ask the function below. A look at an atomic.
  [[nodiscard]] bool any_path() const { return any_path_.load(); }
  [[nodiscard]] bool any_process() const { return any_process_.load(); }

  // Empty paths are unknown and never excluded.
  [[nodiscard]] bool ExcludesPath(std::string_view path) const;
  // As ExcludesPath, for a scan on demand: of epp scope only.
  [[nodiscard]] bool ExcludesFromScan(std::string_view path) const;
  [[nodiscard]] bool ExcludesProcess(std::string_view executable) const;

 private:
  bool Excludes(std::string_view path, bool on_demand) const;

  mutable Mutex mutex_;
  std::vector<Exclusion> exclusions_ GATEHOUSE_GUARDED_BY(mutex_);
  std::atomic<bool> is_known_{false};
  std::atomic<bool> any_path_{false};
  std::atomic<bool> any_process_{false};
};

}  // namespace gatehouse
