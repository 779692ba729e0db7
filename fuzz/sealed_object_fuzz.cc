// Fuzzes what reads the vault. The first byte chooses:
//
//   0   the rest is an object
//   1   the rest is a header payload, as it is after decryption
//   2   the rest is content, with a hole in front and a change to make: the
//       object sealed from it must open, and must not open when changed
//
// Asserts that a header which was decoded can be encoded and decoded again, and
// that nothing but what was sealed is ever believed.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "quarantine/linux_file_operations.h"
#include "quarantine/sealed_object.h"

namespace {

using gatehouse::ByteView;
using gatehouse::ObjectHeader;
using gatehouse::Result;
using gatehouse::UniqueFd;
using gatehouse::VaultKey;

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

gatehouse::FileOperations& Files() {
  static gatehouse::LinuxFileOperations files;
  return files;
}

const VaultKey& FixedKey() {
  static const VaultKey key = [] {
    std::array<uint8_t, gatehouse::kVaultKeyBytes> bytes = {};
    bytes.fill(1);
    Result<VaultKey> made = VaultKey::FromBytes(bytes);
    Require(made.has_value(), "a key is made");
    return std::move(*made);
  }();
  return key;
}

UniqueFd EmptyFile() {
  UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  Require(file.valid(), "a file is made");
  return file;
}

UniqueFd FileOf(ByteView bytes, off_t offset = 0) {
  UniqueFd file = EmptyFile();
  Require(::pwrite(file.UnsafeFd(), bytes.data(), bytes.size(), offset) ==
              static_cast<ssize_t>(bytes.size()),
          "a file is written");
  return file;
}

std::string ContentOf(const UniqueFd& file) {
  struct stat status = {};
  Require(::fstat(file.UnsafeFd(), &status) == 0, "a file has a status");
  std::string content(static_cast<size_t>(status.st_size), '\0');
  Require(::pread(file.UnsafeFd(), content.data(), content.size(), 0) ==
              static_cast<ssize_t>(content.size()),
          "a file is read");
  return content;
}

void OpenObject(ByteView bytes) {
  const UniqueFd object = FileOf(bytes);
  const bool has_header =
      gatehouse::ReadHeader(Files(), FixedKey(), object.UnsafeFd()).has_value();
  const bool is_whole =
      gatehouse::Verify(Files(), FixedKey(), object.UnsafeFd()).has_value();
  Require(has_header || !is_whole, "a whole object has a header");
}

void DecodeHeader(ByteView bytes) {
  const Result<ObjectHeader> header = gatehouse::DecodeObjectHeader(bytes);
  if (!header) {
    Require(!header.error().message.empty(), "errors have a message");
    return;
  }
  const Result<std::string> payload = gatehouse::EncodeObjectHeader(*header);
  // CBOR has longer forms of the same values, but never shorter ones.
  Require(payload.has_value() && payload->size() <= bytes.size(),
          "a header that was decoded can be encoded");
  const Result<ObjectHeader> again =
      gatehouse::DecodeObjectHeader(gatehouse::AsBytes(*payload));
  Require(again.has_value() && *again == *header,
          "and is the same when decoded again");
}

// `bytes`: how to change the object (place: 3, how: 2), where the content
// begins (1), content.
void SealAndChange(ByteView bytes) {
  if (bytes.size() < 6) return;
  const size_t place =
      size_t{bytes[0]} << 16 | size_t{bytes[1]} << 8 | bytes[2];
  const uint8_t kind = bytes[3];
  const auto flip = static_cast<uint8_t>(bytes[4] == 0 ? 1 : bytes[4]);
  const UniqueFd source = FileOf(bytes.subspan(6), off_t{bytes[5]} * 1024);
  ObjectHeader header;
  header.path = std::string(gatehouse::AsText(bytes.first(6)));
  header.file.size = ContentOf(source).size();

  const UniqueFd object = EmptyFile();
  const auto sealed = gatehouse::Seal(Files(), FixedKey(), header,
                                      source.UnsafeFd(), object.UnsafeFd());
  Require(sealed.has_value(), "a file can be sealed");
  const UniqueFd target = EmptyFile();
  const auto unsealed = gatehouse::Unseal(Files(), FixedKey(),
                                          object.UnsafeFd(), target.UnsafeFd());
  Require(unsealed.has_value() && *unsealed == *sealed,
          "what was sealed can be unsealed");
  Require(ContentOf(target) == ContentOf(source), "and is the same");

  const std::string original = ContentOf(object);
  std::string changed = original;
  const size_t at = place % changed.size();
  switch (kind % 4) {
    case 0:
      changed[at] = static_cast<char>(static_cast<uint8_t>(changed[at]) ^ flip);
      break;
    case 1:
      changed.resize(at);
      break;
    case 2:
      changed.insert(at, flip, static_cast<char>(kind));
      break;
    case 3:  // Another part of it, in this place.
      std::copy_n(original.begin(), std::min<size_t>(flip, changed.size() - at),
                  changed.begin() + static_cast<ptrdiff_t>(at));
      break;
  }
  if (changed == original) return;
  const UniqueFd forged = FileOf(gatehouse::AsBytes(changed));
  Require(
      !gatehouse::Verify(Files(), FixedKey(), forged.UnsafeFd()).has_value(),
      "every change is detected");
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      OpenObject(rest);
      break;
    case 1:
      DecodeHeader(rest);
      break;
    case 2:
      SealAndChange(rest);
      break;
  }
  return 0;
}
