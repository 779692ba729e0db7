#include "signatures/table_writer.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <utility>

namespace gatehouse {
namespace {

constexpr size_t kTableMax = std::numeric_limits<uint32_t>::max();

void AppendSize(size_t size, std::vector<uint8_t>& bytes) {
  for (size_t i = 0; i < sizeof(uint32_t); ++i) {
    bytes.push_back(static_cast<uint8_t>(size >> (8 * i)));
  }
}

}  // namespace

TableWriter::TableWriter() {
  tables_.offsets.emplace_back();  // 0: anywhere.
  tables_.gates.emplace_back();    // 0: none.
}

ByteRange TableWriter::AddBytes(std::string_view text) {
  const ByteRange range{TableIndex(tables_.bytes.size()),
                        TableIndex(text.size())};
  tables_.bytes.insert(tables_.bytes.end(), text.begin(), text.end());
  return range;
}

// Many signatures share a pattern: it stands once, and is searched for once.
ByteRange TableWriter::AddCode(ByteView code) {
  const size_t hash = std::hash<std::string_view>()(AsText(code));
  const auto [first, last] = codes_.equal_range(hash);
  for (auto known = first; known != last; ++known) {
    const ByteRange range = known->second;
    if (range.size == code.size() &&
        std::equal(code.begin(), code.end(),
                   tables_.bytes.begin() + range.begin)) {
      return range;
    }
  }
  const ByteRange range = AddBytes(AsText(code));
  codes_.emplace(hash, range);
  return range;
}

uint32_t TableWriter::OffsetIndex(const PatternOffset& offset) {
  if (offset == PatternOffset{}) return 0;
  const auto key =
      std::tuple(offset.base, offset.section, offset.delta, offset.shift);
  const auto [found, is_new] =
      offsets_.emplace(key, TableIndex(tables_.offsets.size()));
  if (is_new) {
    OffsetRecord record;
    record.delta = offset.delta;
    record.shift = offset.shift;
    record.section = offset.section;
    record.base = static_cast<uint8_t>(offset.base);
    tables_.offsets.push_back(record);
  }
  return found->second;
}

uint16_t TableWriter::GatesIndex(const Gates& gates) {
  const auto found = std::find(gates_.begin(), gates_.end(), gates);
  if (found != gates_.end()) {
    return static_cast<uint16_t>(found - gates_.begin());
  }
  GatesRecord record;
  record.file_size = gates.file_size;
  record.entry_point = gates.entry_point;
  record.sections = gates.sections;
  record.has_entry_point = gates.has_entry_point ? 1 : 0;
  record.has_sections = gates.has_sections ? 1 : 0;
  record.is_of_own_bytes = gates.is_of_own_bytes ? 1 : 0;
  record.containers_begin = TableIndex(tables_.containers.size());
  record.containers_count = static_cast<uint16_t>(gates.containers.size());
  for (const std::string& container : gates.containers) {
    tables_.containers.push_back(AddBytes(container));
  }
  tables_.gates.push_back(record);
  gates_.push_back(gates);
  return static_cast<uint16_t>(gates_.size() - 1);
}

uint32_t TableWriter::LogicIndex(const Logic& logic) {
  std::vector<uint64_t> key;
  for (const LogicNode& node : logic) {
    key.push_back(uint64_t{node.left} << 32 | uint64_t{node.right} << 16 |
                  uint64_t{static_cast<uint8_t>(node.kind)} << 8 |
                  static_cast<uint8_t>(node.comparison));
    key.push_back(uint64_t{node.count} << 32 | node.different);
  }
  const auto [found, is_new] =
      logics_.emplace(std::move(key), TableIndex(tables_.logic.size()));
  if (is_new) {
    tables_.logic.insert(tables_.logic.end(), logic.begin(), logic.end());
  }
  return found->second;
}

AtomRecord TableWriter::PatternOf(const PatternAtom& pattern) {
  AtomRecord record;
  record.kind = AtomKind::kPattern;
  record.variant_count = static_cast<uint8_t>(pattern.variants.size());
  record.offset = OffsetIndex(pattern.offset);
  std::vector<uint8_t> code;
  for (const std::vector<uint8_t>& program : pattern.variants) {
    AppendSize(program.size(), code);
    code.insert(code.end(), program.begin(), program.end());
  }
  record.code = AddCode(code);
  return record;
}

AtomRecord TableWriter::RegexOf(const RegexAtom& regex) {
  AtomRecord record;
  record.kind = AtomKind::kRegex;
  record.offset = OffsetIndex(regex.offset);
  record.code = AddBytes(regex.expression);
  record.detail = TableIndex(tables_.regexes.size());
  tables_.regexes.push_back({regex.options, regex.trigger});
  return record;
}

AtomRecord TableWriter::CompareOf(const ByteCompareAtom& compare) {
  AtomRecord record;
  record.kind = AtomKind::kByteCompare;
  record.detail = TableIndex(tables_.compares.size());
  CompareRecord detail;
  detail.distance = compare.distance;
  for (size_t i = 0; i < compare.conditions.size(); ++i) {
    detail.values.at(i) = compare.conditions.at(i).value;
    detail.comparisons.at(i) =
        static_cast<uint8_t>(compare.conditions.at(i).comparison);
  }
  detail.form = static_cast<uint8_t>(compare.form);
  detail.order = static_cast<uint8_t>(compare.order);
  detail.is_exact = compare.is_exact ? 1 : 0;
  detail.reference = static_cast<uint16_t>(compare.reference);
  detail.bytes = compare.bytes;
  tables_.compares.push_back(detail);
  return record;
}

AtomRecord TableWriter::AtomOf(const Atom& atom) {
  if (const auto* pattern = std::get_if<PatternAtom>(&atom)) {
    return PatternOf(*pattern);
  }
  if (const auto* regex = std::get_if<RegexAtom>(&atom)) return RegexOf(*regex);
  if (const auto* compare = std::get_if<ByteCompareAtom>(&atom)) {
    return CompareOf(*compare);
  }
  const auto& macro = std::get<MacroAtom>(atom);
  AtomRecord record;
  record.kind = AtomKind::kMacro;
  record.detail = TableIndex(tables_.macros.size());
  tables_.macros.push_back(
      {macro.group, macro.distance_min, macro.distance_max});
  return record;
}

bool TableWriter::Add(const Signature& signature) {
  assert(!signature.logic.empty() && !signature.atoms.empty());
  SignatureRecord record;
  record.name = AddBytes(signature.name);
  record.target = static_cast<uint8_t>(signature.target);
  record.gates = GatesIndex(signature.gates);
  record.logic_begin = LogicIndex(signature.logic);
  record.logic_count = static_cast<uint16_t>(signature.logic.size());
  record.atom_begin = TableIndex(tables_.atoms.size());
  record.atom_count = static_cast<uint16_t>(signature.atoms.size());
  for (const Atom& atom : signature.atoms) {
    tables_.atoms.push_back(AtomOf(atom));
  }
  tables_.signatures.push_back(record);
  return !is_full();
}

bool TableWriter::is_full() const {
  return tables_.bytes.size() >= kTableMax || gates_.size() >= 65535;
}

}  // namespace gatehouse
