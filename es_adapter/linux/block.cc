#include "es_adapter/linux/block.h"

#include <memory>

#include "es_adapter/linux/client.h"

// Weak: null in a program without -lBlocksRuntime.
extern "C" __attribute__((weak)) void* _Block_copy(const void* block);
extern "C" __attribute__((weak)) void _Block_release(const void* block);

namespace gatehouse {
namespace {

// The beginning of every Block.
struct BlockLayout {
  void* isa = nullptr;
  int flags = 0;
  int reserved = 0;
  void* invoke = nullptr;  // The code; its first argument is the Block.
};

template <typename Function>
Function* CodeOf(void* block) {
  return reinterpret_cast<Function*>(static_cast<BlockLayout*>(block)->invoke);
}

}  // namespace

void* CopyBlock(const void* block) {
  return _Block_copy == nullptr ? nullptr : _Block_copy(block);
}

void ReleaseBlock(void* block) {
  if (block != nullptr && _Block_release != nullptr) _Block_release(block);
}

void CallHandlerBlock(void* context, es_client_t* client,
                      const es_message_t* message) {
  CodeOf<void(void*, es_client_t*, const es_message_t*)>(context)(
      context, client, message);
}

void CallSyncBlock(void* context) {
  CodeOf<void(void*)>(context)(context);
  ReleaseBlock(context);
}

}  // namespace gatehouse

// As declared in ESClient.h for compilers with Blocks; a Block is a pointer.
extern "C" {

es_new_client_result_t es_new_client(es_client_t** client, void* handler) {
  if (client == nullptr || handler == nullptr) {
    return ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT;
  }
  void* block = gatehouse::CopyBlock(handler);
  if (block == nullptr) return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
  const es_new_client_result_t result =
      es_new_client_f(client, block, gatehouse::CallHandlerBlock);
  if (result == ES_NEW_CLIENT_RESULT_SUCCESS) {
    (*client)->block = block;
  } else {
    gatehouse::ReleaseBlock(block);
  }
  return result;
}

es_new_client_result_t es_new_descendants_client(es_client_t** client,
                                                 void* handler) {
  if (client == nullptr || handler == nullptr) {
    return ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT;
  }
  *client = nullptr;
  return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
}

es_return_t es_sync_client(es_client_t* client, void* block) {
  if (client == nullptr || block == nullptr) return ES_RETURN_ERROR;
  void* copy = gatehouse::CopyBlock(block);
  if (copy == nullptr) return ES_RETURN_ERROR;
  return es_sync_client_f(client, copy, gatehouse::CallSyncBlock);
}

}  // extern "C"
