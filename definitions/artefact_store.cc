#include "definitions/artefact_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "base/whole_transfer.h"
#include "signatures/artefact.h"

namespace gatehouse {
namespace {

constexpr mode_t kOwnFile = S_IRUSR | S_IWUSR;
constexpr const char* kSecretName = "secret";
constexpr const char* kActiveName = "active";
constexpr const char* kLockName = "lock";
constexpr timespec kLockPause = {0, 20'000'000};
constexpr std::string_view kNewPrefix = ".new-";
constexpr std::string_view kSuffix = ".set";

struct CloseDirectory {
  void operator()(DIR* directory) const { (void)::closedir(directory); }
};

std::string NameOf(const Sha256Digest& key) {
  return HexText(key) + std::string(kSuffix);
}

Result<std::string> RandomName() {
  std::array<uint8_t, 8> bytes = {};
  const Result<bool> filled = FillRandom(bytes);
  if (!filled) return Unexpected(filled.error());
  return std::string(kNewPrefix) + HexText(bytes);
}

// Only this user may have had a hand in it.
bool IsOwn(const struct stat& facts, mode_t forbidden) {
  return facts.st_uid == ::geteuid() && (facts.st_mode & forbidden) == 0;
}

Result<bool> MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST) return true;
  return FailSystem("create directory '" + DisplayText(path) + "'", errno);
}

struct Entry {
  std::string name;
  timespec used = {};
};

}  // namespace

Result<ArtefactStore> ArtefactStore::Open(const std::string& directory) {
  const size_t slash = directory.find_last_not_of('/');
  const std::string path = directory.substr(0, slash + 1);
  const size_t above = path.rfind('/');
  if (above != std::string::npos && above != 0) {
    const Result<bool> made = MakeDirectory(path.substr(0, above));
    if (!made) return Unexpected(made.error());
  }
  const Result<bool> made = MakeDirectory(path);
  if (!made) return Unexpected(made.error());
  const std::string what = "directory '" + DisplayText(path) + "'";
  UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return FailSystem("open " + what, errno);
  struct stat facts = {};
  if (::fstat(fd.UnsafeFd(), &facts) != 0) return FailSystem(what, errno);
  if (!IsOwn(facts, S_IWGRP | S_IWOTH)) {
    return Fail(ErrorCode::kNotPermitted,
                what +
                    " must belong to the user who scans and be writable by "
                    "nobody else");
  }
  ArtefactStore store(path, std::move(fd));
  const Result<bool> loaded = store.LoadSecret();
  if (!loaded) return Unexpected(loaded.error());
  return store;
}

Result<UniqueFd> ArtefactStore::OpenOwnFile(const std::string& name) const {
  const std::string what =
      "open '" + DisplayText(directory_) + "/" + name + "'";
  UniqueFd fd(::openat(fd_.UnsafeFd(), name.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return FailSystem(what, errno);
  struct stat facts = {};
  if (::fstat(fd.UnsafeFd(), &facts) != 0) return FailSystem(what, errno);
  if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1 ||
      !IsOwn(facts, S_IRWXG | S_IRWXO)) {
    return Fail(ErrorCode::kNotPermitted,
                what +
                    ": must be a file of the user who scans, with mode "
                    "0600 and no second name");
  }
  return fd;
}

Result<bool> ArtefactStore::LoadSecret() {
  Result<UniqueFd> file = OpenOwnFile(kSecretName);
  if (!file && file.error().code == ErrorCode::kNotFound) {
    const Result<bool> made = MakeSecret();
    if (!made) return made;
    file = OpenOwnFile(kSecretName);
  }
  if (!file) return Unexpected(file.error());
  std::array<uint8_t, sizeof(secret_) + 1> bytes = {};
  const Result<size_t> count =
      ReadFully(file->UnsafeFd(), bytes, "read the secret", 0);
  if (!count) return Unexpected(count.error());
  if (*count != sizeof(secret_)) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(directory_) +
                    "/secret' is damaged: remove "
                    "it, and definitions are compiled anew");
  }
  std::copy_n(bytes.begin(), sizeof(secret_), secret_.begin());
  return true;
}

// Whole or not at all. Without `replaces`, a file that is there stays.
// REQUIRES: the lock is held, for publishing removes what looks left behind.
Result<bool> ArtefactStore::WriteFile(const char* name, ByteView bytes,
                                      bool replaces) const {
  const std::string what = std::string("write '") + name + "'";
  const Result<std::string> draft = RandomName();
  if (!draft) return Unexpected(draft.error());
  const int directory = fd_.UnsafeFd();
  const UniqueFd file(::openat(directory, draft->c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                               kOwnFile));
  if (!file.valid()) return FailSystem(what, errno);
  Result<bool> written = WriteFully(file.UnsafeFd(), bytes, what);
  if (written && ::fsync(file.UnsafeFd()) != 0) {
    written = FailSystem(what, errno);
  }
  const auto give_name = [&] {
    return replaces ? ::renameat(directory, draft->c_str(), directory, name)
                    : ::linkat(directory, draft->c_str(), directory, name, 0);
  };
  if (written && give_name() != 0 && errno != EEXIST) {
    written = FailSystem(what, errno);
  }
  (void)::unlinkat(directory, draft->c_str(), 0);
  return written;
}

