// RegexForms: what the matches of a part of an expression look like.
//
// Each match has one of a few forms. A closed form is a string, the whole
// match. An open one tells how the match begins, how it ends and what is
// somewhere in it; these may overlap. What does not fit becomes less telling,
// never wrong: an open form without any bytes is whatever you like.
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/matching/regex_literal.h"

namespace gatehouse {

class RegexForms {
 public:
  static constexpr uint32_t kEndless = ~uint32_t{0};

  // Nothing but this string.
  explicit RegexForms(std::string_view text);
  static RegexForms Anything();

  // What stands behind it.
  void Append(std::string_view text);
  void Append(RegexForms next);
  // Or it looks like `other`.
  void AddChoice(RegexForms other);
  void Repeat(uint32_t min, uint32_t max);

  // Of each of them every match contains a member, the most telling first.
  [[nodiscard]] std::vector<RegexLiteralSet> LiteralSets() &&;

 private:
  struct Form {
    bool is_open = false;
    std::string begin;  // Closed: all of it.
    std::string end;
    std::string amid;
  };
  using Forms = std::vector<Form>;

  static Form Joined(Form left, const Form& right);
  static bool Covers(const Form& form, const Form& other);
  static const std::string& Longest(const Form& form);
  static Form Amid(std::string_view literal);
  static void AddSets(const Forms& forms, std::vector<RegexLiteralSet>& sets);
  static void Tidy(Forms& forms);
  static void Merge(Forms& forms, size_t most);
  static void Reduce(Forms& forms, size_t most);

  [[nodiscard]] bool IsOpen() const;
  [[nodiscard]] bool IsClosed() const;
  void Break();
  void BeOnceOrMore();
  Forms TakeForms() &&;

  Forms forms_;
  std::vector<RegexLiteralSet> sets_;  // Of which forms_ need not tell.
};

}  // namespace gatehouse
