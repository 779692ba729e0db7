// What the tests of sealed objects share: files in memory, a key, a header.
//
// Thread-compatible.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "quarantine/linux_file_operations.h"
#include "quarantine/sealed_object.h"

namespace gatehouse {

inline FileOperations& TestFiles() {
  static LinuxFileOperations files;
  return files;
}

inline VaultKey KeyOf(uint8_t byte) {
  std::array<uint8_t, kVaultKeyBytes> bytes = {};
  bytes.fill(byte);
  Result<VaultKey> key = VaultKey::FromBytes(bytes);
  EXPECT_TRUE(key.has_value());
  return std::move(*key);
}

// An empty file without a name, that may have holes.
inline UniqueFd EmptyFile() {
  UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_TRUE(file.valid());
  return file;
}

inline UniqueFd FileOf(std::string_view content) {
  UniqueFd file = EmptyFile();
  EXPECT_EQ(::pwrite(file.UnsafeFd(), content.data(), content.size(), 0),
            static_cast<ssize_t>(content.size()));
  return file;
}

inline struct stat StatusOf(const UniqueFd& file) {
  struct stat status = {};
  EXPECT_EQ(::fstat(file.UnsafeFd(), &status), 0);
  return status;
}

inline std::string ContentOf(const UniqueFd& file) {
  std::string content(static_cast<size_t>(StatusOf(file).st_size), '\0');
  EXPECT_EQ(::pread(file.UnsafeFd(), content.data(), content.size(), 0),
            static_cast<ssize_t>(content.size()));
  return content;
}

// Every field has a value of its own; the size is that of the file.
inline ObjectHeader HeaderFor(uint64_t size) {
  ObjectHeader header;
  header.id = "6f2c1d0e-0000-4000-8000-1234567890ab";
  header.time_ms = 1'700'000'000'123;
  header.threat_name = "Virus:DOS/EICAR_Test_File";
  header.signature_generation = 7;
  header.engine_version = "0.2.0";
  header.path = "/tmp/a \xff\xfe.com";
  header.parent_path = "/tmp";
  header.parent_handle = std::string("\x00\x01\x02\x80", 4);
  header.parent_handle_type = -1;
  header.scan_id = "scan-1";
  header.isolated_in_time = true;
  header.file.dev = 0xfd00000000000001;
  header.file.inode = 12;
  header.file.handle_type = 129;
  header.file.handle = std::string("\xff\x00\x7f", 3);
  header.file.btime = {-1, 999'999'999};
  header.file.size = size;
  header.file.mode = 0100644;
  header.file.uid = 1000;
  header.file.gid = 0xffffffff;
  header.file.atime = {1, 2};
  header.file.mtime = {3, 4};
  header.file.ctime = {5, 6};
  header.file.nlink = 2;
  header.file.inode_flags = 0x10;
  header.file.xattrs = {{"user.origin", std::string("\x00\xff", 2)},
                        {"security.capability", ""}};
  return header;
}

// Seals `source` as it is, with KeyOf(1).
inline UniqueFd ObjectOf(const UniqueFd& source) {
  UniqueFd object = EmptyFile();
  const auto size = static_cast<uint64_t>(StatusOf(source).st_size);
  const Result<ObjectHeader> header =
      Seal(TestFiles(), KeyOf(1), HeaderFor(size), source.UnsafeFd(),
           object.UnsafeFd());
  EXPECT_TRUE(header.has_value()) << header.error().message;
  return object;
}

}  // namespace gatehouse
