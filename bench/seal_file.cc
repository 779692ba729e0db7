// seal_file SOURCE OBJECT: seals SOURCE into the new file OBJECT as the daemon
// does, and flushes it if a third argument is given. For seal_against_copy.py.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/unique_fd.h"
#include "quarantine/linux_file_operations.h"
#include "quarantine/sealed_object.h"

namespace gatehouse {
namespace {

int Run(const char* source_path, const char* object_path, bool flushes) {
  const UniqueFd source(::open(source_path, O_RDONLY | O_CLOEXEC));
  const UniqueFd object(
      ::open(object_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  struct stat facts = {};
  if (!source.valid() || !object.valid() ||
      ::fstat(source.UnsafeFd(), &facts) != 0) {
    std::perror("seal_file");
    return 1;
  }
  const std::array<uint8_t, kVaultKeyBytes> bytes = {1, 2, 3};
  const Result<VaultKey> key = VaultKey::FromBytes(bytes);
  if (!key) return 1;
  ObjectHeader header;
  header.id = "6f2c1d0e-0000-4000-8000-1234567890ab";
  header.threat_name = "Test.Marker";
  header.path = source_path;
  header.file.size = static_cast<uint64_t>(facts.st_size);
  LinuxFileOperations files;
  const Result<ObjectHeader> sealed =
      Seal(files, *key, header, source.UnsafeFd(), object.UnsafeFd());
  if (!sealed) {
    (void)std::fprintf(stderr, "seal_file: %s\n",
                       sealed.error().message.c_str());
    return 1;
  }
  return flushes && ::fsync(object.UnsafeFd()) != 0 ? 1 : 0;
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  return gatehouse::Run(argv[1], argv[2], argc == 4);
}
