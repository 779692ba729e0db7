#include "cli/explanation_text.h"

#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/display_text.h"
#include "cli/load_report_text.h"
#include "engine/format/file_type.h"

namespace gatehouse {
namespace {

std::string Words(std::initializer_list<std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) text += word;
  return text;
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) {
    if (!joined.empty()) joined += ", ";
    joined += DisplayText(text);
  }
  return joined;
}

std::string PlacesText(const ExplainedAtom& atom) {
  std::string text = std::to_string(atom.count) + " match(es)";
  const char* separator = " at ";
  for (const uint64_t place : atom.places) {
    text += separator + std::to_string(place);
    separator = ", ";
  }
  if (atom.count > atom.places.size() && !atom.places.empty()) text += ", ...";
  return text;
}

std::string MillisecondsText(uint64_t nanoseconds) {
  std::array<char, 32> text = {};
  (void)std::snprintf(text.data(), text.size(), "%.3f ms",
                      static_cast<double>(nanoseconds) / 1e6);
  return text.data();
}

std::string_view KindWord(AtomKind kind) {
  return kAtomKindWords.at(static_cast<size_t>(kind));
}

// What keeps the answer from being all there is to know.
std::vector<std::string> LimitsOf(const Explanation& told) {
  std::vector<std::string> limits;
  const Verdict& verdict = told.verdict;
  for (const NotScannedReason reason : {verdict.reason, verdict.unfinished}) {
    if (reason != NotScannedReason::kNone)
      limits.emplace_back(ReasonWord(reason));
  }
  if (verdict.kind == VerdictKind::kInfected && !verdict.knows_all_names &&
      verdict.unfinished == NotScannedReason::kNone &&
      verdict.error_number == 0) {
    limits.emplace_back("more_names_than_are_kept");
  }
  if (told.views_are_cut) limits.emplace_back("views_cut");
  if (told.candidates_left_out != 0) limits.emplace_back("work_of_explaining");
  return limits;
}

std::string VerdictText(const Verdict& verdict) {
  std::string text(VerdictWord(verdict.kind));
  if (verdict.kind == VerdictKind::kNotScanned) {
    text += Words({" (", ReasonWord(verdict.reason), ")"});
  }
  if (verdict.threat_name.empty()) return text;
  text += ", " + DisplayText(verdict.threat_name);
  if (!verdict.allowed_by.empty()) {
    text += ", allowed by " + DisplayText(verdict.allowed_by);
  }
  return text;
}

void AddSignature(const Explanation& told, const ExplainedSignature& signature,
                  std::vector<std::string>& lines) {
  const ExplainedLayer& layer = told.layers.at(signature.layer);
  lines.push_back("\t" + DisplayText(signature.name) + " in " +
                  std::string(layer.word) + ": " + signature.logic);
  for (const ExplainedGate& gate : signature.failed_gates) {
    lines.push_back(
        Words({"\t\tgate ", gate.gate, " ", DisplayText(gate.text)}));
  }
  for (size_t i = 0; i < signature.atoms.size(); ++i) {
    const ExplainedAtom& atom = signature.atoms[i];
    lines.push_back("\t\t" + std::to_string(i) + " " +
                    std::string(KindWord(atom.kind)) + ": " + PlacesText(atom));
  }
  for (const std::string& reason : signature.reasons) {
    lines.push_back("\t\tbecause " + reason);
  }
  if (!signature.is_complete) lines.emplace_back("\t\tcut by the work limit");
}

void AddSignatures(const Explanation& told, const char* title,
                   const std::vector<ExplainedSignature>& list, size_t left_out,
                   std::vector<std::string>& lines) {
  lines.push_back(std::string(title) + ": " +
                  std::to_string(list.size() + left_out));
  for (const ExplainedSignature& signature : list) {
    AddSignature(told, signature, lines);
  }
  if (left_out != 0) {
    lines.push_back("\tand " + std::to_string(left_out) + " more");
  }
}

std::string AllowedText(const AllowedAnswer& allowed) {
  if (!allowed.problem.empty()) {
    return "not known: " + DisplayText(allowed.problem);
  }
  if (allowed.is_content_allowed) return "the content is allowed";
  return allowed.names.empty() ? "nothing of it is allowed"
                               : "allowed names: " + Joined(allowed.names);
}

Json SignatureJson(const Explanation& told,
                   const ExplainedSignature& signature) {
  Json json = Json::object();
  PutPath(json, "name", signature.name);
  json["layer"] = signature.layer;
  json["layerKind"] = told.layers.at(signature.layer).word;
  json["logic"] = signature.logic;
  json["subsignatures"] = Json::array();
  for (const ExplainedAtom& atom : signature.atoms) {
    json["subsignatures"].push_back({{"kind", KindWord(atom.kind)},
                                     {"matches", atom.count},
                                     {"places", atom.places}});
  }
  json["failedGates"] = Json::array();
  for (const ExplainedGate& gate : signature.failed_gates) {
    json["failedGates"].push_back(
        {{"gate", gate.gate}, {"text", DisplayText(gate.text)}});
  }
  json["reasons"] = signature.reasons;
  json["isComplete"] = signature.is_complete;
  return json;
}

Json SignaturesJson(const Explanation& told,
                    const std::vector<ExplainedSignature>& list) {
  Json json = Json::array();
  for (const ExplainedSignature& signature : list) {
    json.push_back(SignatureJson(told, signature));
  }
  return json;
}

