// What the kernel tells of mounts without asking any file system: statmount(2)
// and listmount(2), which there are wherever fanotify reports mounts.
//
// Thread-safe; nothing blocks on a file server.
#pragma once

#include <sys/vfs.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "es_adapter/linux/mount_table.h"

namespace gatehouse {

// Empty if there is no such mount in our mount namespace any more.
[[nodiscard]] std::optional<MountFacts> FactsOfMount(uint64_t id);

// All mounts of our mount namespace. Empty where the kernel does not say.
[[nodiscard]] std::vector<MountFacts> AllMounts();

// Fills in what `facts` say; the rest is 0.
void FillStatus(struct statfs& status, const MountFacts& facts);

// The same, and what statfs(2) says of a mount that is still there, if its file
// system and all on the way to it answer from memory.
void AskForStatus(struct statfs& status, const MountFacts& facts);

}  // namespace gatehouse
