#include "quarantine/vault_key.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <string>

#include "base/unique_fd.h"

namespace gatehouse {
namespace {

// Values are on disk: never renumber. docs/vault-format.md shows the file.
constexpr std::array<uint8_t, 8> kMagic = {0x89, 'G',  'H',  'K',
                                           '\r', '\n', 0x1a, '\n'};
constexpr uint32_t kVersion = 1;
constexpr size_t kVersionAt = kMagic.size();
constexpr size_t kKeyAt = kVersionAt + sizeof(uint32_t);
constexpr size_t kChecksumAt = kKeyAt + kVaultKeyBytes;
constexpr size_t kChecksumBytes = 32;
constexpr size_t kFileBytes = kChecksumAt + kChecksumBytes;

constexpr int kRacesMax = 8;  // Somebody makes and removes key files.

// The bytes of a key file, wiped when done with.
struct KeyFile {
  std::array<uint8_t, kFileBytes> bytes = {};

  KeyFile() = default;
  ~KeyFile() { sodium_memzero(bytes.data(), bytes.size()); }
  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;

  std::array<uint8_t, kChecksumBytes> Checksum() const {
    std::array<uint8_t, kChecksumBytes> checksum = {};
    (void)crypto_generichash(checksum.data(), checksum.size(), bytes.data(),
                             kChecksumAt, nullptr, 0);
    return checksum;
  }
  uint32_t Version() const {
    uint32_t version = 0;
    for (size_t i = sizeof(version); i > 0; --i) {
      version = version << 8 | bytes.at(kVersionAt + i - 1);
    }
    return version;
  }
};

std::string What(const char* attempt) {
  return std::string(attempt) + " '" + kVaultKeyName + "'";
}

Unexpected Refuse(ErrorCode code, const std::string& why) {
  return Fail(code, std::string("key file '") + kVaultKeyName + "': " + why);
}

std::string Octal(unsigned mode) {
  std::string text;
  for (; mode != 0; mode /= 8) {
    text.insert(text.begin(), static_cast<char>('0' + mode % 8));
  }
  return "0" + text;
}

Result<bool> CheckOwnership(int file_fd) {
  struct stat status = {};
  if (::fstat(file_fd, &status) != 0) return FailSystem(What("stat"), errno);
  if (!S_ISREG(status.st_mode)) {
    return Refuse(ErrorCode::kInvalidInput, "not a regular file");
  }
  if (status.st_uid != ::geteuid()) {
    return Refuse(ErrorCode::kNotPermitted,
                  "belongs to uid " + std::to_string(status.st_uid) +
                      ", not to uid " + std::to_string(::geteuid()));
  }
  const unsigned permissions = status.st_mode & 07777U;
  if ((permissions & 077U) != 0) {
    return Refuse(
        ErrorCode::kNotPermitted,
        "mode " + Octal(permissions) + " lets others use it; it must be 0600");
  }
  return true;
}

// Durable, and complete, before it has a name. The fallback is for file systems
// without O_TMPFILE; a kill leaves a file there whose key nothing was sealed
// with.
struct NewFile {
  UniqueFd fd;
  std::string name;  // Empty: it has none.
};

Result<NewFile> OpenNew(int directory_fd) {
  NewFile file;
  file.fd.Reset(
      ::openat(directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.fd.valid()) return file;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    return FailSystem(What("create"), errno);
  }
  file.name = std::string(kVaultKeyName) + ".new-" +
              std::to_string(randombytes_random());
  file.fd.Reset(::openat(directory_fd, file.name.c_str(),
                         O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC,
                         0600));
  if (!file.fd.valid()) return FailSystem(What("create"), errno);
  return file;
}

// True: the file has the name now. False: there was one of that name.
Result<bool> GiveName(int directory_fd, const NewFile& file) {
  int linked = -1;
  if (!file.name.empty()) {
    linked = ::linkat(directory_fd, file.name.c_str(), directory_fd,
                      kVaultKeyName, 0);
    const int error_number = errno;
    (void)::unlinkat(directory_fd, file.name.c_str(), 0);  // Best effort.
    errno = error_number;
  } else {
    const int fd = file.fd.UnsafeFd();
    linked = ::linkat(fd, "", directory_fd, kVaultKeyName, AT_EMPTY_PATH);
    if (linked != 0 && errno == ENOENT) {  // Wants a capability.
      const std::string link = "/proc/self/fd/" + std::to_string(fd);
      linked = ::linkat(AT_FDCWD, link.c_str(), directory_fd, kVaultKeyName,
                        AT_SYMLINK_FOLLOW);
    }
  }
  if (linked == 0) return true;
  if (errno == EEXIST) return false;
  return FailSystem(What("link"), errno);
}

// False: somebody else was first.
Result<bool> Create(int directory_fd) {
  KeyFile file;
  std::copy(kMagic.begin(), kMagic.end(), file.bytes.begin());
  for (size_t i = 0; i < sizeof(kVersion); ++i) {
    file.bytes.at(kVersionAt + i) = static_cast<uint8_t>(kVersion >> (8 * i));
  }
  randombytes_buf(&file.bytes.at(kKeyAt), kVaultKeyBytes);
  const auto checksum = file.Checksum();
  std::copy(checksum.begin(), checksum.end(), &file.bytes.at(kChecksumAt));
  assert(file.Version() == kVersion);

  const Result<NewFile> made = OpenNew(directory_fd);
  if (!made) return Unexpected(made.error());
  const int fd = made->fd.UnsafeFd();
  // The umask may have taken too much.
  if (::fchmod(fd, 0600) != 0) return FailSystem(What("chmod"), errno);
  const ssize_t written = ::pwrite(fd, file.bytes.data(), file.bytes.size(), 0);
  if (written != static_cast<ssize_t>(file.bytes.size())) {
    return FailSystem(What("write"), written < 0 ? errno : ENOSPC);
  }
  if (::fsync(fd) != 0) return FailSystem(What("fsync"), errno);
  return GiveName(directory_fd, *made);
}

}  // namespace

void VaultKey::Wipe::operator()(uint8_t* bytes) const { sodium_free(bytes); }

Result<VaultKey::Memory> VaultKey::Allocate() {
  if (sodium_init() < 0) {
    return Fail(ErrorCode::kOperational, "libsodium has no random source");
  }
  Memory memory(static_cast<uint8_t*>(sodium_malloc(kVaultKeyBytes)));
  if (memory == nullptr) return FailSystem("allocate the vault key", errno);
  return memory;
}

Result<VaultKey> VaultKey::FromBytes(
    std::span<const uint8_t, kVaultKeyBytes> bytes) {
  Result<Memory> memory = Allocate();
  if (!memory) return Unexpected(memory.error());
  std::copy(bytes.begin(), bytes.end(), memory->get());
  return VaultKey(std::move(*memory));
}

Result<VaultKey> VaultKey::Load(int file_fd) {
  if (const Result<bool> owned = CheckOwnership(file_fd); !owned) {
    return Unexpected(owned.error());
  }
  KeyFile file;
  const ssize_t count =
      ::pread(file_fd, file.bytes.data(), file.bytes.size(), 0);
  if (count < 0) return FailSystem(What("read"), errno);
  const auto length = static_cast<size_t>(count);
  if (length < kKeyAt ||
      !std::equal(kMagic.begin(), kMagic.end(), file.bytes.begin())) {
    return Refuse(ErrorCode::kInvalidInput, "is not a key file");
  }
  if (file.Version() != kVersion) {
    return Refuse(ErrorCode::kNotSupported,
                  "has version " + std::to_string(file.Version()) +
                      ", this program knows version 1");
  }
  struct stat status = {};
  if (::fstat(file_fd, &status) != 0) return FailSystem(What("stat"), errno);
  if (length != kFileBytes || status.st_size != off_t{kFileBytes}) {
    return Refuse(ErrorCode::kInvalidInput,
                  "has " + std::to_string(status.st_size) + " bytes, not " +
                      std::to_string(kFileBytes));
  }
  const auto checksum = file.Checksum();
  if (!std::equal(checksum.begin(), checksum.end(),
                  &file.bytes.at(kChecksumAt))) {
    return Refuse(ErrorCode::kInvalidInput, "is damaged: wrong checksum");
  }
  return FromBytes(std::span<const uint8_t, kVaultKeyBytes>(
      &file.bytes.at(kKeyAt), kVaultKeyBytes));
}

Result<VaultKey> VaultKey::LoadOrCreate(int state_directory_fd) {
  assert(state_directory_fd >= 0);
  if (const Result<Memory> probe = Allocate(); !probe) {
    return Unexpected(probe.error());  // Before anything random is wanted.
  }
  for (int race = 0; race < kRacesMax; ++race) {
    const UniqueFd file(
        ::openat(state_directory_fd, kVaultKeyName,
                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid() && errno != ENOENT) {
      return FailSystem(What("open"), errno);
    }
    if (file.valid()) {
      Result<VaultKey> key = Load(file.UnsafeFd());
      // Whoever made it may have been killed before its name was durable.
      if (key && ::fsync(state_directory_fd) != 0) {
        return FailSystem("fsync the state directory", errno);
      }
      return key;
    }
    const Result<bool> created = Create(state_directory_fd);
    if (!created) return Unexpected(created.error());
  }
  return Fail(ErrorCode::kOperational, What("create") + ": it comes and goes");
}

}  // namespace gatehouse