void PutNames(Json& json, const char* key,
              const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const std::string& name : names) {
    Json entry = Json::object();
    PutPath(entry, "name", name);
    list.push_back(std::move(entry));
  }
  json[key] = std::move(list);
}

Json VerdictJson(const Verdict& verdict) {
  Json json = {{"kind", VerdictWord(verdict.kind)}};
  if (verdict.reason != NotScannedReason::kNone) {
    json["reason"] = ReasonWord(verdict.reason);
  }
  if (!verdict.threat_name.empty()) PutPath(json, "name", verdict.threat_name);
  PutNames(json, "otherNames", verdict.other_names);
  if (!verdict.allowed_by.empty()) {
    PutPath(json, "allowedBy", verdict.allowed_by);
  }
  if (!verdict.sha256.empty()) json["sha256"] = verdict.sha256;
  json["bytesScanned"] = verdict.bytes_scanned;
  return json;
}

Json LayersJson(const Explanation& told) {
  Json json = Json::array();
  for (const ExplainedLayer& layer : told.layers) {
    json.push_back({{"kind", layer.word},
                    {"target", layer.target},
                    {"bytes", layer.bytes},
                    {"triggersSeen", layer.triggers},
                    {"triggersWithoutAllPlaces", layer.crowded_triggers},
                    {"signaturesLookedAt", layer.candidates}});
  }
  return json;
}

}  // namespace

std::vector<std::string> ExplanationLines(const ExplainedFile& file) {
  const Explanation& told = file.explanation;
  const Verdict& verdict = told.verdict;
  std::vector<std::string> lines = {
      "File: \"" + DisplayText(file.path) + "\"",
      Words({"Type: ", TypeName(told.type), ", target ",
             std::to_string(TargetOf(told.type)), ", ",
             std::to_string(verdict.bytes_scanned), " bytes"}),
      "Verdict: " + VerdictText(verdict)};
  if (!verdict.other_names.empty()) {
    lines.push_back("Other names: " + Joined(verdict.other_names));
  }
  if (!told.other_names.empty()) {
    lines.push_back("By a hash or the built-in rule: " +
                    Joined(told.other_names));
  }
  if (!verdict.sha256.empty()) lines.push_back("SHA-256: " + verdict.sha256);
  if (file.allowed) {
    lines.push_back("Allowed by administrators: " + AllowedText(*file.allowed));
  }
  const std::vector<std::string> limits = LimitsOf(told);
  if (!limits.empty()) lines.push_back("Limits: " + Joined(limits));
  if (!file.asked_signature.empty() && !told.has_asked_signature) {
    lines.push_back("Among those that are loaded is no signature \"" +
                    DisplayText(file.asked_signature) + "\"");
  }
  lines.emplace_back("Layers:");
  for (const ExplainedLayer& layer : told.layers) {
    lines.push_back(
        Words({"\t", layer.word, ": ", std::to_string(layer.bytes), " bytes, ",
               std::to_string(layer.triggers), " triggers seen, ",
               std::to_string(layer.candidates), " signatures looked at"}));
  }
  AddSignatures(told, "Matches", told.matches, told.matches_left_out, lines);
  AddSignatures(told, "Near misses", told.near_misses,
                told.near_misses_left_out, lines);
  lines.emplace_back("CPU time:");
  for (const StageCost& cost : told.costs) {
    lines.push_back(
        Words({"\t", cost.stage, ": ", MillisecondsText(cost.cpu_ns)}));
  }
  lines.push_back("Work: " + std::to_string(told.triggers) +
                  " triggers seen, " + std::to_string(told.candidates) +
                  " signatures looked at, " + std::to_string(told.atoms_tried) +
                  " subsignatures tried");
  if (!told.agrees) {
    lines.emplace_back(
        "Warning: the scans disagree: the file changes, or this is a bug");
  }
  return lines;
}

Json ExplanationJson(const ExplainedFile& file) {
  const Explanation& told = file.explanation;
  Json json = {{"$type", "explanation"}};
  PutPath(json, "path", file.path);
  json["type"] = TypeName(told.type);
  json["target"] = TargetOf(told.type);
  json["verdict"] = VerdictJson(told.verdict);
  PutNames(json, "namesOfHashesAndRules", told.other_names);
  if (file.allowed && !file.allowed->problem.empty()) {
    json["allowedByAdministrators"] = {{"problem", file.allowed->problem}};
  } else if (file.allowed) {
    json["allowedByAdministrators"] = {
        {"content", file.allowed->is_content_allowed}};
    PutNames(json["allowedByAdministrators"], "names", file.allowed->names);
  }
  json["limits"] = LimitsOf(told);
  if (!file.asked_signature.empty()) {
    json["hasAskedSignature"] = told.has_asked_signature;
  }
  json["layers"] = LayersJson(told);
  json["matches"] = SignaturesJson(told, told.matches);
  json["matchesLeftOut"] = told.matches_left_out;
  json["nearMisses"] = SignaturesJson(told, told.near_misses);
  json["nearMissesLeftOut"] = told.near_misses_left_out;
  json["cpuTimeNs"] = Json::object();
  for (const StageCost& cost : told.costs) {
    json["cpuTimeNs"][std::string(cost.stage)] = cost.cpu_ns;
  }
  json["triggersSeen"] = told.triggers;
  json["signaturesLookedAt"] = told.candidates;
  json["subsignaturesTried"] = told.atoms_tried;
  json["agrees"] = told.agrees;
  return json;
}

}  // namespace gatehouse
