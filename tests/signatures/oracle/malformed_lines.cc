// Malformed lines: for each format what can be wrong with it, by class.
#include <algorithm>
#include <functional>

#include "tests/signatures/oracle/pattern_maker.h"
#include "tests/signatures/oracle/signature_maker.h"

namespace gatehouse::oracle {
namespace {

// "%N" stands for the name, "%H" for hex digits that are good.
struct Template {
  const char* reason = "";
  const char* text = "";
};

const std::vector<Template>& HexTemplates() {
  static const std::vector<Template> templates = {
      {"odd-digits", "%H4"},
      {"not-hex", "%H4g"},
      {"empty-pattern", ""},
      {"no-fixed-run", "41??42??43"},
      {"no-fixed-run-in-part", "%H*41"},
      {"gap-at-start", "*%H"},
      {"gap-at-end", "%H*"},
      {"range-at-end", "%H{1-3}"},
      {"gap-not-a-number", "%H{x}4142"},
      {"gap-open", "%H{1-3"},
      {"group-open", "%H(41|42"},
      {"group-closed-twice", "%H(41|42))"},
      {"group-empty-alternative", "%H(|42)"},
      {"gap-in-group", "%H(41*42|43)"},
      {"range-in-group", "%H(41{1-2}42|43)"},
      {"boundary-in-group", "%H(41|(B))"},
      {"negation-of-lengths", "%H!(41|4242)"},
      {"negation-of-wild-card", "%H!(4?)"},
      {"bracket-too-wide", "41[1-33]414243"},
      {"bracket-backwards", "41[2-1]414243"},
      {"bracket-of-two-bytes", "4142[1-2]41424344"},
      {"space", "41 %H"},
  };
  return templates;
}

const std::vector<Template>& OffsetTemplates() {
  static const std::vector<Template> templates = {
      {"offset-unknown", "0x10"},     {"offset-for-executables", "EP+0"},
      {"offset-section-alone", "S1"}, {"offset-negative", "-1"},
      {"offset-shift-of-any", "*,5"}, {"offset-shift", "1,x"},
      {"offset-end-without", "EOF"},  {"offset-end-plus", "EOF+1"},
  };
  return templates;
}

std::vector<Template> HashTemplates(bool size_first) {
  if (size_first) {
    return {{"digest-length", "1:aabb:%N"},
            {"digest-not-hex", "1:gggggggggggggggggggggggggggggggg:%N"},
            {"size-zero", "0:%D:%N"},
            {"size-not-a-number", "x:%D:%N"},
            {"size-any-without-level", "*:%D:%N"},
            {"few-fields", "1:%D"},
            {"many-fields", "1:%D:%N:1:2:3"},
            {"no-name", "1:%D:"}};
  }
  return {{"digest-length", "aabb:1:%N"},
          {"digest-not-hex", "gggggggggggggggggggggggggggggggg:1:%N"},
          {"size-zero", "%D:0:%N"},
          {"size-not-a-number", "%D:x:%N"},
          {"size-too-large", "%D:4294967295:%N"},
          {"size-any-without-level", "%D:*:%N"},
          {"size-any-low-level", "%D:*:%N:72"},
          {"few-fields", "%D:1"},
          {"many-fields", "%D:1:%N:1:2:3"},
          {"no-name", "%D:1:"}};
}

const std::vector<Template>& LdbTemplates() {
  static const std::vector<Template> templates = {
      {"few-fields", "%N;Engine:81-255,Target:0;0"},
      {"no-name", ";Engine:81-255,Target:0;0;%H"},
      {"no-target", "%N;Engine:81-255;0;%H"},
      {"attribute-empty", "%N;Engine:81-255,,Target:0;0;%H"},
      {"attribute-without-colon", "%N;Engine:81-255,Target;0;%H"},
      {"engine-not-first", "%N;Target:0,Engine:81-255;0;%H"},
      {"engine-no-range", "%N;Engine:81,Target:0;0;%H"},
      {"engine-too-low", "%N;Engine:50-255,Target:0,FileSize:1-9;0;%H"},
      {"target-not-a-number", "%N;Engine:81-255,Target:x;0;%H"},
      {"size-no-range", "%N;Engine:81-255,Target:0,FileSize:9;0;%H"},
      {"entry-point-of-none", "%N;Engine:81-255,Target:0,EntryPoint:1-9;0;%H"},
      {"sections-of-none",
       "%N;Engine:81-255,Target:7,NumberOfSections:1-9;0;%H"},
      {"icon-of-none", "%N;Engine:81-255,Target:0,IconGroup1:a;0;%H"},
      {"logic-empty", "%N;Engine:81-255,Target:0;;%H"},
      {"logic-misses-last", "%N;Engine:81-255,Target:0;0;%H;%H"},
      {"logic-beyond-last", "%N;Engine:81-255,Target:0;0&1;%H"},
      {"logic-no-left", "%N;Engine:81-255,Target:0;&0;%H"},
      {"logic-no-right", "%N;Engine:81-255,Target:0;0&;%H"},
      {"logic-open", "%N;Engine:81-255,Target:0;(0;%H"},
      {"logic-closed-twice", "%N;Engine:81-255,Target:0;0);%H"},
      {"logic-no-count", "%N;Engine:81-255,Target:0;0=;%H"},
      {"logic-count-of-no-group", "%N;Engine:81-255,Target:0;(0)=2;%H"},
      {"logic-two-operators", "%N;Engine:81-255,Target:0;0&&0;%H"},
      {"subsignature-empty", "%N;Engine:81-255,Target:0;0;"},
      {"subsignature-flag", "%N;Engine:81-255,Target:0;0;%H::x"},
      {"subsignature-one-colon", "%N;Engine:81-255,Target:0;0;%H:i"},
      {"negation-under-flag", "%N;Engine:81-255,Target:0;0;%H!(41|42)::i"},
      {"regex-open", "%N;Engine:81-255,Target:0;0&1;%H;0/a"},
      {"regex-no-trigger", "%N;Engine:81-255,Target:0;0&1;%H;/a/"},
      {"regex-empty", "%N;Engine:81-255,Target:0;0&1;%H;0//"},
      {"regex-own-trigger", "%N;Engine:81-255,Target:0;0&1;%H;1/a/"},
      {"regex-flag", "%N;Engine:81-255,Target:0;0&1;%H;0/a/z"},
      {"regex-broken", "%N;Engine:81-255,Target:0;0&1;%H;0/(a/"},
      {"compare-length", "%N;Engine:81-255,Target:0;0&1;%H;0(>>4#ib3#=1)"},
      {"compare-sign", "%N;Engine:81-255,Target:0;0&1;%H;0(>>4#ib1#!0)"},
      {"compare-option", "%N;Engine:81-255,Target:0;0&1;%H;0(>>4#zb1#>0)"},
      {"compare-decimal-little",
       "%N;Engine:81-255,Target:0;0&1;%H;0(>>4#dl3#=1)"},
      {"compare-three", "%N;Engine:81-255,Target:0;0&1;%H;0(>>4#ib1#>0,<9,=4)"},
  };
  return templates;
}

const std::vector<Template>& ContainerTemplates() {
  static const std::vector<Template> templates = {
      {"few-fields", "%N:*:*:*:*:*:*:*:*"},
      {"many-fields", "%N:*:*:*:*:*:*:*:*:*:1:2:3"},
      {"size-not-a-number", "%N:*:x:*:*:*:*:*:*:*"},
      {"regex-broken", "%N:*:*:(a:*:*:*:*:*:*"},
      {"position-not-a-number", "%N:*:*:*:*:*:*:x:*:*"},
      {"no-name", ":*:*:*:*:*:*:*:*:*"},
  };
  return templates;
}

const std::vector<Template>& MagicTemplates() {
  static const std::vector<Template> templates = {
      {"few-fields", "0:0:%H:%N:CL_TYPE_ANY"},
      {"many-fields", "0:0:%H:%N:CL_TYPE_ANY:CL_TYPE_ZIP:1:2:3"},
      {"offset-not-a-number", "0:x:%H:%N:CL_TYPE_ANY:CL_TYPE_ZIP"},
      {"not-hex", "0:0:4g:%N:CL_TYPE_ANY:CL_TYPE_ZIP"},
  };
  return templates;
}

const std::vector<Template>& PasswordTemplates() {
  static const std::vector<Template> templates = {
      {"few-fields", "%N;Engine:81-255,Target:0;0"},
      {"type-not-a-number", "%N;Engine:81-255,Target:0;x;secret"},
      {"type-unknown", "%N;Engine:81-255,Target:0;7;secret"},
      {"not-hex", "%N;Engine:81-255,Target:0;1;4g"},
  };
  return templates;
}

std::vector<Template> NdbTemplates() {
  return {{"few-fields", "%N:0:*"},
          {"many-fields", "%N:0:*:%H:1:2:3"},
          {"target-not-a-number", "%N:x:*:%H"},
          {"level-not-a-number", "%N:0:*:%H:x"},
          {"no-name", ":0:*:%H"},
          {"literal-short", "%N:0:*:4142"}};
}

// The templates of the lines themselves.
std::vector<Template> LineTemplates(std::string_view extension) {
  if (extension == "ndb" || extension == "ndu") return NdbTemplates();
  if (extension == "ldb" || extension == "ldu") return LdbTemplates();
  if (extension == "cdb") return ContainerTemplates();
  if (extension == "ftm") return MagicTemplates();
  if (extension == "pwdb") return PasswordTemplates();
  if (extension == "mdb" || extension == "msb") return HashTemplates(true);
  if (extension == "imp") {
    std::vector<Template> templates = HashTemplates(false);
    std::erase_if(templates, [](const Template& one) {
      return std::string_view(one.reason).starts_with("size-any");
    });
    return templates;
  }
  if (extension == "db") {
    return {{"no-equals", "%N:%H"}, {"no-name", "=%H"}, {"empty", "%N="}};
  }
  if (extension == "ign") {
    return {{"few-fields", "daily.ndb:1"}};
  }
  if (extension == "ign2") return {{"digest-length", "%N:aabb"}};
  return HashTemplates(false);
}

// And those of lines around a malformed pattern or offset.
std::vector<std::pair<std::string, std::string>> AllTemplates(
    std::string_view extension) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Template& one : LineTemplates(extension)) {
    all.emplace_back(one.reason, one.text);
  }
  const bool ndb = extension == "ndb" || extension == "ndu";
  const bool ldb = extension == "ldb" || extension == "ldu";
  std::string head = ndb ? "%N:0:*:" : "%N;Engine:81-255,Target:0;0;";
  if (extension == "db") head = "%N=";
  if (ndb || ldb || extension == "db") {
    for (const Template& one : HexTemplates()) {
      all.emplace_back(one.reason, head + one.text);
    }
  }
  if (ndb || ldb) {
    const std::string before = ndb ? "%N:0:" : head;
    for (const Template& one : OffsetTemplates()) {
      all.emplace_back(one.reason, before + one.text + ":%H");
    }
  }
  return all;
}

