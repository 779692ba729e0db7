// Sealing: a file becomes an object that nothing can run or match, and that
// says by itself where it came from; and the way back.
//
// Thread-safe: functions without state. They borrow their descriptors, and read
// and write them by offset only. Each call allocates its buffers once, and
// nothing per chunk. docs/vault-format.md is the format.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "quarantine/file_operations.h"
#include "quarantine/object_header.h"
#include "quarantine/vault_key.h"

namespace gatehouse {

// Content bytes in one chunk of an object, at most.
inline constexpr size_t kObjectChunkBytes = size_t{64} << 10;

// Writes the sealed copy of the file behind `source_fd` into `object_fd`, and
// returns the header with `sha256` and `data_bytes` filled in.
//
// `source_fd` is read by offset; its own offset is the same afterwards (it is
// moved meanwhile, because SEEK_DATA knows no other way: do not share it with a
// reader that uses read). `object_fd` is open for writing and empty. Holes cost
// no reading and no space, but their zeros are hashed. Blocks for reading and
// writing; does not fsync. Errors: kOperational "... changed while sealing"
// when the file has not header.file.size bytes from beginning to end;
// kLimitExceeded when the header is too long; kInvalidInput when `object_fd` is
// not empty; else of the system. On error, throw the object away.
Result<ObjectHeader> Seal(FileOperations& files, const VaultKey& key,
                          ObjectHeader header, int source_fd, int object_fd);

// Decrypts and checks the header alone: two reads. Whether the content is whole
// is not known then. Errors: kInvalidInput when this is no sealed object, or
// one that is damaged or sealed with another key; kNotSupported for a newer
// version; else of the system.
Result<ObjectHeader> ReadHeader(FileOperations& files, const VaultKey& key,
                                int object_fd);

// Writes the file that was sealed into `target_fd`, which is open for writing
// and empty; holes are holes again. Only content: facts are the caller's.
//
// Checks every chunk, their order, that none is missing or one too many, size
// and digest. The errors of ReadHeader; kInvalidInput names what is wrong:
// "authentication of chunk 3 failed". On any error the caller throws the target
// away: what is there may be half a file. Does not fsync.
Result<ObjectHeader> Unseal(FileOperations& files, const VaultKey& key,
                            int object_fd, int target_fd);

// Unseal without a target: true, or the error that Unseal would have.
Result<bool> Verify(FileOperations& files, const VaultKey& key, int object_fd);

}  // namespace gatehouse
