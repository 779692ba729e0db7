// The search: every start is tried, and the ends of each part are a set.
#include <algorithm>

#include "tests/signatures/oracle/pattern.h"

namespace gatehouse::oracle {
namespace {

using Span = std::pair<uint64_t, uint64_t>;

uint8_t ByteAt(std::string_view bytes, uint64_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

bool IsLetter(uint8_t byte) {
  const int lower = byte | 0x20;
  return lower >= 'a' && lower <= 'z';
}

bool IsWordByte(uint8_t byte) {
  return IsLetter(byte) || (byte >= '0' && byte <= '9');
}

bool IsBeforeWord(uint8_t byte) {
  constexpr std::string_view kBytes = " -./<@_";
  return kBytes.find(static_cast<char>(byte)) != std::string_view::npos;
}

bool IsAfterWord(uint8_t byte) {
  constexpr std::string_view kBytes = "\n\r \"'-/=>_";
  return kBytes.find(static_cast<char>(byte)) != std::string_view::npos;
}

// A wide word byte is a word byte and a zero.
bool IsWideWord(std::string_view bytes, uint64_t at) {
  return IsWordByte(ByteAt(bytes, at)) && ByteAt(bytes, at + 1) == 0;
}

bool FrontHolds(char boundary, std::string_view bytes, uint64_t at, bool wide) {
  if (at == 0) return true;
  const uint8_t before = ByteAt(bytes, at - 1);
  if (boundary == 'B') return IsBeforeWord(before);
  if (boundary == 'L') return before == '\n';
  if (!wide) return !IsWordByte(before);
  return at < 2 || !IsWideWord(bytes, at - 2);
}

bool BackHolds(char boundary, std::string_view bytes, uint64_t at, bool wide) {
  if (at == bytes.size()) return true;
  const uint8_t after = ByteAt(bytes, at);
  if (boundary == 'B') return IsAfterWord(after);
  if (boundary == 'L') {
    return after == '\n' || bytes.substr(at).starts_with("\r\n");
  }
  if (!wide) return !IsWordByte(after);
  return at + 2 > bytes.size() || !IsWideWord(bytes, at);
}

std::set<uint64_t> EndsOfNode(const Node& node, std::string_view bytes,
                              uint64_t at, Work& work) {
  std::set<uint64_t> ends;
  if (!work.Spend()) return ends;
  if (node.kind == NodeKind::kChoice) {
    for (const Sequence& choice : node.choices) {
      ends.merge(EndsOf(choice, bytes, at, work));
    }
    return ends;
  }
  if (node.kind == NodeKind::kNoneOf) {
    const uint64_t length = node.choices.front().size();
    if (length > bytes.size() - at) return ends;
    const bool any = std::any_of(
        node.choices.begin(), node.choices.end(), [&](const Sequence& choice) {
          return !EndsOf(choice, bytes, at, work).empty();
        });
    if (!any) ends.insert(at + length);
    return ends;
  }
  if (at == bytes.size()) return ends;
  const uint8_t byte = ByteAt(bytes, at);
  if (node.kind == NodeKind::kByte) {
    if (MatchesByte(node, byte)) ends.insert(at + 1);
    return ends;
  }
  if (IsBoundaryByte(node.boundary, byte) != node.negated) ends.insert(at + 1);
  return ends;
}

bool HasByte(const Node& node, std::string_view bytes, uint64_t at) {
  return at < bytes.size() && MatchesByte(node, ByteAt(bytes, at));
}

bool ByteBeforeHolds(const DistantByte& distant, std::string_view bytes,
                     uint64_t start) {
  for (uint64_t gap = distant.min; gap <= distant.max; ++gap) {
    if (start > gap && HasByte(distant.byte, bytes, start - gap - 1)) {
      return true;
    }
  }
  return false;
}

bool ByteAfterHolds(const DistantByte& distant, std::string_view bytes,
                    uint64_t end) {
  for (uint64_t gap = distant.min; gap <= distant.max; ++gap) {
    if (HasByte(distant.byte, bytes, end + gap)) return true;
  }
  return false;
}

std::set<uint64_t> EndsOfPart(const Part& part, std::string_view bytes,
                              uint64_t start, Work& work) {
  if (part.front && !EdgeHolds(*part.front, bytes, start, true, part.wide)) {
    return {};
  }
  if (part.byte_before && !ByteBeforeHolds(*part.byte_before, bytes, start)) {
    return {};
  }
  std::set<uint64_t> ends = EndsOf(part.nodes, bytes, start, work);
  std::erase_if(ends, [&](uint64_t end) {
    const bool back_holds =
        !part.back || EdgeHolds(*part.back, bytes, end, false, part.wide);
    return !back_holds ||
           (part.byte_after && !ByteAfterHolds(*part.byte_after, bytes, end));
  });
  return ends;
}

// Whether a part that starts at `start` keeps its distance from one of `ends`.
bool FollowsOneOf(const std::set<uint64_t>& ends, const Part& part,
                  uint64_t start) {
  if (start < part.gap_min) return false;
  auto end = ends.upper_bound(start - part.gap_min);
  if (end == ends.begin()) return false;
  --end;
  return !part.gap_max || start - *end <= *part.gap_max;
}

}  // namespace

bool MatchesByte(const Node& node, uint8_t byte) {
  if ((byte & node.mask) == (node.value & node.mask)) return true;
  return node.any_case && IsLetter(byte) && IsLetter(node.value) &&
         (byte | 0x20) == (node.value | 0x20);
}

bool IsBoundaryByte(char boundary, uint8_t byte) {
  if (boundary == 'B') return IsBeforeWord(byte) || IsAfterWord(byte);
  if (boundary == 'L') return byte == '\n';
  return !IsWordByte(byte);
}

bool EdgeHolds(const Edge& edge, std::string_view bytes, uint64_t at,
               bool is_front, bool wide) {
  const bool holds = is_front ? FrontHolds(edge.boundary, bytes, at, wide)
                              : BackHolds(edge.boundary, bytes, at, wide);
  return holds != edge.negated;
}

std::set<uint64_t> EndsOf(const Sequence& nodes, std::string_view bytes,
                          uint64_t start, Work& work) {
  std::set<uint64_t> places = {start};
  for (const Node& node : nodes) {
    std::set<uint64_t> next;
    for (const uint64_t place : places) {
      next.merge(EndsOfNode(node, bytes, place, work));
    }
    if (next.empty()) return {};
    places = std::move(next);
  }
  return places;
}

Places FindPattern(const Pattern& pattern, std::string_view bytes,
                   const StartWindow& window, Work& work) {
  Places places;
  std::set<uint64_t> ends_before;
  for (size_t index = 0; index < pattern.parts.size(); ++index) {
    const Part& part = pattern.parts[index];
    std::set<Span> spans;
    std::set<uint64_t> ends_here;
    for (uint64_t start = 0; start < bytes.size(); ++start) {
      const bool may_start = index == 0
                                 ? start >= window.first && start <= window.last
                                 : FollowsOneOf(ends_before, part, start);
      if (!may_start) continue;
      for (const uint64_t end : EndsOfPart(part, bytes, start, work)) {
        spans.emplace(start, end);
        ends_here.insert(end);
      }
    }
    ends_before = std::move(ends_here);
    places.last_part = std::move(spans);
  }
  const bool one_part = pattern.parts.size() == 1;
  for (const auto& [start, end] : places.last_part) {
    places.counted.insert(one_part ? start : end);
  }
  return places;
}

}  // namespace gatehouse::oracle
