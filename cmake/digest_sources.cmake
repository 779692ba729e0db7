# cmake -D FOLDER=DIR -D OUTPUT=FILE.cc -P digest_sources.cmake
#
# Writes a source file that holds one digest of all sources in FOLDER.
file(GLOB_RECURSE files LIST_DIRECTORIES false RELATIVE ${FOLDER}
     ${FOLDER}/*.cc ${FOLDER}/*.h ${FOLDER}/*.bin)
list(SORT files)
set(all "")
foreach(name IN LISTS files)
  file(SHA256 ${FOLDER}/${name} digest)
  string(APPEND all "${name} ${digest}\n")
endforeach()
string(SHA256 digest "${all}")
file(WRITE ${OUTPUT}
"// Made from the sources in signatures/.
#include \"signatures/compiler_digest.h\"

namespace gatehouse {

std::string_view CompilerDigest() { return \"${digest}\"; }

}  // namespace gatehouse
")
