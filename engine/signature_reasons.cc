#include "engine/signature_reasons.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "engine/matching/layer_rules.h"

namespace gatehouse {
namespace {

constexpr size_t kLogicBytesMax = 240;
constexpr size_t kReasonsMax = 8;

std::string ComparisonText(const LogicNode& node) {
  std::string text;
  switch (node.comparison) {
    case Comparison::kNone:
      return text;
    case Comparison::kEqual:
      text = "=";
      break;
    case Comparison::kGreater:
      text = ">";
      break;
    case Comparison::kLess:
      text = "<";
      break;
  }
  text += std::to_string(node.count);
  if (node.different > 1) text += "," + std::to_string(node.different);
  return text;
}

// The children of each pair in the order in which they were written: by their
// first atoms.
class WrittenLogic {
 public:
  explicit WrittenLogic(std::span<const LogicNode> nodes) : nodes_(nodes) {
    for (const LogicNode& node : nodes_) {
      first_atoms_.push_back(
          node.kind == LogicKind::kAtom
              ? node.left
              : std::min(first_atoms_[node.left], first_atoms_[node.right]));
    }
  }

  const LogicNode& operator[](uint32_t node) const { return nodes_[node]; }
  [[nodiscard]] uint32_t root() const {
    return static_cast<uint32_t>(nodes_.size() - 1);
  }
  [[nodiscard]] std::pair<uint32_t, uint32_t> ChildrenOf(uint32_t pair) const {
    const LogicNode& node = nodes_[pair];
    return first_atoms_[node.right] < first_atoms_[node.left]
               ? std::pair<uint32_t, uint32_t>(node.right, node.left)
               : std::pair<uint32_t, uint32_t>(node.left, node.right);
  }

 private:
  const std::span<const LogicNode> nodes_;
  std::vector<uint16_t> first_atoms_;
};

// A long one ends with "...": of a hostile signature it could be megabytes.
class LogicWriter {
 public:
  explicit LogicWriter(const WrittenLogic& logic) : logic_(logic) {}

  std::string Write(uint32_t node) {
    Add(node, true);
    if (text_.size() > kLogicBytesMax) {
      text_.resize(kLogicBytesMax);
      text_ += "...";
    }
    return text_;
  }

 private:
  void Add(uint32_t number, bool is_outermost) {
    if (text_.size() > kLogicBytesMax) return;
    const LogicNode& node = logic_[number];
    if (node.kind == LogicKind::kAtom) {
      text_ += std::to_string(node.left);
    } else {
      const bool is_bare = is_outermost && node.comparison == Comparison::kNone;
      if (!is_bare) text_ += "(";
      const auto [first, second] = logic_.ChildrenOf(number);
      Add(first, false);
      text_ += node.kind == LogicKind::kAnd ? "&" : "|";
      Add(second, false);
      if (!is_bare) text_ += ")";
    }
    text_ += ComparisonText(node);
  }

