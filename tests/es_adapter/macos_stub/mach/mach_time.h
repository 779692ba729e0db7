// What event_file_macos.cc needs of Apple's <mach/mach_time.h>, so that it can
// be compiled for syntax on Linux. Never linked.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  uint32_t numer;
  uint32_t denom;
} mach_timebase_info_data_t;

int mach_timebase_info(mach_timebase_info_data_t* timebase);
uint64_t mach_absolute_time(void);

#ifdef __cplusplus
}  // extern "C"
#endif
