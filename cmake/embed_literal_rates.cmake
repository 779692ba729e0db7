# cmake -D INPUT=FILE -D OUTPUT=FILE.cc -P embed_literal_rates.cmake
#
# Writes a source file that holds the bytes of INPUT.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUTPUT}
"// Made from literal_rates.bin.
#include \"signatures/literal_rates_data.h\"

namespace gatehouse {
namespace {

constexpr uint8_t kBytes[] = {
${bytes}
};

}  // namespace

ByteView LiteralRatesData() { return kBytes; }

}  // namespace gatehouse
")
