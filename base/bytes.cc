#include "base/bytes.h"

namespace gatehouse {

// char and uint8_t may alias anything; both casts are within the standard.
ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace gatehouse
