// Explanation: why a file got its verdict, what was nearly found, and what the
// scan cost.
//
// Plain values; thread-compatible; they own their text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/file_type.h"
#include "engine/matching/scan_notes.h"
#include "engine/verdict.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

// The words of ScanStage, AtomKind and the kinds of layers, for output.
inline constexpr std::array<std::string_view, kScanStageCount> kScanStageWords =
    {"reading", "type_detection", "triggers", "facts",
     "views",   "confirmation",   "hashes",   "allow_lists"};
inline constexpr std::array<std::string_view, 4> kAtomKindWords = {
    "pattern", "expression", "byte_compare", "macro"};
inline constexpr std::array<std::string_view, 4> kLayerWords = {
    "file", "text_view", "html_no_comments_view", "html_no_tags_view"};

struct ExplainedAtom {
  AtomKind kind = AtomKind::kPattern;
  uint64_t count = 0;  // Of matches.
  // Where the first of them begin, in the layer; of a pattern with gaps, where
  // its last part begins.
  std::vector<uint64_t> places;
};

// A gate that did not let it pass.
struct ExplainedGate {
  // "target", "file_size", "own_bytes", "entry_point", "sections",
  // "container".
  std::string_view gate;
  std::string text;  // "is 7, wants 100 to 200".
};

struct ExplainedSignature {
  std::string name;
  size_t layer = 0;  // In Explanation::layers.
  bool matches = false;
  bool is_asked = false;  // By its name.
  std::string
      logic;  // "(0&1)>2": of atoms by their numbers. Cut if it is long.
  std::vector<ExplainedAtom> atoms;
  std::vector<ExplainedGate> failed_gates;
  std::vector<std::string> reasons;  // Why the logic does not hold.
  bool is_complete = true;           // False: the work limit ended it.
  // What the search for everything says is what the scan said.
  bool agrees = true;
};

struct ExplainedLayer {
  std::string_view word;  // One of kLayerWords.
  uint8_t target = 0;
  uint64_t bytes = 0;
  size_t triggers = 0;          // Different ones that were seen.
  size_t crowded_triggers = 0;  // Of which not all places are known.
  size_t candidates = 0;        // Signatures that were looked at.
};

struct StageCost {
  std::string_view stage;
  uint64_t cpu_ns = 0;
};

struct Explanation {
  Verdict verdict;  // Of an ordinary scan.
  FileType type = FileType::kBinary;
  std::vector<ExplainedLayer> layers;
  std::vector<ExplainedSignature> matches;      // Of bodies; not of hashes.
  std::vector<ExplainedSignature> near_misses;  // The nearest first.
  // There was no room for them, or the work limit was reached before.
  size_t matches_left_out = 0;
  size_t near_misses_left_out = 0;
  size_t candidates_left_out = 0;
  bool has_asked_signature = false;  // It is among the signatures.
  // Names that come from hashes or the built-in rule.
  std::vector<std::string> other_names;
  std::vector<StageCost> costs;  // Of an ordinary scan.
  uint64_t triggers = 0;
  uint64_t candidates = 0;
  uint64_t atoms_tried = 0;
  bool views_are_cut = false;
  // False: the scan that looked for reasons came to another verdict than the
  // ordinary one, or a signature to another answer. A bug, or a file that
  // changes.
  bool agrees = true;
};

}  // namespace gatehouse
