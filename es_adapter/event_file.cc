// The part of event_file.h that is the same on every platform.
#include "es_adapter/event_file.h"

namespace gatehouse {

const es_file_t* EventTarget(const es_message_t& message) {
  if (message.event_type == ES_EVENT_TYPE_AUTH_OPEN) {
    return message.event.open.file;
  }
  if (message.event_type == ES_EVENT_TYPE_AUTH_EXEC) {
    return message.event.exec.target->executable;
  }
  if (message.event_type == ES_EVENT_TYPE_NOTIFY_CLOSE) {
    return message.event.close.target;
  }
  return nullptr;
}

}  // namespace gatehouse
