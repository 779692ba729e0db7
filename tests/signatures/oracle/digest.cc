// Digests by OpenSSL, which is nobody's own code here.
#include <openssl/evp.h>

#include "tests/signatures/oracle/slow_matcher.h"
#include "tests/signatures/oracle/text.h"

namespace gatehouse::oracle {

std::string DigestOf(std::string_view bytes, size_t digits) {
  const EVP_MD* algorithm = digits == 32   ? EVP_md5()
                            : digits == 40 ? EVP_sha1()
                                           : EVP_sha256();
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int length = 0;
  // A digest that fails is empty, and equals none.
  if (EVP_Digest(bytes.data(), bytes.size(),
                 reinterpret_cast<unsigned char*>(digest.data()), &length,
                 algorithm, nullptr) != 1) {
    return "";
  }
  digest.resize(length);
  return ToHex(digest);
}

}  // namespace gatehouse::oracle
