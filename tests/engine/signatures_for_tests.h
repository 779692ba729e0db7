// Short ways to write signatures and scanners in tests.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/scanner.h"
#include "signatures/clamav/signature_line.h"
#include "signatures/signature_set.h"

namespace gatehouse {

inline constexpr uint64_t kAnyOffset = ~uint64_t{0};
inline constexpr size_t kLiteralBytesMax = 4000;

// A literal, anywhere or at one offset, in a form that oracles can read.
struct BodySignature {
  std::string name;
  std::vector<uint8_t> literal;
  uint64_t offset = kAnyOffset;
};

inline Signature SignatureOf(const BodySignature& body) {
  PatternOffset offset;
  if (body.offset != kAnyOffset) {
    offset.base = OffsetBase::kStart;
    offset.delta = static_cast<int64_t>(body.offset);
  }
  return LiteralSignature(body.name, body.literal, offset);
}

inline BodySignature Body(std::string name, std::string_view literal,
                          uint64_t offset = kAnyOffset) {
  const ByteView bytes = AsBytes(literal);
  return {std::move(name), {bytes.begin(), bytes.end()}, offset};
}

// The digest of `content` according to md5sum and its family: not our code.
inline std::vector<uint8_t> DigestByProgram(const std::string& program,
                                            const std::string& path) {
  const std::string command = program + " '" + path + "'";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::array<char, 128> line = {};
  EXPECT_NE(std::fgets(line.data(), line.size(), pipe), nullptr);
  EXPECT_EQ(::pclose(pipe), 0);
  const std::string text(line.data());
  return ParseHex(text.substr(0, text.find(' '))).value();
}

inline HashSignature HashByProgram(std::string name, DigestAlgorithm algorithm,
                                   const std::string& path, uint64_t size) {
  static constexpr std::array<const char*, kDigestAlgorithmCount> kPrograms = {
      "md5sum", "sha1sum", "sha256sum"};
  HashSignature signature;
  signature.name = std::move(name);
  signature.algorithm = algorithm;
  signature.size = size;
  const std::vector<uint8_t> digest =
      DigestByProgram(kPrograms.at(static_cast<size_t>(algorithm)), path);
  EXPECT_EQ(digest.size(), DigestBytes(algorithm));
  std::copy(digest.begin(), digest.end(), signature.digest.begin());
  return signature;
}

inline std::shared_ptr<const SignatureSet> MakeSet(
    const std::vector<BodySignature>& bodies,
    std::vector<HashSignature> hashes = {}) {
  Signatures signatures;
  for (const BodySignature& body : bodies) {
    signatures.bodies.push_back(SignatureOf(body));
  }
  signatures.hashes = std::move(hashes);
  auto set = SignatureSet::Compile(std::move(signatures));
  EXPECT_TRUE(set.has_value());
  return set.value();
}

inline std::unique_ptr<Scanner> MakeScanner(
    const std::vector<BodySignature>& bodies,
    std::vector<HashSignature> hashes = {}) {
  auto scanner = Scanner::Create(MakeSet(bodies, std::move(hashes)));
  EXPECT_TRUE(scanner.has_value());
  return std::move(scanner.value());
}

}  // namespace gatehouse
