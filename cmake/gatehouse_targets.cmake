# gatehouse_library(NAME engine SOURCES ... DEPENDS base signatures
#                   PRIVATE_LIBRARIES TBB::tbb)
#
# One static library per folder, known as gatehouse::NAME. DEPENDS names other
# folders; third-party libraries stay private to the folder.
function(gatehouse_library)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;DEPENDS;PRIVATE_LIBRARIES"
                        ${ARGN})
  add_library(gatehouse_${arg_NAME} STATIC ${arg_SOURCES})
  add_library(gatehouse::${arg_NAME} ALIAS gatehouse_${arg_NAME})
  target_link_libraries(gatehouse_${arg_NAME} PUBLIC gatehouse_flags)
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(gatehouse_${arg_NAME}
                          PUBLIC gatehouse::${dependency})
  endforeach()
  target_link_libraries(gatehouse_${arg_NAME} PRIVATE ${arg_PRIVATE_LIBRARIES})
endfunction()

# Executables that ship: mimalloc is linked here and nowhere else, and never
# together with a sanitizer, which brings an allocator of its own.
function(gatehouse_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;PRIVATE_LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE gatehouse_flags
                        ${arg_PRIVATE_LIBRARIES})
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(${name} PRIVATE gatehouse::${dependency})
  endforeach()
  if(GATEHOUSE_SANITIZER STREQUAL "")
    target_link_libraries(${name} PRIVATE mimalloc)
  endif()
endfunction()
