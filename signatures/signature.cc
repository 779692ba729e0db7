#include "signatures/signature.h"

#include <utility>

#include "signatures/byte_pattern.h"

namespace gatehouse {

Signature LiteralSignature(std::string name, ByteView literal,
                           const PatternOffset& offset) {
  PatternWriter writer;
  for (const uint8_t byte : literal) writer.Literal(byte);
  PatternAtom atom;
  atom.variants.push_back(writer.Take());
  atom.offset = offset;
  Signature signature;
  signature.name = std::move(name);
  signature.atoms.emplace_back(std::move(atom));
  signature.logic = SingleAtomLogic();
  return signature;
}

}  // namespace gatehouse
