#include "bench/clean_content.h"

#include <array>
#include <cstdlib>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace gatehouse {
namespace {

constexpr size_t kPieceBytes = 4096;
constexpr std::array<std::string_view, 24> kWords = {
    "the",     "return",  "static",  "value", "int",     "struct",
    "const",   "file",    "include", "error", "of",      "and",
    "library", "license", "void",    "name",  "version", "data",
    "if",      "string",  "index",   "for",   "buffer",  "is"};

void AppendText(std::string& out, size_t end, std::mt19937& random) {
  while (out.size() < end) {
    out += kWords.at(random() % kWords.size());
    out += random() % 8 == 0 ? '\n' : ' ';
  }
  out.resize(end);
}

void AppendNoise(std::string& out, size_t end, std::mt19937& random) {
  while (out.size() < end) out += static_cast<char>(random() & 0xffU);
}

}  // namespace

std::string CleanContent(size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string content;
  content.reserve(bytes);
  while (content.size() < bytes) {
    const size_t end = std::min(bytes, content.size() + kPieceBytes);
    if (random() % 2 == 0) {
      AppendText(content, end, random);
    } else {
      AppendNoise(content, end, random);
    }
  }
  return content;
}

std::shared_ptr<const SignatureSet> RandomLiterals(size_t count) {
  std::mt19937 random(2024);
  Signatures signatures;
  for (size_t i = 0; i < count; ++i) {
    std::string literal;
    if (random() % 4 == 0) literal = kWords.at(random() % kWords.size());
    const size_t length = literal.size() + 6 + random() % 60;
    while (literal.size() < length) {
      literal += static_cast<char>(33 + random() % 94);
    }
    signatures.bodies.push_back(
        LiteralSignature("Bench." + std::to_string(i), AsBytes(literal)));
  }
  auto set = SignatureSet::Compile(std::move(signatures));
  if (!set) std::abort();  // Programming error.
  return std::move(*set);
}

}  // namespace gatehouse
