// What lies in the vault is found by nobody: not by our own scanner, not by
// Debian's clamscan, each with signatures of exactly what was sealed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "quarantine/linux_file_operations.h"
#include "quarantine/vault.h"
#include "tests/eicar_text.h"
#include "tests/engine/signatures_for_tests.h"
#include "tests/quarantine/isolation_world.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

constexpr size_t kFiles = 500;
constexpr size_t kFiller = 3000;

uint64_t Mixed(uint64_t value) {
  value ^= value >> 33U;
  value *= 0xff51afd7ed558ccdULL;
  return value ^ value >> 29U;
}

std::string Filler(size_t bytes, uint64_t seed) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) {
    text += static_cast<char>(Mixed(seed * 7919 + i) & 0xff);
  }
  return text;
}

std::string LittleEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    text += static_cast<char>(value & 0xff);
    value >>= 8U;
  }
  return text;
}

// One member, stored.
std::string ZipOf(const std::string& content) {
  const std::string name = "member";
  std::string fields = LittleEndian(20, 2) + LittleEndian(0, 8) +
                       LittleEndian(0, 4) +  // No checksum: nobody looks.
                       LittleEndian(content.size(), 4) +
                       LittleEndian(content.size(), 4) +
                       LittleEndian(name.size(), 2) + LittleEndian(0, 2);
  const std::string local = "PK\3\4" + fields + name + content;
  const std::string central =
      "PK\1\2" + LittleEndian(20, 2) + fields + LittleEndian(0, 14) + name;
  return local + central + "PK\5\6" + LittleEndian(0, 4) + LittleEndian(1, 2) +
         LittleEndian(1, 2) + LittleEndian(central.size(), 4) +
         LittleEndian(local.size(), 4) + LittleEndian(0, 2);
}

// Of one file, without a checksum.
std::string TarOf(const std::string& content) {
  std::string header(512, '\0');
  header.replace(0, 6, "member");
  std::array<char, 13> size = {};
  (void)std::snprintf(size.data(), size.size(), "%011zo", content.size());
  header.replace(124, 11, size.data(), 11);
  header.replace(257, 5, "ustar");
  return header + content + std::string(1024, '\0');
}

std::string ContentOf(size_t index) {
  const std::string marker(kMarker);
  const std::string number = std::to_string(index);
  switch (index % 6) {
    case 0:
      return EicarText() + std::string(index / 6 % 60, ' ');
    case 1:
      return Filler(index % kFiller, index) + marker + number;
    case 2:
      return ZipOf(EicarText() + number);
    case 3:
      return TarOf(Filler(index, index) + marker);
    case 4:
      return ZipOf(TarOf(marker + number));
    default:
      return "#!/bin/sh\n# " + number + "\necho " + marker + "\n";
  }
}

std::string Sealed(Vault& vault, const std::string& path, size_t index) {
  LinuxFileOperations files;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ObjectHeader header;
  header.id = "object-" + std::to_string(index);
  header.threat_name = "Test.Found";
  header.path = path;
  header.file = *files.Facts(fd.UnsafeFd());
  EXPECT_TRUE(vault.Stage(header, fd.UnsafeFd()).has_value());
  EXPECT_TRUE(vault.Publish(header.id).has_value());
  return header.id + ".q";
}

class SealedDetectionTest : public testing::Test {
 protected:
  SealedDetectionTest() : originals_(directory_.MakeDirectory("originals")) {
    const std::unique_ptr<Vault> vault = world_.OpenVault(files_);
    for (size_t i = 0; i < kFiles; ++i) {
      const std::string name = "originals/" + std::to_string(i);
      (void)Sealed(*vault, directory_.Write(name, ContentOf(i)), i);
    }
  }

  static size_t FilesIn(const std::string& path) {
    const std::filesystem::directory_iterator files(path);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
  // How many files of a directory our scanner finds.
  static size_t FoundByUs(const std::string& path) {
    auto scanner = MakeScanner(
        {Body("Test.Marker", kMarker), Body("Test.Eicar", EicarText())});
    size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      const UniqueFd fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
      const Verdict verdict = scanner->Scan(fd.UnsafeFd(), {});
      found += verdict.kind == VerdictKind::kInfected ? 1U : 0U;
      EXPECT_NE(verdict.kind, VerdictKind::kError);
    }
    return found;
  }
  // By clamscan: with the same bodies and the digest of each original.
  size_t FoundByClamscan(const std::string& path) const {
    const std::string database = directory_.Path("database");
    std::filesystem::create_directory(database);
    (void)directory_.Write(
        "database/bodies.ndb",
        "Test.Marker:0:*:" + HexText(AsBytes(kMarker)) +
            "\nTest.Eicar:0:*:" + HexText(AsBytes(EicarText())) + "\n");
    std::string hashes;
    std::istringstream digests(OutputOf("sha256sum " + originals_ + "/*"));
    for (std::string digest, file; digests >> digest >> file;) {
      hashes += digest + ":" +
                std::to_string(std::filesystem::file_size(file)) +
                ":Test.Hash\n";
    }
    (void)directory_.Write("database/hashes.hsb", hashes);
    // It returns 1 if something is found.
    const std::string output =
        OutputOf("clamscan --no-summary --infected --database=" + database +
                 " --recursive " + path + "; test $? -le 1");
    const auto lines = std::count(output.begin(), output.end(), '\n');
    return static_cast<size_t>(lines);
  }
  static std::string OutputOf(const std::string& command) {
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    std::string output;
    for (int c = 0; (c = std::fgetc(pipe)) != EOF;) {
      output += static_cast<char>(c);
    }
    EXPECT_EQ(::pclose(pipe), 0) << command;
    return output;
  }

  LinuxFileOperations files_;
  IsolationWorld world_;
  const TempDir directory_;
  const std::string originals_;
  const std::string objects_ = world_.state() + "/vault/data";
};

TEST_F(SealedDetectionTest, OurScannerFindsOriginalsAndNoObject) {
  EXPECT_EQ(FilesIn(objects_), kFiles);
  EXPECT_EQ(FoundByUs(originals_), kFiles) << "the control";
  EXPECT_EQ(FoundByUs(objects_), 0U);
}

TEST_F(SealedDetectionTest, ClamscanFindsOriginalsAndNoObject) {
  EXPECT_EQ(FilesIn(objects_), kFiles);
  EXPECT_EQ(FoundByClamscan(originals_), kFiles) << "the control";
  EXPECT_EQ(FoundByClamscan(objects_), 0U);
}

}  // namespace
}  // namespace gatehouse
