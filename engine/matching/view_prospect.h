// ViewProspect: may a signature match the normalised form of a text? Judged by
// the text's own bytes, so that the form is made for few texts only.
//
// A literal of the form stands in the text with other white space, in any case,
// and with bytes between that normalisation drops. Of each pattern that a
// signature needs, the longest word of some literal is looked for in the text;
// where it stands, the literal around it, and then the pattern in what becomes
// of these few bytes. What cannot be told so may match.
//
// Thread-compatible. Borrows the tables; keeps its memory from text to text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "engine/format/content.h"
#include "engine/matching/byte_set.h"
#include "engine/matching/pattern_search.h"
#include "engine/matching/probe_search.h"
#include "engine/matching/regex_literal.h"
#include "engine/matching/work_budget.h"
#include "signatures/byte_pattern.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

// A word is looked for by this much of it.
inline constexpr size_t kProspectWordBytesMax = 32;

// A text, as it is.
struct OwnText {
  Content& content;
  // Its words in which bytes are dropped, without these (TextSeams).
  ByteView seams;
  bool has_all_seams = true;
  // For looking through it: when it is used up, what is not told may match.
  WorkBudget& looks;
};

class ViewProspect {
 public:
  explicit ViewProspect(const SignatureTables& tables);

  // Whether what a use tells stands around one of the places where its literal
  // ends in the text. Needs no Begin.
  [[nodiscard]] bool MayStandAmid(const ViewUse& use,
                                  std::span<const uint64_t> ends,
                                  const OwnText& text) const;
  // The patterns that the normalised form of the text may begin with.
  // Needs no Begin.
  [[nodiscard]] const std::vector<const AnchorUse*>& MayBeginWith(
      const OwnText& text);
  // A new text: what is known of the one before is forgotten.
  void Begin(const OwnText& text);
  // False: the signature, one of the tables, does not match the normalised form
  // of `text`, the one that was begun.
  [[nodiscard]] bool MayMatch(const SignatureRecord& signature,
                              const OwnText& text);

 private:
  // Of one part of a pattern, what is looked for.
  struct Look {
    explicit Look(const PatternPart& what);

    PatternPart part;
    // A word, of the literal `run`: bytes without white space.
    FixedRun run;
    size_t begin = 0;         // In the run.
    size_t size = 0;          // None: there is none.
    ByteSet behind;           // What may follow the run.
    bool is_foreign = false;  // Has a literal that no normalised text has.
    ProbeSearch in_seams;     // For the word.
    ProbeSearch in_text;      // With the white space beside it, if the run has
    size_t in_front = 0;      // some: of that, how much is in front of it.
    // Of the text with this number: whether it may stand there.
    uint64_t text = 0;
    bool stands = false;

    unsigned rarity = 0;  // The more, the fewer texts have it; 0 if all may.
  };
  // One of these must stand in a text.
  struct Need {
    std::vector<Look*> any;
    unsigned rarity = 0;  // Of the least rare one.
  };
  // Of a signature, in the order in which they are asked for: those that are
  // missing come to the front.
  struct Needs {
    std::vector<Need> all;
    // To read expressions takes long: only when a text has all the others.
    bool has_expressions = false;
  };
  struct Variant {
    std::vector<Look> looks;  // By part.
    // Of a pattern of several parts, which follow each other.
    std::vector<PatternPart> parts;
    std::optional<uint64_t> length_max;  // Of all of them together.
  };
  class NeedsReader;
  struct Known {
    std::vector<Variant> variants;
    std::vector<std::vector<Look>> choices;  // One of each is needed, too.
    std::vector<RegexLiteralSet> texts;      // That parts are views of.
    bool is_foreign = true;                  // All of them.
    // Of the text with this number: whether there may be so many matches.
    uint64_t text = 0;
    uint64_t enough = 0;
    bool may_match = false;
  };
  struct Case {
    const SignatureRecord& signature;
    const OwnText& text;
    bool searches = false;  // Else only what needs no look through the text.
    // Of an expression. Triggers that ask for triggers could take for ever, so
    // of those within one it is only told whether their expressions may match.
    bool is_trigger = false;
  };
  // View anchors that look at the same bytes, by value.
  struct Beginning {
    uint64_t place = 0;
    uint32_t mask = 0;
    std::span<const AnchorUse> anchors;
  };
  // What MayStand looks through: some bytes of the text, or its seams.
  struct Chunk {
    ByteView bytes;
    size_t begin = 0;  // Words that begin here..
    size_t end = 0;    // ..to here.
    bool begins_text = false;
    bool ends_text = false;
  };