  const WrittenLogic& logic_;
  std::string text_;
};

struct Question {
  const SignatureTables& tables;
  std::span<const AtomRecord> atoms;
  const WrittenLogic& logic;
  const SignatureJudge::Probed& probed;
};

std::string AtomReason(const Question& question, uint32_t atom) {
  const AtomRecord& record = question.atoms[atom];
  const std::string subject = "subsignature " + std::to_string(atom);
  switch (record.kind) {
    case AtomKind::kPattern:
      break;
    case AtomKind::kRegex: {
      const uint32_t trigger = question.tables.regexes[record.detail].trigger;
      if (question.probed.nodes[trigger].holds) break;
      return subject + " (expression) was not tried: its trigger " +
             LogicWriter(question.logic).Write(trigger) + " does not hold";
    }
    case AtomKind::kByteCompare: {
      const uint32_t base = question.tables.compares[record.detail].reference;
      if (question.probed.atoms[base].count != 0) {
        return subject + " (byte_compare) does not hold behind subsignature " +
               std::to_string(base);
      }
      return subject + " (byte_compare) has no place: subsignature " +
             std::to_string(base) + " was not found";
    }
    case AtomKind::kMacro:
      break;
  }
  std::string text = subject + " (";
  text += kAtomKindWords.at(static_cast<size_t>(record.kind));
  return text + ") was not found";
}

void AddReasons(const Question& question, uint32_t number,
                std::vector<std::string>& reasons) {
  if (question.probed.nodes[number].holds || reasons.size() >= kReasonsMax) {
    return;
  }
  const LogicNode& node = question.logic[number];
  const bool compares = node.comparison != Comparison::kNone;
  const uint64_t sum = question.probed.nodes[number].sum;
  // What is compared fails by its count, unless there is nothing to count.
  if (compares && (sum != 0 || node.comparison != Comparison::kGreater)) {
    reasons.push_back(LogicWriter(question.logic).Write(number) + " has " +
                      std::to_string(sum) + " match(es)");
    return;
  }
  if (node.kind == LogicKind::kAtom) {
    std::string reason = AtomReason(question, node.left);
    if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
      reasons.push_back(std::move(reason));
    }
    return;
  }
  const auto [first, second] = question.logic.ChildrenOf(number);
  AddReasons(question, first, reasons);
  AddReasons(question, second, reasons);
}

std::string RangeText(const NumberRange& range) {
  if (range.min == range.max) return std::to_string(range.min);
  if (range.max == std::numeric_limits<uint64_t>::max()) {
    return std::to_string(range.min) + " or more";
  }
  return std::to_string(range.min) + " to " + std::to_string(range.max);
}

std::string NumberGateText(std::optional<uint64_t> has,
                           const NumberRange& wanted) {
  return (has ? "is " + std::to_string(*has) : std::string("is not known")) +
         ", wants " + RangeText(wanted);
}

std::string ContainerText(const SignatureTables& tables,
                          const GatesRecord& gates, const Layer& layer) {
  std::string text = layer.containers.empty()
                         ? "is in no container"
                         : "is in " + std::string(layer.containers.back());
  text += ", wants";
  for (size_t i = 0; i < gates.containers_count; ++i) {
    text += " ";
    text += tables.Text(tables.containers[gates.containers_begin + i]);
  }
  return text;
}

}  // namespace

std::string LogicText(const SignatureTables& tables,
                      const SignatureRecord& signature) {
  const WrittenLogic logic(tables.LogicOf(signature));
  return LogicWriter(logic).Write(logic.root());
}

std::vector<std::string> ReasonsAgainst(const SignatureTables& tables,
                                        const SignatureRecord& signature,
                                        const SignatureJudge::Probed& probed) {
  const WrittenLogic logic(tables.LogicOf(signature));
  std::vector<std::string> reasons;
  AddReasons({tables, tables.AtomsOf(signature), logic, probed}, logic.root(),
             reasons);
  return reasons;
}

std::vector<ExplainedGate> FailedGates(const SignatureTables& tables,
                                       const SignatureRecord& signature,
                                       const Layer& layer) {
  const GatesRecord& all = tables.gates[signature.gates];
  std::vector<ExplainedGate> failed;
  const ExecutableFacts* const facts = layer.executable;
  const bool is_valid = facts != nullptr && facts->is_valid;
  const auto target = static_cast<Target>(signature.target);
  if (target != Target::kAny && target != layer.target) {
    failed.push_back(
        {"target", "is " + std::to_string(static_cast<int>(layer.target)) +
                       ", wants " + std::to_string(signature.target)});
  }
  GatesRecord one;
  one.file_size = all.file_size;
  if (!PassesGates(tables, one, layer)) {
    failed.push_back(
        {"file_size", NumberGateText(layer.file_bytes, all.file_size)});
  }
  one = {};
  one.is_of_own_bytes = all.is_of_own_bytes;
  if (!PassesGates(tables, one, layer)) {
    failed.push_back({"own_bytes", "is a normalised form, wants the file's"});
  }
  one = {};
  one.has_entry_point = all.has_entry_point;
  one.entry_point = all.entry_point;
  if (!PassesGates(tables, one, layer)) {
    failed.push_back(
        {"entry_point", NumberGateText(is_valid ? facts->entry_point
                                                : std::optional<uint64_t>(),
                                       all.entry_point)});
  }
  one = {};
  one.has_sections = all.has_sections;
  one.sections = all.sections;
  if (!PassesGates(tables, one, layer)) {
    std::optional<uint64_t> count;
    if (is_valid) count = facts->sections.size();
    failed.push_back({"sections", NumberGateText(count, all.sections)});
  }
  one = {};
  one.containers_begin = all.containers_begin;
  one.containers_count = all.containers_count;
  if (!PassesGates(tables, one, layer)) {
    failed.push_back({"container", ContainerText(tables, all, layer)});
  }
  return failed;
}

}  // namespace gatehouse
