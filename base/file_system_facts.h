// What can be told, and what cannot, of changes to a file: by its file system,
// its kernel and its attributes.
//
// Thread-safe; nothing blocks. `fd` is any open descriptor of the file.
#pragma once

namespace gatehouse {

// True if a lease on the file is refused for every writer: ext4, xfs, btrfs,
// tmpfs. Not overlayfs, which forgets mappings; not those whose files change
// without us (FUSE, networks).
[[nodiscard]] bool TellsWriters(int fd);

// True if pages of the file can stay pinned for input when nobody has them
// mapped any more, and so change with no writer to be seen. An unprivileged
// user does that with a registered buffer of io_uring: on tmpfs, and before
// Linux 6.5 everywhere.
[[nodiscard]] bool KeepsPinnedPages(int fd);

}  // namespace gatehouse
