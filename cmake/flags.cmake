# One INTERFACE target carries every flag: warnings, hardening, sanitizers.
add_library(gatehouse_flags INTERFACE)
target_include_directories(gatehouse_flags INTERFACE ${PROJECT_SOURCE_DIR})

target_compile_options(gatehouse_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wcast-align -Wcast-qual -Wimplicit-fallthrough -Wformat=2 -Wundef
  $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond>
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-branches>
  $<$<CXX_COMPILER_ID:GNU>:-Wlogical-op>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wuseless-cast>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${GATEHOUSE_WERROR}>:-Werror>)

if(GATEHOUSE_SANITIZER STREQUAL "address")
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all
      -fno-omit-frame-pointer)
  # With ASan, gcc 12 no longer sees that tl::expected knows what it holds.
  list(APPEND sanitize
       $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
elseif(GATEHOUSE_SANITIZER STREQUAL "thread")
  set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
elseif(NOT GATEHOUSE_SANITIZER STREQUAL "")
  message(FATAL_ERROR "GATEHOUSE_SANITIZER: '${GATEHOUSE_SANITIZER}'")
endif()
if(sanitize)
  target_compile_options(gatehouse_flags INTERFACE ${sanitize})
  target_link_options(gatehouse_flags INTERFACE ${sanitize})
else()
  # Hardening. Sanitizers bring their own checks and dislike FORTIFY.
  target_compile_options(gatehouse_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection
    $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection=full>
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
    $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  target_compile_definitions(gatehouse_flags INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(gatehouse_flags INTERFACE
    -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# Executables that ship are position independent.
include(CheckPIESupported)
check_pie_supported()
