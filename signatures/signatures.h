// Signatures: everything that was loaded, from any number of files.
//
// Thread-compatible plain value.
#pragma once

#include <vector>

#include "signatures/hash_signature.h"
#include "signatures/magic_table.h"
#include "signatures/signature.h"

namespace gatehouse {

struct Signatures {
  std::vector<Signature> bodies;
  std::vector<HashSignature> hashes;          // Of whole files.
  std::vector<HashSignature> section_hashes;  // Of sections of PE files.
  std::vector<HashSignature> import_hashes;   // Of the imports of PE files.
  std::vector<HashSignature> allowed_hashes;  // Files that are not malicious.
  std::vector<TypeMagic> magics;              // Of file types; find nothing.

  [[nodiscard]] bool empty() const {
    return bodies.empty() && hashes.empty() && section_hashes.empty() &&
           import_hashes.empty() && allowed_hashes.empty();
  }
};

}  // namespace gatehouse