  // Also when there is no match at all.
  static bool HoldsWithoutMatch(const LogicNode& node) {
    return node.comparison == Comparison::kLess ||
           (node.comparison == Comparison::kEqual && node.count == 0);
  }
  bool HasNeeds(const Case& one);
  bool HasAll(std::vector<Need>& needs, const OwnText& text);
  bool StandsOnce(Look& look, const OwnText& text);
  bool MayHold(const Case& one, uint32_t node);
  bool MayMatchAtom(const Case& one, uint32_t atom, uint64_t enough);
  bool MayTriggerHold(const Case& one, const AtomRecord& regex);
  bool MayMatchPattern(const Case& one, const AtomRecord& atom,
                       uint64_t enough);
  bool MayMatchAnywhere(const Case& one, const AtomRecord& atom,
                        uint64_t enough);
  bool MayMatchSo(Variant& variant, const OwnText& text, uint64_t& enough);
  void ReadHead(const OwnText& text);
  bool HasAny(std::vector<Look>& looks, const OwnText& text);
  bool MayStartAt(const Look& look, const OffsetRecord& offset) const;
  bool FitsHead(const Look& look, uint64_t place) const;
  // A part is looked for; or around its word the whole variant.
  struct Wanted {
    const Look& look;
    const Variant* whole = nullptr;
  };
  bool MayStand(const Wanted& wanted, const OwnText& text, uint64_t& enough);
  static bool IsInSeams(const Look& look, ByteView seams, WorkBudget& looks);
  static std::optional<size_t> NextWord(const Look& look, ByteView bytes,
                                        size_t from, WorkBudget& looks);
  // Of a literal, the bytes from `begin` to `end` stand at `place`.
  struct Piece {
    ByteView literal;
    size_t begin = 0;
    size_t end = 0;
    const ByteSet* behind = nullptr;  // One of these follows the literal.
  };
  bool HasNeighbour(const ViewUse& use, const Chunk& chunk, size_t place,
                    WorkBudget& looks) const;
  static bool IsAmidLiteral(const Piece& piece, const Chunk& chunk,
                            size_t place, WorkBudget& looks);
  bool StandsIn(const Wanted& wanted, const Chunk& chunk, WorkBudget& looks,
                uint64_t& enough);
  bool MayMatchAround(const Look& look, const Chunk& chunk, size_t place,
                      WorkBudget& looks);
  bool MayMatchWholeAround(const Variant& whole, const Chunk& chunk,
                           size_t place, WorkBudget& looks);
  // What becomes of some bytes of a chunk, in around_.
  struct Around {
    size_t place = 0;  // What stood at a place of the chunk.
    bool begins_text = false;
    bool ends_text = false;
  };
  Around NormaliseAround(const Chunk& chunk, size_t place, size_t reach,
                         WorkBudget& looks);
  Known& KnownOf(const AtomRecord& atom);
  void AddRegex(const AtomRecord& atom, Known& known) const;

  const SignatureTables& tables_;
  std::unordered_map<uint32_t, Known> known_;  // By code.
  // They point into known_.
  std::unordered_map<const SignatureRecord*, Needs> needs_;
  uint64_t text_ = 0;
  std::vector<uint8_t> head_;  // What the text begins with, normalised.
  bool is_head_whole_ = false;
  bool has_head_ = false;
  std::vector<Beginning> beginnings_;
  std::vector<const AnchorUse*> may_begin_;
  std::vector<uint8_t> around_;  // Some bytes of the text, normalised.
  size_t looks_left_ = 0;        // Around places.
  PatternSearch search_;
};

}  // namespace gatehouse
