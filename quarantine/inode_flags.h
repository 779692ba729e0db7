// The inode flags that a restored file gets back, by when they can be set.
//
// Constants. The numbers are those of FS_IOC_GETFLAGS; they are on disk, in
// the headers of sealed objects.
#pragma once

#include <cstdint>

namespace gatehouse {

// How content is stored: only an empty file takes them (btrfs). Compressed,
// never compressed, never copied on write.
inline constexpr uint32_t kInodeFlagsOfEmptyFiles = 0x4 | 0x400 | 0x800000;
// At any time: secure deletion, undeletable, synchronous, no dump, no access
// time, journaled data, no tail merging.
inline constexpr uint32_t kInodeFlagsAtAnyTime =
    0x1 | 0x2 | 0x8 | 0x40 | 0x80 | 0x4000 | 0x8000;
// Append-only and immutable: a file that has them takes no name any more.
inline constexpr uint32_t kInodeFlagsOfProtection = 0x20 | 0x10;
inline constexpr uint32_t kInodeFlagsGivenBack =
    kInodeFlagsOfEmptyFiles | kInodeFlagsAtAnyTime | kInodeFlagsOfProtection;
// Encrypted and verified by the file system: missed when they are not there,
// but nothing that a flag could give back.
inline constexpr uint32_t kInodeFlagsOnlyMissed = 0x800 | 0x100000;

}  // namespace gatehouse
