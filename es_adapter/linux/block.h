// Blocks, the closures of Apple's C, without a compiler that knows them: their
// layout and their two run-time functions are public (clang's "Block
// Implementation Specification"). The program that hands us a Block brings the
// run-time; we only refer to it if it is there.
//
// Thread-safe.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

namespace gatehouse {

// A copy that outlives its scope; null without the run-time. Each copy needs
// one release.
[[nodiscard]] void* CopyBlock(const void* block);
void ReleaseBlock(void* block);  // Null: nothing.

// An es_handler_function_t and a function for es_sync_client_f that call the
// Block in `context`; the latter releases it.
void CallHandlerBlock(void* context, es_client_t* client,
                      const es_message_t* message);
void CallSyncBlock(void* context);

}  // namespace gatehouse
