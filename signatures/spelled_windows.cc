#include "signatures/spelled_windows.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "signatures/byte_pattern.h"

namespace gatehouse {
namespace {

using Texts = std::vector<std::vector<uint8_t>>;

bool IsLetter(uint8_t byte) {
  const auto lower = static_cast<uint8_t>(byte | 0x20);
  return lower >= 'a' && lower <= 'z';
}

// A place, or some, at which one of these stands.
struct Cell {
  Texts texts;
  bool has_folded = false;  // Letters of either case..
  bool has_plain = false;   // ..and of one.
  // The pattern has several for it; in the own bytes of a text one may be left.
  bool is_choice = false;
  // Some of what the pattern has there is longer: what follows is elsewhere.
  bool is_cut = false;
  uint32_t distance_min = 0;
  uint32_t distance_max = 0;

  [[nodiscard]] size_t length() const { return texts.front().size(); }
};

Texts Product(const Texts& left, const Texts& right) {
  Texts all;
  for (const auto& a : left) {
    for (const auto& b : right) {
      all.push_back(a);
      all.back().insert(all.back().end(), b.begin(), b.end());
    }
  }
  return all;
}

Cell CellOf(uint8_t byte, bool is_folded) {
  Cell cell;
  cell.texts = {{byte}};
  cell.has_folded = is_folded && IsLetter(byte);
  cell.has_plain = !is_folded && IsLetter(byte);
  return cell;
}

Cell CellOf(const MaskedByte& masked) {
  Cell cell;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if ((byte & masked.mask) != masked.value) continue;
    cell.texts.push_back({static_cast<uint8_t>(byte)});
    cell.has_plain = cell.has_plain || IsLetter(static_cast<uint8_t>(byte));
  }
  return cell;
}

// The cells of a step that has bytes of one length each; nothing for others.
std::optional<std::vector<Cell>> CellsOf(const PatternStep& step);

// A program of such steps, as one cell.
std::optional<Cell> WholeCellOf(ByteView program) {
  Cell whole;
  whole.texts = {{}};
  PatternReader reader(program);
  while (const std::optional<PatternStep> step = reader.Next()) {
    if (step->op == PatternOp::kOneOf) return std::nullopt;  // Within one.
    const auto cells = CellsOf(*step);
    if (!cells) return std::nullopt;
    for (const Cell& cell : *cells) {
      if (whole.texts.size() * cell.texts.size() > kSpellingsMax) {
        return std::nullopt;
      }
      whole.texts = Product(whole.texts, cell.texts);
      whole.has_folded = whole.has_folded || cell.has_folded;
      whole.has_plain = whole.has_plain || cell.has_plain;
    }
  }
  if (reader.is_broken()) return std::nullopt;
  return whole;
}

// Of texts of different lengths, what they all have.
void CutToShortest(Cell& cell) {
  size_t least = cell.length();
  for (const auto& text : cell.texts) {
    cell.is_cut = cell.is_cut || text.size() != cell.length();
    least = std::min(least, text.size());
  }
  for (auto& text : cell.texts) text.resize(least);
}

std::optional<Cell> OneOfThem(const PatternStep& step) {
  const auto programs = ProgramsOf(step);
  if (!programs) return std::nullopt;
  Cell all;
  for (const ByteView program : *programs) {
    const std::optional<Cell> one = WholeCellOf(program);
    if (!one || one->length() == 0 ||
        all.texts.size() + one->texts.size() > kSpellingsMax) {
      return std::nullopt;
    }
    all.texts.insert(all.texts.end(), one->texts.begin(), one->texts.end());
    all.has_folded = all.has_folded || one->has_folded;
    all.has_plain = all.has_plain || one->has_plain;
  }
  if (all.texts.empty()) return std::nullopt;
  CutToShortest(all);
  return all;
}

std::optional<std::vector<Cell>> CellsOf(const PatternStep& step) {
  std::vector<Cell> cells;
  const bool is_folded = step.op == PatternOp::kLiteralFolded;
  if (is_folded || step.op == PatternOp::kLiteral) {
    for (const uint8_t byte : step.bytes) {
      cells.push_back(CellOf(byte, is_folded));
    }
    return cells;
  }
  if (step.op == PatternOp::kMasked) {
    for (size_t i = 0; i + 1 < step.bytes.size(); i += 2) {
      cells.push_back(CellOf({step.bytes[i], step.bytes[i + 1]}));
      cells.back().is_choice = true;
      if (cells.back().texts.size() > kSpellingsMax) return std::nullopt;
    }
    return cells;
  }
  if (step.op != PatternOp::kOneOf) return std::nullopt;
  std::optional<Cell> one = OneOfThem(step);
  if (!one) return std::nullopt;
  one->is_choice = true;
  cells.push_back(std::move(*one));
  return cells;
}

// What may stand in the own bytes of a text where the form has the cell. False:
// it cannot be looked for.
bool PutIntoText(Cell& cell) {
  const bool is_folded = cell.has_folded;
  std::erase_if(cell.texts, [is_folded](const std::vector<uint8_t>& text) {
    return std::any_of(text.begin(), text.end(), [is_folded](uint8_t byte) {
      return IsForeignToView(byte, is_folded);
    });
  });
  cell.has_folded = true;
  cell.has_plain = false;
  return !cell.texts.empty() &&
         std::none_of(cell.texts.begin(), cell.texts.end(),
                      [](const std::vector<uint8_t>& text) {
                        return std::find(text.begin(), text.end(), ' ') !=
                               text.end();
                      });
}

// Cells that stand side by side.
std::vector<std::vector<Cell>> RunsOf(ByteView part, bool is_in_text) {
  std::vector<std::vector<Cell>> runs(1);
  uint32_t distance_min = 0;
  uint32_t distance_max = 0;
  PatternReader reader(part);
  while (const std::optional<PatternStep> step = reader.Next()) {
    if (step->op == PatternOp::kNear ||
        (step->op == PatternOp::kBoundary &&
         step->boundary.place != BoundaryPlace::kWithin)) {
      continue;  // It takes no place.
    }
    const auto lengths = LengthsOf(*step);
    if (!lengths) return {};
    std::optional<std::vector<Cell>> known = CellsOf(*step);
    bool is_over = !known;
    std::vector<Cell> cells = std::move(known).value_or(std::vector<Cell>());
    uint32_t at = 0;
    for (Cell& cell : cells) {
      cell.distance_min = distance_min + at;
      cell.distance_max = distance_max + at;
      at += static_cast<uint32_t>(cell.length());
      is_over = is_over || cell.is_cut;
      std::sort(cell.texts.begin(), cell.texts.end());
      cell.texts.erase(std::unique(cell.texts.begin(), cell.texts.end()),
                       cell.texts.end());
      if (is_in_text && !PutIntoText(cell)) {
        runs.emplace_back();
        continue;
      }
      runs.back().push_back(std::move(cell));
    }
    if (is_over) runs.emplace_back();
    distance_min += lengths->min;
    distance_max += lengths->max;
  }
  if (reader.is_broken()) return {};
  return runs;
}

void AddWindowsFrom(const std::vector<Cell>& run, size_t first,
                    const WindowWish& wish,
                    std::vector<SpelledWindow>& windows) {
  SpelledWindow window;
  window.texts = {{}};
  window.distance_min = run[first].distance_min;
  window.distance_max = run[first].distance_max;
  bool has_folded = false;
  bool has_plain = false;
  bool has_choice = false;
  for (size_t i = first; i < run.size(); ++i) {
    const Cell& cell = run[i];
    has_choice = has_choice || cell.is_choice;
    has_folded = has_folded || cell.has_folded;
    has_plain = has_plain || cell.has_plain;
    const size_t length = window.texts.front().size() + cell.length();
    if (length > wish.bytes_max || (has_folded && has_plain) ||
        window.texts.size() * cell.texts.size() > kSpellingsMax) {
      return;
    }
    window.texts = Product(window.texts, cell.texts);
    window.is_folded = has_folded;
    if (length >= wish.bytes_min && has_choice) {
      windows.push_back(window);
    }
  }
}

}  // namespace

std::vector<SpelledWindow> SpelledWindowsOf(ByteView part,
                                            const WindowWish& wish) {
  std::vector<SpelledWindow> windows;
  for (const std::vector<Cell>& run : RunsOf(part, wish.is_in_text)) {
    const bool has_choice =
        std::any_of(run.begin(), run.end(),
                    [](const Cell& cell) { return cell.is_choice; });
    if (!has_choice) continue;
    for (size_t i = 0; i < run.size(); ++i) {
      AddWindowsFrom(run, i, wish, windows);
    }
  }
  return windows;
}

}  // namespace gatehouse
