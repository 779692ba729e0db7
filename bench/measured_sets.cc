#include "bench/measured_sets.h"

#include <algorithm>
#include <random>
#include <set>
#include <span>
#include <utility>

#include "bench/pattern_expression.h"
#include "signatures/byte_pattern.h"

namespace gatehouse {
namespace {

constexpr size_t kLiteralBytesMin = 6;
constexpr size_t kLiteralBytesMax = 128;
constexpr uint32_t kGapMax = 1000;
constexpr size_t kGeneratedPatterns = 20000;
constexpr size_t kCheckedAtOnce = 4000;

bool IsPrintable(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](uint8_t byte) { return byte >= ' ' && byte < 0x7f; });
}

void AddProgram(const Program& program, PatternSource& source) {
  PatternReader reader(program);
  size_t fixed_bytes = 0;
  size_t steps = 0;
  bool is_printable = true;
  bool has_others = false;
  while (const auto step = reader.Next()) {
    ++steps;
    if (step->op == PatternOp::kLiteral) {
      fixed_bytes += step->bytes.size();
      is_printable = is_printable && IsPrintable(step->bytes);
      continue;
    }
    has_others = true;
    if (step->op == PatternOp::kGap && step->gap_max > kGapMax) return;
  }
  if (fixed_bytes < kLiteralBytesMin || !ExpressionOf(program).is_exact) return;
  if (has_others) {
    source.wildcards.push_back(program);
    return;
  }
  if (steps != 1) return;
  source.fixed.push_back(program);
  if (is_printable && fixed_bytes <= kLiteralBytesMax) {
    source.literals.push_back(program);
  }
}

void Shuffle(std::vector<Program>& programs, uint32_t seed) {
  std::mt19937 random(seed);
  std::shuffle(programs.begin(), programs.end(), random);
}

void ShuffleAll(PatternSource& source, uint32_t seed) {
  for (auto* programs : {&source.literals, &source.fixed, &source.wildcards}) {
    Shuffle(*programs, seed);
  }
}

// A piece of a file as a pattern: some bytes changed, some left open.
Program PieceAsProgram(ByteView piece, bool has_wildcards,
                       std::mt19937& random) {
  PatternWriter writer;
  const bool is_text = IsPrintable(piece);
  for (size_t i = 0; i < piece.size(); ++i) {
    if (has_wildcards && i != 0 && random() % 8 == 0) {
      writer.Any(1 + random() % 4);
    }
    if (has_wildcards && i == piece.size() / 2 && random() % 4 == 0) {
      writer.Gap(0, 1 + random() % 64);
    }
    const bool is_changed = i == piece.size() / 3 || random() % 16 == 0;
    const auto other =
        static_cast<uint8_t>(is_text ? ' ' + random() % 95 : random() % 256);
    writer.Literal(is_changed ? other : piece[i]);
  }
  return writer.Take();
}

MeasuredSet SetOf(std::string name, std::vector<const Program*> programs) {
  MeasuredSet set;
  set.name = std::move(name);
  for (const Program* program : programs) {
    Signature signature;
    signature.name = "Bench." + std::to_string(set.signatures.bodies.size());
    signature.atoms.emplace_back(PatternAtom{{*program}, {}});
    signature.logic = SingleAtomLogic();
    set.signatures.bodies.push_back(std::move(signature));
    set.expressions.push_back(ExpressionOf(*program).text);
  }
  return set;
}

void Take(const std::vector<Program>& from, size_t count,
          std::vector<const Program*>& to) {
  for (size_t i = 0; i < std::min(count, from.size()); ++i) {
    to.push_back(&from[i]);
  }
}

}  // namespace

PatternSource PatternsOf(const std::vector<Signature>& bodies, uint32_t seed) {
  std::set<Program> programs;
  for (const Signature& signature : bodies) {
    for (const Atom& atom : signature.atoms) {
      const auto* pattern = std::get_if<PatternAtom>(&atom);
      if (pattern == nullptr) continue;
      programs.insert(pattern->variants.begin(), pattern->variants.end());
    }
  }
  PatternSource source;
  for (const Program& program : programs) AddProgram(program, source);
  ShuffleAll(source, seed);
  return source;
}

PatternSource PatternsLike(const std::vector<CleanCorpus>& clean,
                           uint32_t seed) {
  PatternSource source;
  std::mt19937 random(seed);
  for (size_t i = 0; i < kGeneratedPatterns; ++i) {
    const CleanCorpus& corpus = clean[i % clean.size()];
    if (corpus.files.empty()) continue;
    const CleanFile& file = corpus.files[random() % corpus.files.size()];
    const size_t length = 10 + random() % 40;
    if (file.bytes.size() <= length) continue;
    const ByteView piece =
        ByteView(file.bytes)
            .subspan(random() % (file.bytes.size() - length), length);
    AddProgram(PieceAsProgram(piece, false, random), source);
    AddProgram(PieceAsProgram(piece, true, random), source);
  }
  return source;
}

size_t KeepUnseen(const std::vector<CleanCorpus>& clean, size_t wanted,
                  std::vector<Program>& programs) {
  std::vector<Program> kept;
  size_t seen = 0;
  for (size_t begin = 0; begin < programs.size() && kept.size() < wanted;
       begin += kCheckedAtOnce) {
    const std::span<Program> some = std::span(programs).subspan(
        begin, std::min(kCheckedAtOnce, programs.size() - begin));
    std::vector<std::string> expressions;
    for (const Program& program : some) {
      expressions.push_back(ExpressionOf(program).text);
    }
    std::vector<uint32_t> matches(some.size());
    const ExpressionDatabase database(expressions);
    for (const CleanCorpus& corpus : clean) {
      for (const CleanFile& file : corpus.files) {
        database.Scan(file.bytes, matches);
      }
    }
    for (size_t i = 0; i < some.size(); ++i) {
      if (matches[i] == 0) {
        kept.push_back(std::move(some[i]));
      } else {
        ++seen;
      }
    }
  }
  kept.resize(std::min(kept.size(), wanted));
  programs = std::move(kept);
  return seen;
}

MeasuredSet LiteralSet(const PatternSource& source, size_t count) {
  std::vector<const Program*> chosen;
  Take(source.literals, count, chosen);
  return SetOf(std::to_string(count) + " literals", std::move(chosen));
}

MeasuredSet OfOwnBytes(MeasuredSet set) {
  set.name += " of own bytes";
  set.is_of_own_bytes = true;
  for (Signature& signature : set.signatures.bodies) {
    signature.gates.is_of_own_bytes = true;
  }
  return set;
}

MeasuredSet MixedSet(const PatternSource& source, size_t count) {
  std::vector<const Program*> chosen;
  Take(source.fixed, count * 6 / 10, chosen);
  Take(source.wildcards, count - chosen.size(), chosen);
  return SetOf(std::to_string(count) + " mixed", std::move(chosen));
}

void AddExpressions(MeasuredSet& set) {
  std::set<std::string> expressions;
  for (const Signature& signature : set.signatures.bodies) {
    for (const Atom& atom : signature.atoms) {
      const auto* pattern = std::get_if<PatternAtom>(&atom);
      if (pattern == nullptr) continue;
      for (const Program& program : pattern->variants) {
        expressions.insert(ExpressionOf(program).text);
      }
    }
  }
  set.expressions.assign(expressions.begin(), expressions.end());
}

}  // namespace gatehouse
