// Patterns of the hex language, parsed and searched in the most obvious way.
//
// Thread safety: free functions on values. Ownership: everything is a value.
//
// Nothing here is fast, and nothing is shared with what is judged by it: the
// text is parsed again, and every position of the subject is tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gatehouse::oracle {

enum class FailureKind : uint8_t {
  kMalformed,
  kSkipped,  // Well formed, and to be left out: f-level, target, unknown key.
};

// Why a text is no pattern, signature or expression.
struct ParseFailure {
  std::string reason;
  FailureKind kind = FailureKind::kMalformed;
};

template <typename T>
using Parsed = std::variant<T, ParseFailure>;

template <typename T>
bool IsFailure(const Parsed<T>& parsed) {
  return std::holds_alternative<ParseFailure>(parsed);
}

enum class NodeKind : uint8_t { kByte, kChoice, kNoneOf, kBoundary };

// One element of a sequence. A boundary here consumes what it matches.
struct Node {
  NodeKind kind = NodeKind::kByte;
  uint8_t value = 0;
  uint8_t mask = 0xff;    // kByte: the bits that count.
  bool any_case = false;  // kByte: letters match in both cases.
  char boundary = 'B';    // kBoundary: 'B', 'L' or 'W'.
  bool negated = false;   // kBoundary.
  std::vector<std::vector<Node>> choices;
};
using Sequence = std::vector<Node>;

// A condition on what stands before or after a part; consumes nothing.
struct Edge {
  char boundary = 'B';
  bool negated = false;
};

// One byte that stands `min` to `max` bytes away from a part: aa[min-max]SIG.
struct DistantByte {
  Node byte;
  uint64_t min = 0;
  uint64_t max = 0;
};

// What stands between two gaps.
struct Part {
  uint64_t gap_min = 0;  // From the end of the part before to our start.
  std::optional<uint64_t> gap_max;
  std::optional<Edge> front;
  std::optional<Edge> back;
  std::optional<DistantByte> byte_before;
  std::optional<DistantByte> byte_after;
  Sequence nodes;
  bool wide = false;
};

struct Pattern {
  std::vector<Part> parts;
};

struct PatternFlags {
  bool any_case = false;
  bool full_word = false;
  bool wide = false;
  bool ascii = false;

  bool any() const { return any_case || full_word || wide || ascii; }
};

// The pattern, or both patterns when `flags` ask for wide and ASCII.
Parsed<std::vector<Pattern>> ParsePattern(std::string_view text,
                                          const PatternFlags& flags);

// Steps that a search may still take. When they are used up, searches return
// what they have, and `exhausted()` says that the answer is worth nothing.
class Work {
 public:
  explicit Work(uint64_t steps_max) : left_(steps_max) {}

  bool Spend(uint64_t steps = 1) {
    left_ = left_ > steps ? left_ - steps : 0;
    return left_ > 0;
  }
  bool exhausted() const { return left_ == 0; }

 private:
  uint64_t left_ = 0;
};

// Where the first part may start; the ends are inclusive.
struct StartWindow {
  uint64_t first = 0;
  uint64_t last = UINT64_MAX;
};

// Where a pattern was found.
struct Places {
  // Start offsets when the pattern has one part, else the end offsets of its
  // last part: these are what is counted.
  std::set<uint64_t> counted;
  // (start, end) of every match of the last part.
  std::set<std::pair<uint64_t, uint64_t>> last_part;
};

Places FindPattern(const Pattern& pattern, std::string_view bytes,
                   const StartWindow& window, Work& work);

// Where one sequence that starts at `start` may end.
std::set<uint64_t> EndsOf(const Sequence& nodes, std::string_view bytes,
                          uint64_t start, Work& work);

bool MatchesByte(const Node& node, uint8_t byte);

// Whether the byte at `at` may be what a consuming boundary stands for.
bool IsBoundaryByte(char boundary, uint8_t byte);
bool EdgeHolds(const Edge& edge, std::string_view bytes, uint64_t at,
               bool is_front, bool wide);

}  // namespace gatehouse::oracle
