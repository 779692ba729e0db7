// A small EndpointSecurity client, written as for macOS: it denies every open
// and every start of a file whose name ends in ".blocked", and says what it
// decided. docs/endpoint-security.md tells how to build it.
//
//     gatekeeper DIRECTORY
//
// Linux only: DIRECTORY is where the file system to watch is mounted. macOS
// watches all of them.
#include <EndpointSecurity/EndpointSecurity.h>
#include <bsm/libbsm.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#ifdef __linux__
#include <es_linux.h>

static int Watch(es_client_t* client, const char* directory) {
  return esl_watch_file_system(client, directory);
}
#else
static int Watch(es_client_t* client, const char* directory) { return 0; }
#endif

static bool IsBlocked(const es_file_t* file) {
  static const char kEnding[] = ".blocked";
  const size_t length = sizeof(kEnding) - 1;
  return file->path.length >= length &&
         memcmp(file->path.data + file->path.length - length, kEnding,
                length) == 0;
}

static void Say(const char* what, bool denied, const es_message_t* message,
                const es_file_t* file) {
  printf("%s %s %.*s by %d\n", denied ? "denied" : "allowed", what,
         (int)file->path.length, file->path.data,
         audit_token_to_pid(message->process->audit_token));
  fflush(stdout);
}

static void Handle(es_client_t* client, const es_message_t* message) {
  switch (message->event_type) {
    case ES_EVENT_TYPE_AUTH_OPEN: {
      const es_file_t* file = message->event.open.file;
      const bool denied = IsBlocked(file);
      es_respond_flags_result(client, message, denied ? 0 : UINT32_MAX, false);
      Say("open", denied, message, file);
      break;
    }
    case ES_EVENT_TYPE_AUTH_EXEC: {
      const es_file_t* file = message->event.exec.target->executable;
      const bool denied = IsBlocked(file);
      es_respond_auth_result(
          client, message, denied ? ES_AUTH_RESULT_DENY : ES_AUTH_RESULT_ALLOW,
          false);
      Say("exec", denied, message, file);
      break;
    }
    case ES_EVENT_TYPE_NOTIFY_CLOSE:
      if (message->event.close.modified) {
        Say("close", false, message, message->event.close.target);
      }
      break;
    default:
      break;
  }
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: gatekeeper DIRECTORY\n");
    return 2;
  }
  // Before the client: its threads inherit the mask.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, NULL);

  __block long seen = 0;
  es_client_t* client = NULL;
  const es_new_client_result_t result =
      es_new_client(&client, ^(es_client_t* self, const es_message_t* message) {
        ++seen;
        Handle(self, message);
      });
  if (result != ES_NEW_CLIENT_RESULT_SUCCESS) {
    fprintf(stderr, "gatekeeper: es_new_client: error %d\n", (int)result);
    return 1;
  }
  const int error = Watch(client, argv[1]);
  if (error != 0) {
    fprintf(stderr, "gatekeeper: %s: %s\n", argv[1], strerror(error));
    return 1;
  }
  const es_event_type_t events[] = {ES_EVENT_TYPE_AUTH_OPEN,
                                    ES_EVENT_TYPE_AUTH_EXEC,
                                    ES_EVENT_TYPE_NOTIFY_CLOSE};
  if (es_subscribe(client, events, sizeof(events) / sizeof(events[0])) !=
      ES_RETURN_SUCCESS) {
    fprintf(stderr, "gatekeeper: es_subscribe failed\n");
    return 1;
  }
  printf("watching\n");
  fflush(stdout);
  int signal_number = 0;
  sigwait(&ends, &signal_number);
  es_delete_client(client);
  printf("%ld messages\n", seen);
  return 0;
}