// By one process only: the others take it over.
Result<bool> ArtefactStore::MakeSecret() const {
  const Result<UniqueFd> lock = Lock();
  if (!lock) return Unexpected(lock.error());
  SecretKey secret = {};
  const Result<bool> filled = FillRandom(secret);
  if (!filled) return filled;
  return WriteFile(kSecretName, secret, false);
}

Result<Sha256Digest> ArtefactStore::Active() const {
  const Result<UniqueFd> file = OpenOwnFile(kActiveName);
  if (!file) return Unexpected(file.error());
  Sha256Digest key = {};
  const Result<size_t> count =
      ReadFully(file->UnsafeFd(), key, "read which set is in use", 0);
  if (!count) return Unexpected(count.error());
  if (*count != key.size()) {
    return Fail(ErrorCode::kInvalidInput, "no set is noted as in use");
  }
  return key;
}

Result<bool> ArtefactStore::NoteActive(const Sha256Digest& key) const {
  const Result<Sha256Digest> noted = Active();
  if (noted && *noted == key) return true;
  const Result<UniqueFd> lock = Lock();
  if (!lock) return Unexpected(lock.error());
  return WriteFile(kActiveName, key, true);
}

Result<WordBuffer> ArtefactStore::Find(const Sha256Digest& key) const {
  const Result<UniqueFd> file = OpenOwnFile(NameOf(key));
  if (!file) return Unexpected(file.error());
  Result<WordBuffer> image = ReadArtefact(file->UnsafeFd(), secret_, key);
  // Its time tells when it was last of use. Not vital.
  if (image) (void)::futimens(file->UnsafeFd(), nullptr);
  return image;
}

Result<bool> ArtefactStore::Publish(const Sha256Digest& key,
                                    std::span<const uint64_t> image) const {
  const Result<std::string> name = RandomName();
  if (!name) return Unexpected(name.error());
  const int directory = fd_.UnsafeFd();
  const UniqueFd file(::openat(directory, name->c_str(),
                               O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                               kOwnFile));
  if (!file.valid()) return FailSystem("create an artefact", errno);
  Result<bool> written = WriteArtefact(file.UnsafeFd(), secret_, key, image);
  if (written && ::fsync(file.UnsafeFd()) != 0) {
    written = FailSystem("flush an artefact", errno);
  }
  if (written && ::renameat(directory, name->c_str(), directory,
                            NameOf(key).c_str()) != 0) {
    written = FailSystem("name an artefact", errno);
  }
  if (!written) {
    (void)::unlinkat(directory, name->c_str(), 0);
    return written;
  }
  (void)::fsync(directory);  // Else it may have to be compiled again.
  RemoveSurplus();
  return true;
}

Result<UniqueFd> ArtefactStore::Lock(const std::stop_token& stop) const {
  UniqueFd lock(::openat(fd_.UnsafeFd(), kLockName,
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kOwnFile));
  if (!lock.valid()) return FailSystem("open the lock of artefacts", errno);
  // Asking again is the only way to wait that a stop can end.
  while (::flock(lock.UnsafeFd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return FailSystem("lock the artefacts", errno);
    }
    if (stop.stop_requested()) {
      return Fail(ErrorCode::kBusy, "lock the artefacts: stopped");
    }
    (void)::nanosleep(&kLockPause, nullptr);
  }
  return lock;
}

// What a killed process left, and what was not used for longest. Who reads one
// of them now keeps it.
void ArtefactStore::RemoveSurplus() const {
  const int copy =
      ::openat(fd_.UnsafeFd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, CloseDirectory> stream(
      copy < 0 ? nullptr : ::fdopendir(copy));
  if (stream == nullptr) return;
  std::vector<Entry> sets;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): this stream is ours alone.
  while (const dirent* const entry = ::readdir(stream.get())) {
    const std::string name(entry->d_name);
    struct stat facts = {};
    if (name.starts_with(kNewPrefix)) {
      (void)::unlinkat(copy, name.c_str(), 0);
    } else if (name.ends_with(kSuffix) && ::fstatat(copy, name.c_str(), &facts,
                                                    AT_SYMLINK_NOFOLLOW) == 0) {
      sets.push_back({name, facts.st_mtim});
    }
  }
  std::sort(sets.begin(), sets.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.used.tv_sec, a.used.tv_nsec) >
           std::tie(b.used.tv_sec, b.used.tv_nsec);
  });
  const Result<Sha256Digest> active = Active();
  for (size_t i = kArtefactsMax; i < sets.size(); ++i) {
    if (active && sets[i].name == NameOf(*active)) continue;
    (void)::unlinkat(copy, sets[i].name.c_str(), 0);
  }
}

}  // namespace gatehouse
