// Fuzzes the reading of compiled sets. The first byte says how: the rest is a
// whole file (0); changes of four bytes each (two of place, one of width, one
// of value) to an authentic file (1); the same to its image, as if the secret
// were known, but for Hyperscan's part, which must be as it was (2); a load
// report (3).
//
// Asserts that nothing but the file as it was is believed, and that what opens
// can be used.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/memory_file.h"
#include "signatures/artefact.h"
#include "signatures/clamav/signature_text.h"
#include "signatures/packed_load_report.h"
#include "signatures/set_image.h"
#include "signatures/signature_set.h"

namespace {

using gatehouse::ByteView;

constexpr size_t kChangeBytes = 4;
constexpr gatehouse::SecretKey kSecret = {1, 2, 3};
constexpr gatehouse::Sha256Digest kKey = {4, 5, 6};

void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

std::vector<uint64_t> MakeImage() {
  gatehouse::Signatures signatures;
  gatehouse::LoadReport report;
  gatehouse::IgnoreList ignored;
  const auto load = [&](const char* file, std::string_view text) {
    gatehouse::SignatureTextReader reader(file, *gatehouse::FormatOfFile(file),
                                          {}, {signatures, report, ignored});
    reader.Feed(text);
    reader.Finish();
  };
  load("a.ndb", "A:0:*:41424344454647\nB:1:*:6162636465\nbad\n");
  load("b.hdb", "00112233445566778899aabbccddeeff:7:H\n");
  load("c.fp", "00112233445566778899aabbccddeeff:*:F\n");
  auto image = gatehouse::SignatureSet::CompileImage(
      std::move(signatures), gatehouse::PackLoadReport(report));
  Require(image.has_value(), "the set compiles");
  return *image;
}

std::vector<uint8_t> ReadAll(int fd) {
  std::vector<uint8_t> bytes(size_t{1} << 20);
  const ssize_t count = ::pread(fd, bytes.data(), bytes.size(), 0);
  Require(count > 0, "it can be read");
  bytes.resize(static_cast<size_t>(count));
  return bytes;
}

std::vector<uint8_t> MakeArtefact(const std::vector<uint64_t>& image) {
  const auto file = gatehouse::CreateMemoryFile("fuzz");
  Require(file.has_value(), "there is memory");
  Require(gatehouse::WriteArtefact(file->UnsafeFd(), kSecret, kKey, image)
              .has_value(),
          "it is written");
  return ReadAll(file->UnsafeFd());
}

bool IsBelieved(ByteView bytes) {
  const auto file = gatehouse::CreateMemoryFile("fuzz");
  Require(file.has_value(), "there is memory");
  Require(::pwrite(file->UnsafeFd(), bytes.data(), bytes.size(), 0) ==
              static_cast<ssize_t>(bytes.size()),
          "it is written");
  return gatehouse::ReadArtefact(file->UnsafeFd(), kSecret, kKey).has_value();
}

void Change(ByteView changes, uint8_t* bytes, size_t size) {
  static constexpr std::array<size_t, 4> kWidths = {1, 2, 4, 8};
  for (; changes.size() >= kChangeBytes;
       changes = changes.subspan(kChangeBytes)) {
    const size_t width = kWidths.at(changes[2] % kWidths.size());
    const size_t at = (size_t{changes[0]} | size_t{changes[1]} << 8) % size;
    if (size - at < width) continue;
    if (width == 1) {
      bytes[at] ^= changes[3];
    } else {
      std::fill_n(bytes + at, width,
                  (changes[2] & 0x80) != 0 ? uint8_t{0xff} : uint8_t{0});
      bytes[at] = changes[3];
    }
  }
}

bool SameDatabases(const gatehouse::SetImage& a, const gatehouse::SetImage& b) {
  return std::ranges::equal(
      a.databases, b.databases, [&](const auto& one, const auto& other) {
        return std::ranges::equal(a.Database(one), b.Database(other));
      });
}

void OpenImage(const std::vector<uint64_t>& right, ByteView changes) {
  std::vector<uint64_t> words = right;
  Change(changes, static_cast<uint8_t*>(static_cast<void*>(words.data())),
         words.size() * sizeof(uint64_t));
  const auto image = gatehouse::ViewSetImage(words);
  if (!image) return;
  Require(gatehouse::WordsWithoutDatabases(*image, words) <= words.size(),
          "what stays is within");
  if (!SameDatabases(*image, *gatehouse::ViewSetImage(right))) return;
  const auto set =
      gatehouse::SignatureSet::Open(*gatehouse::WordBuffer::From(words));
  if (!set) return;
  size_t sum = (*set)->notes().size();
  for (uint32_t id = 0; id < (*set)->body_count(); ++id) {
    sum += (*set)->body_name(id).size();
  }
  const std::array<uint8_t, 16> digest = {};
  sum +=
      (*set)->hashes().Find(gatehouse::DigestAlgorithm::kMd5, digest, 7).size();
  Require(sum <= words.size() * sizeof(uint64_t) + (*set)->body_count(),
          "what it tells is within");
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<uint64_t> kImage = MakeImage();
  static const std::vector<uint8_t> kArtefact = MakeArtefact(kImage);
  if (size == 0) return 0;
  const ByteView input = ByteView(data, size).subspan(1);
  switch (data[0] % 4) {
    case 0:
      Require(!IsBelieved(input), "nobody can make one without the secret");
      break;
    case 1: {
      std::vector<uint8_t> changed = kArtefact;
      Change(input, changed.data(), changed.size());
      Require(IsBelieved(changed) == (changed == kArtefact),
              "what was changed is not believed");
      break;
    }
    case 2:
      OpenImage(kImage, input);
      break;
    default:
      (void)gatehouse::OpenLoadReport(gatehouse::AsText(input)).has_value();
      break;
  }
  return 0;
}
