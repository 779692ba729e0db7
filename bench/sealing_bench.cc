// How fast files go into the vault and out of it, next to what the
// libraries take: take ratios within one run.
//
//   BM_Sha256Floor/SIZE   the digest alone
//   BM_StreamFloor/SIZE   libsodium's secretstream alone, in 64 KiB chunks
//   BM_Seal/SIZE          Seal, into a file in memory
//   BM_Unseal/SIZE        Unseal, into a file in memory
//   BM_Verify/SIZE        Verify
//
// Files are in memory (tmpfs), so that this measures us and not a disk: what
// the vault adds, it adds by fsync.
#include <benchmark/benchmark.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "bench/clean_content.h"
#include "engine/file_digest.h"
#include "quarantine/linux_file_operations.h"
#include "quarantine/sealed_object.h"

namespace gatehouse {
namespace {

FileOperations& Files() {
  static LinuxFileOperations files;
  return files;
}

struct Size {
  const char* name = "";
  size_t bytes = 0;
};
const Size kSizes[] = {{"4KiB", size_t{4} << 10},
                       {"1MiB", size_t{1} << 20},
                       {"64MiB", size_t{64} << 20}};

void MustHold(bool holds) {
  if (!holds) std::abort();  // Numbers of a broken run would mislead.
}

UniqueFd EmptyFile() {
  UniqueFd file(::memfd_create("bench", MFD_CLOEXEC));
  MustHold(file.valid());
  return file;
}

UniqueFd MakeFile(size_t bytes) {
  UniqueFd file = EmptyFile();
  const std::string content = CleanContent(bytes, 1);
  MustHold(::write(file.UnsafeFd(), content.data(), content.size()) ==
           static_cast<ssize_t>(content.size()));
  return file;
}

VaultKey MakeKey() {
  const std::array<uint8_t, kVaultKeyBytes> bytes = {1, 2, 3};
  Result<VaultKey> key = VaultKey::FromBytes(bytes);
  MustHold(key.has_value());
  return std::move(*key);
}

// About as much as a real one says.
ObjectHeader MakeHeader(size_t bytes) {
  ObjectHeader header;
  header.id = "6f2c1d0e-0000-4000-8000-1234567890ab";
  header.threat_name = "Virus:DOS/EICAR_Test_File";
  header.path = "/home/somebody/Downloads/archive/something.exe";
  header.parent_path = "/home/somebody/Downloads/archive";
  header.file.size = bytes;
  return header;
}

void Count(benchmark::State& state, size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

void Sha256Floor(benchmark::State& state, size_t bytes) {
  const DigestNeeds needs = {false, false, true};
  auto digests = FileDigests::Create(needs);
  MustHold(digests.has_value());
  const std::string content = CleanContent(bytes, 1);
  for (auto round : state) {
    digests->Start(needs);
    digests->Update(AsBytes(content));
    benchmark::DoNotOptimize(digests->Finish(DigestAlgorithm::kSha256));
  }
  Count(state, bytes);
}

void StreamFloor(benchmark::State& state, size_t bytes) {
  MustHold(sodium_init() >= 0);
  const std::string content = CleanContent(bytes, 1);
  std::vector<uint8_t> chunk(kObjectChunkBytes +
                             crypto_secretstream_xchacha20poly1305_ABYTES);
  std::array<uint8_t, crypto_secretstream_xchacha20poly1305_KEYBYTES> key = {};
  std::array<uint8_t, crypto_secretstream_xchacha20poly1305_HEADERBYTES> front =
      {};
  crypto_secretstream_xchacha20poly1305_state stream = {};
  for (auto round : state) {
    (void)crypto_secretstream_xchacha20poly1305_init_push(&stream, front.data(),
                                                          key.data());
    for (ByteView rest = AsBytes(content); !rest.empty();) {
      const size_t count = std::min(rest.size(), kObjectChunkBytes);
      (void)crypto_secretstream_xchacha20poly1305_push(
          &stream, chunk.data(), nullptr, rest.data(), count, nullptr, 0, 0);
      rest = rest.subspan(count);
    }
    benchmark::DoNotOptimize(chunk.data());
  }
  Count(state, bytes);
}

// A new file each time: that its pages must be cleared is part of it.
void SealFile(benchmark::State& state, size_t bytes) {
  const VaultKey key = MakeKey();
  const UniqueFd source = MakeFile(bytes);
  for (auto round : state) {
    const UniqueFd object = EmptyFile();
    MustHold(Seal(Files(), key, MakeHeader(bytes), source.UnsafeFd(),
                  object.UnsafeFd())
                 .has_value());
  }
  Count(state, bytes);
}

UniqueFd MakeObject(const VaultKey& key, size_t bytes) {
  const UniqueFd source = MakeFile(bytes);
  UniqueFd object = EmptyFile();
  MustHold(Seal(Files(), key, MakeHeader(bytes), source.UnsafeFd(),
                object.UnsafeFd())
               .has_value());
  return object;
}

void UnsealFile(benchmark::State& state, size_t bytes) {
  const VaultKey key = MakeKey();
  const UniqueFd object = MakeObject(key, bytes);
  for (auto round : state) {
    const UniqueFd target = EmptyFile();
    MustHold(
        Unseal(Files(), key, object.UnsafeFd(), target.UnsafeFd()).has_value());
  }
  Count(state, bytes);
}

void VerifyFile(benchmark::State& state, size_t bytes) {
  const VaultKey key = MakeKey();
  const UniqueFd object = MakeObject(key, bytes);
  for (auto round : state) {
    MustHold(Verify(Files(), key, object.UnsafeFd()).has_value());
  }
  Count(state, bytes);
}

void Register() {
  using Measure = void (*)(benchmark::State&, size_t);
  const std::pair<const char*, Measure> measures[] = {
      {"BM_Sha256Floor/", Sha256Floor},
      {"BM_StreamFloor/", StreamFloor},
      {"BM_Seal/", SealFile},
      {"BM_Unseal/", UnsealFile},
      {"BM_Verify/", VerifyFile}};
  for (const auto& [name, measure] : measures) {
    for (const Size& size : kSizes) {
      benchmark::RegisterBenchmark(
          (std::string(name) + size.name).c_str(),
          [measure = measure, size](benchmark::State& state) {
            measure(state, size.bytes);
          });
    }
  }
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  gatehouse::Register();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
