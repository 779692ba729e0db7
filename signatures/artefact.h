// The artefact: a compiled signature set as a file.
//
// A head says what the file is for: a key, which is a digest of everything that
// the set depends on. Behind it stands the image (set_image.h). Both are
// authenticated with Poly1305 under a key that is made for this one file, by
// HMAC-SHA256 from the reader's secret and a random salt in the head: whoever
// does not know the secret cannot make us believe a file, and only what is
// believed is given to Hyperscan. docs/artefact-format.md is the format.
//
// Thread-safe functions. They borrow descriptors and read and write by offset.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"
#include "signatures/word_buffer.h"

namespace gatehouse {

inline constexpr uint64_t kArtefactBytesMax = uint64_t{2} << 30;

// The key of the set that these sources compile to: `sources` (a digest of what
// was read and of what was asked for), this program's compiler, Hyperscan and
// the processor. Errors: kNotSupported.
Result<Sha256Digest> ArtefactKey(const Sha256Digest& sources);

// Writes the artefact into `fd`, an empty file. Does not flush it. Errors:
// kLimitExceeded; else of the system.
Result<bool> WriteArtefact(int fd, const SecretKey& secret,
                           const Sha256Digest& key,
                           std::span<const uint64_t> image);

// The image, after a look at every byte of it. Errors: kInvalidInput when it is
// no artefact, for another key, cut off, or not authentic; kNotSupported when
// another version made it, or for another processor; kLimitExceeded; else of
// the system.
Result<WordBuffer> ReadArtefact(int fd, const SecretKey& secret,
                                const Sha256Digest& key);

}  // namespace gatehouse