void ReplaceAll(std::string& text, std::string_view mark,
                const std::function<std::string()>& make) {
  for (size_t at = text.find(mark); at != text.npos; at = text.find(mark)) {
    text.replace(at, mark.size(), make());
  }
}

}  // namespace

MadeLine SignatureMaker::MakeMalformed(std::string_view extension,
                                       std::string_view name) {
  const auto templates = AllTemplates(extension);
  const auto& [reason, text] = dice_.OneOf(templates);
  MadeLine line{text, reason, std::nullopt};
  ReplaceAll(line.text, "%N", [&] { return std::string(name); });
  ReplaceAll(line.text, "%D", [&] {
    std::string digits;
    while (digits.size() < 32) digits += "0123456789abcdef"[dice_.Below(16)];
    return digits;
  });
  ReplaceAll(line.text, "%H", [&] {
    std::string digits;
    while (digits.size() < 8) digits += dice_.OneIn(2) ? "41" : "42";
    return digits;
  });
  return line;
}

std::vector<std::string> SignatureMaker::MalformedReasons(
    std::string_view extension) {
  std::vector<std::string> reasons;
  for (const auto& [reason, text] : AllTemplates(extension)) {
    reasons.push_back(reason);
  }
  return reasons;
}

}  // namespace gatehouse::oracle
