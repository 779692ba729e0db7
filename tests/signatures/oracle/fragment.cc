#include "tests/signatures/oracle/fragment.h"

#include <algorithm>

namespace gatehouse::oracle {
namespace {

char EdgeByte(const Edge& edge, bool is_front) {
  if (edge.negated) return 'x';
  if (edge.boundary == 'L') return '\n';
  if (edge.boundary == 'W') return '.';
  return is_front ? '<' : '>';
}

class FragmentWriter {
 public:
  explicit FragmentWriter(const FragmentStyle& style) : style_(style) {}

  Fragment Write(const Pattern& pattern) {
    for (size_t index = 0; index < pattern.parts.size(); ++index) {
      const Part& part = pattern.parts[index];
      const uint64_t lead = LeadOf(part);
      const uint64_t behind =
          index == 0 ? 0 : TrailOf(pattern.parts[index - 1]);
      if (index > 0) {
        uint64_t gap = part.gap_min + style_.gap_extra;
        if (part.gap_max) gap = std::min(gap, *part.gap_max);
        if (gap > lead + behind) Fill(gap - lead - behind);
      }
      WriteLead(part);
      if (index == 0) fragment_.start = fragment_.bytes.size();
      WriteNodes(part.nodes);
      WriteTrail(part);
    }
    return std::move(fragment_);
  }

 private:
  static uint64_t LeadOf(const Part& part) {
    if (part.byte_before) return part.byte_before->min + 1;
    return part.front ? (part.wide ? 2 : 1) : 0;
  }
  static uint64_t TrailOf(const Part& part) {
    if (part.byte_after) return part.byte_after->min + 1;
    return part.back ? (part.wide ? 2 : 1) : 0;
  }

  void Add(char byte, bool fixed) {
    fragment_.bytes += byte;
    fragment_.fixed.push_back(fixed);
  }
  void Fill(uint64_t count) {
    for (; count > 0; --count) Add(style_.filler, false);
  }

  void WriteLead(const Part& part) {
    if (part.byte_before) {
      WriteByte(part.byte_before->byte);
      Fill(part.byte_before->min);
    } else if (part.front) {
      if (part.wide) Add('.', false);
      Add(EdgeByte(*part.front, true), true);
    }
  }

  void WriteTrail(const Part& part) {
    if (part.byte_after) {
      Fill(part.byte_after->min);
      WriteByte(part.byte_after->byte);
    } else if (part.back) {
      Add(EdgeByte(*part.back, false), true);
      if (part.wide) Add('.', false);
    }
  }

  void WriteByte(const Node& node) {
    const auto filler = static_cast<uint8_t>(style_.filler);
    auto byte =
        static_cast<uint8_t>((node.value & node.mask) | (filler & ~node.mask));
    if (node.any_case && style_.lower_case && byte >= 'A' && byte <= 'Z') {
      byte = static_cast<uint8_t>(byte + ('a' - 'A'));
    }
    Add(static_cast<char>(byte), node.mask != 0);
  }

  // In text that is to stay as it is, the first alternative that is such.
  size_t PickOf(const Node& group) const {
    const size_t count = std::max<size_t>(1, group.choices.size());
    for (size_t turn = 0; style_.lower_case && turn < count; ++turn) {
      const size_t index = (style_.pick + turn) % count;
      if (std::all_of(group.choices[index].begin(), group.choices[index].end(),
                      IsPlain)) {
        return index;
      }
    }
    return style_.pick % count;
  }

  static bool IsPlain(const Node& node) {
    if (node.kind != NodeKind::kByte || node.mask != 0xff) return true;
    const bool upper = node.value >= 'A' && node.value <= 'Z';
    return node.value >= ' ' && node.value <= '~' && (!upper || node.any_case);
  }

  void WriteNodes(const Sequence& nodes) {
    for (const Node& node : nodes) WriteNode(node);
  }

  void WriteNode(const Node& node) {
    switch (node.kind) {
      case NodeKind::kByte:
        WriteByte(node);
        break;
      case NodeKind::kChoice:
        WriteNodes(node.choices[PickOf(node)]);
        break;
      case NodeKind::kNoneOf:
        WriteNoneOf(node);
        break;
      case NodeKind::kBoundary:
        Add(EdgeByte({node.boundary, node.negated}, true), true);
        break;
    }
  }

  // One byte repeated, that no alternative begins with.
  void WriteNoneOf(const Node& node) {
    for (const char byte : {style_.filler, 'x', 'q', 'j', '7', '#'}) {
      const bool taken = std::any_of(
          node.choices.begin(), node.choices.end(),
          [&](const Sequence& choice) {
            return MatchesByte(choice.front(), static_cast<uint8_t>(byte));
          });
      if (taken) continue;
      for (size_t at = 0; at < node.choices.front().size(); ++at) {
        Add(byte, true);
      }
      return;
    }
    Fill(node.choices.front().size());
  }

  FragmentStyle style_;
  Fragment fragment_;
};

}  // namespace

Fragment MakeFragment(const Pattern& pattern, const FragmentStyle& style) {
  return FragmentWriter(style).Write(pattern);
}

}  // namespace gatehouse::oracle
