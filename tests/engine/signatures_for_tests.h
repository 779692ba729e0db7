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
#include "signatures/signature_line.h"
#include "signatures/signature_set.h"

namespace gatehouse {

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
    std::vector<BodySignature> bodies, std::vector<HashSignature> hashes = {}) {
  auto set = SignatureSet::Compile(std::move(bodies), std::move(hashes));
  EXPECT_TRUE(set.has_value());
  return set.value();
}

inline std::unique_ptr<Scanner> MakeScanner(
    std::vector<BodySignature> bodies, std::vector<HashSignature> hashes = {}) {
  auto scanner = Scanner::Create(MakeSet(std::move(bodies), std::move(hashes)));
  EXPECT_TRUE(scanner.has_value());
  return std::move(scanner.value());
}

}  // namespace gatehouse
