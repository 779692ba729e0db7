// The oracle: which signatures match a file, found out slowly and obviously.
//
// Thread safety: a matcher is thread-compatible. Ownership: it keeps its own
// copy of every line it was given.
//
// It judges engines, so it shares no code with them. What it cannot judge (a
// regex, what contains the file, an image) it says, instead of guessing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/signatures/oracle/signature_line.h"

namespace gatehouse::oracle {

// A section of an executable, in bytes of the file.
struct Section {
  uint64_t raw_offset = 0;
  uint64_t raw_size = 0;
};

struct Subject {
  std::string bytes;
  // The type that was detected, as targets are numbered; 0 when it has none.
  // Signatures of target 0 and of this target are tried.
  int target = 0;
  // File offset. None: the header could not be parsed.
  std::optional<uint64_t> entry_point;
  std::vector<Section> sections;
  // Where the strings of PE version information start.
  std::vector<uint64_t> version_strings;
  // The text that .imp lines have the digest of; none: no import table.
  std::optional<std::string> import_text;
};

struct SignatureOutcome {
  std::string name;
  bool matches = false;
  // How often each subsignature was found; one for a .ndb or .db line.
  std::vector<uint64_t> counts;
  // Why `matches` says nothing; empty when it does.
  std::string unjudged;
};

struct SubjectOutcome {
  std::set<std::string> names;               // That match.
  std::set<std::string> unjudged;            // That may or may not match.
  std::vector<SignatureOutcome> signatures;  // In the order they were added.
};

class SlowMatcher {
 public:
  // Lower-case hex digits of the digest of `bytes`, of the algorithm whose
  // digest has `digits` digits: 32 MD5, 40 SHA-1, 64 SHA-256.
  using Digest = std::function<std::string(std::string_view, size_t digits)>;

  // `steps_max` is for one signature on one subject.
  explicit SlowMatcher(uint64_t steps_max = kStepsMax);
  SlowMatcher(uint64_t steps_max, Digest digest);

  // None, or why the line was not added.
  std::optional<ParseFailure> AddLine(LineForm form, std::string_view line);
  void Add(Signature signature) { signatures_.push_back(std::move(signature)); }

  SubjectOutcome Match(const Subject& subject) const;
  SignatureOutcome MatchOne(const Signature& signature,
                            const Subject& subject) const;

  const std::vector<Signature>& signatures() const { return signatures_; }

  static constexpr uint64_t kStepsMax = 200'000'000;

 private:
  bool MatchesHash(const Signature& signature, const Subject& subject) const;

  uint64_t steps_max_ = kStepsMax;
  Digest digest_;
  std::vector<Signature> signatures_;
};

// By OpenSSL.
std::string DigestOf(std::string_view bytes, size_t digits);

// Where a pattern with this offset field may start. More than one window only
// for version information; none when it can never match.
std::vector<StartWindow> WindowsOf(const OffsetField& field,
                                   const Subject& subject);

}  // namespace gatehouse::oracle
