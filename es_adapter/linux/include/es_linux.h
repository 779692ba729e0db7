// What Linux needs beyond Apple's interface: the descriptor of an event, which
// file systems to watch, and the journal that lets a successor take over.
//
// Used by es_adapter/event_file_linux.cc (descriptor and scan mark) and by
// daemon/ (everything else); by nobody else. Thread safety as said per
// function.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- Messages ---------------------------------------------------------------

// The open descriptor of the file a message is about: read-only, positioned at
// 0, of the very inode the event happened on. -1 if the message has none.
// Borrowed: valid for as long as the message. Thread-safe.
int esl_message_fd(const es_message_t* message);

// Of NOTIFY_MOUNT and NOTIFY_UNMOUNT: what the statfs of Linux does not say.
typedef struct {
  es_string_token_t mount_point;  // Empty: it was gone before it was looked at.
  es_string_token_t source;       // "/dev/vda"
  es_string_token_t file_system_type;  // "ext4"
  dev_t device;                        // st_dev of its files.
  uint64_t mount_id;                   // Of mountinfo; used again later.
} esl_mount_t;

// Null if the message is of another type. Borrowed: valid for as long as the
// message. Thread-safe.
const esl_mount_t* esl_message_mount(const es_message_t* message);

// A word in the journal that belongs to this message until it is released; the
// holder notes there that a scan is running, and a fault handler that this scan
// is the one that failed. Write it atomically. Thread-safe.
#define ESL_SCAN_MARK_NONE 0U
#define ESL_SCAN_MARK_SCANNING 1U
#define ESL_SCAN_MARK_FAULTED 2U
uint32_t* esl_message_scan_mark(const es_message_t* message);

// How many processes died of their own fault while they scanned this message.
uint32_t esl_message_strikes(const es_message_t* message);

// True if a predecessor has answered this message already, by policy: only a
// rescan is owed. Answering it again gives ERR_DUPLICATE_RESPONSE.
bool esl_message_is_answered(const es_message_t* message);

// After an AUTH_EXEC that is about to be allowed because its content was
// judged: the AUTH_OPEN of the same file by the same process, which the kernel
// asks next, is allowed without a message. Once, within a second, and only if
// the file is unchanged. Thread-safe.
void esl_message_expect_open(const es_message_t* message);

// The one who is held over this message is denied, and not allowed, if nobody
// has answered by the deadline, whatever the miss mode of the client; unless
// the client is no longer subscribed to the event then. Thread-safe.
void esl_message_fail_closed(const es_message_t* message);

// Looks up the path of the file a message is about, where ESL_DETAIL_FILE left
// it out. By one thread at a time.
void esl_message_fill_path(const es_message_t* message);

// The file a message is about, and the program that acts, if their paths can be
// believed: reached through a mount of our own mount namespace. Elsewhere
// whoever mounts makes paths say anything. Null if not, or if unknown. Only in
// the handler, which is when they are looked up.
const es_file_t* esl_message_believed_target(const es_message_t* message);
const es_file_t* esl_message_believed_executable(const es_message_t* message);

// True while anybody, whoever is held by this message included, has its file
// open for writing or mapped writable: the kernel is asked for a read lease,
// which is given back at once. SIGIO must be ignored. Means something only on
// ext4, xfs, btrfs and tmpfs. Thread-safe; does not block.
bool esl_message_has_writer(const es_message_t* message);

// The kernel need not ask about opens of the message's file for a moment: until
// somebody writes to it or truncates it, until what was written to it is
// closed, and for a quarter of a second at most. Program starts are asked about
// all the same. Also forgotten by es_clear_cache, and whenever marks change.
//
// Stores through a mapping do NOT end it: only for files that nobody can open
// for writing, or nobody who is not trusted. Bounded and best effort: what
// became of it is only counted. In the handler only.
void esl_message_ignore_until_modified(const es_message_t* message);

// --- Events -----------------------------------------------------------------

// What Linux can do about an event of the interface.
typedef enum {
  ESL_SUPPORT_NONE = 0,    // es_subscribe refuses it.
  ESL_SUPPORT_NOTIFY = 1,  // Reported after the fact.
  ESL_SUPPORT_AUTH = 2,    // Held until it is answered.
  // Reported after the fact, and not exactly: docs/endpoint-security.md.
  ESL_SUPPORT_APPROXIMATE = 3,
} esl_support_t;

// Of Linux as such: es_subscribe may still fail where the kernel, a watched
// file system or the namespace has not what the event needs.

esl_support_t esl_event_support(es_event_type_t event);

// --- The kernel -------------------------------------------------------------

// What this kernel can do; mostly its fanotify.
typedef struct {
  bool permission_events;       // Opens can be held.
  bool exec_permission_events;  // Program starts, too (5.0).
  bool process_descriptors;     // Who acts, as a pidfd (5.15).
  bool name_events;             // Both names of a rename (5.17).
  bool evictable_marks;         // Marks that memory pressure may take (5.19).
  bool access_events;           // Reads can be held: FAN_PRE_ACCESS (6.14).
  bool deny_errno;              // A refusal can say why (6.14).
  bool mount_events;            // Mounts are reported (6.15).
  // Not fanotify, but the process connector: forks, program starts and ends are
  // reported. Only in the initial pid and user namespaces.
  bool process_events;
} esl_kernel_features_t;

// Tries each on `file`, an open regular file of the caller that nobody else
// needs: nothing is held, and no mark stays. Returns 0, or the errno value with
// which fanotify is refused as a whole; then all are false. Thread-safe.
int esl_probe_kernel(int file, esl_kernel_features_t* features);

// --- Which file systems -----------------------------------------------------

// Watches the file system that is mounted at `path` for everything the client
// is or will be subscribed to: all of it, from every mount and namespace.
// Nothing is held open, so it can be unmounted; the path is not looked up
// again for another file system.
//
// Returns 0 or an errno value: EINVAL if the kernel cannot ask for permission
// there, EPERM without CAP_SYS_ADMIN, ENOENT and so on from opening `path`.
// Not thread-safe with es_subscribe and es_unsubscribe.
int esl_watch_file_system(es_client_t* client, const char* path);

// The same for the file system that the open `directory` is on, wherever it is
// mounted; `path` is where names of it can be looked up. It is not kept in
// mind: what is subscribed to later is reported of it when it is watched again.
int esl_watch_open_file_system(es_client_t* client, int directory,
                               const char* path);

// Forgets every file system and takes the marks away; subscriptions stay.
// Events that have been read are delivered. Not thread-safe with es_subscribe
// and es_unsubscribe.
void esl_unwatch_all(es_client_t* client);

// Also reports files that are opened to be executed: as NOTIFY_CLOSE with
// `modified` false, for a client of it that judges content after the fact.
// Holds for file systems that are watched from now on; false holds at once. Not
// thread-safe with es_subscribe and es_unsubscribe.
void esl_report_starts(es_client_t* client, bool reports);

// --- Detail -----------------------------------------------------------------

// How much of a message is filled in. Looking at /proc costs several times what
// the rest of an event does.
typedef enum {
  // Everything Linux can tell. The default.
  ESL_DETAIL_FULL = 0,
  // What a judge of content needs: the file, and the pid in the audit token.
  // The rest of es_process_t is 0 or empty; fflag is FREAD | FWRITE; the path
  // is empty until esl_message_fill_path. Of NOTIFY_EXEC: the path of the
  // program, and neither its `stat` nor arguments, so that no file system is
  // asked for anything.
  ESL_DETAIL_FILE = 1,
} esl_detail_t;

// Affects messages delivered from now on. Thread-safe.
void esl_set_detail(es_client_t* client, esl_detail_t detail);

// --- Deadlines --------------------------------------------------------------

// Who has no answer by his deadline is allowed or denied, as
// es_set_deadline_miss_mode says, and counted. The default is 5000 ms for
// AUTH_EXEC and 3000 ms for AUTH_OPEN; this sets both, 1 to 10000, and may
// lengthen. Affects events read from now on. Returns 0 or EINVAL. Thread-safe.
int esl_set_deadline_milliseconds(es_client_t* client, uint32_t milliseconds);

// --- Health ------------------------------------------------------------------

// False if the thread that reads events, or the one that answers at the
// deadline, has not come round since the last call: it hangs, or the calls are
// closer than 100 ms. Call it now and then, from one thread; the first call may
// say false. Does not block.
bool esl_is_responding(es_client_t* client);

// --- Recording --------------------------------------------------------------

// Appends a session to the trace file `fd` (docs/trace-format.md), which is
// duplicated: every event from now on, but those of this very process, and its
// answer. `program` says who records. Nothing of a file's bytes is read or
// kept. What happens faster than it can be written is counted as lost.
//
// Returns 0 or an errno value: EBUSY while it records. Not thread-safe with
// esl_record_stop.
int esl_record_start(es_client_t* client, int fd, const char* program);

// Ends the recording, as es_delete_client does. Returns 0, EINVAL if there is
// none, or what had ended it before: ENOSPC and the like, EFBIG at 64 MiB.
int esl_record_stop(es_client_t* client);

// The recording that goes on, or the last one; blank if there was none.
typedef struct {
  bool active;       // Events are recorded now.
  int error_number;  // What ended it before esl_record_stop; 0: nothing did.
  uint64_t events;   // In the trace so far, as far as it was written.
  uint64_t answers;
  uint64_t lost;   // Events and answers that the trace has no room for.
  uint64_t bytes;  // Of the file.
} esl_recording_t;
// Thread-safe.
void esl_record_status(const es_client_t* client, esl_recording_t* recording);

// --- Counters ---------------------------------------------------------------

typedef struct {
  uint64_t auth_events;    // Permission events read.
  uint64_t notify_events;  // Notification events read.
  uint64_t allowed;        // Answers given, by kind.
  uint64_t denied;
  uint64_t allowed_own_process;     // Opens by this very process.
  uint64_t allowed_deadline;        // Nobody answered in time.
  uint64_t denied_deadline;         // The same, failing closed.
  uint64_t allowed_muted;           // Nobody wanted to know.
  uint64_t allowed_expected;        // The open of an allowed program start.
  uint64_t answered_from_cache;     // By an answer that was kept.
  uint64_t ignored;                 // Files the kernel need not ask about ...
  uint64_t ignored_full;            // ... and those too many at a time.
  uint64_t allowed_unanswered;      // Released or deleted without an answer.
  uint64_t allowed_no_worker;       // Answered by the supervisor.
  uint64_t denied_no_worker;        // The same, failing closed.
  uint64_t rescans_lost;            // Of those: no slot left to remember them.
  uint64_t answers_without_waiter;  // The opener was gone, or answered before.
  uint64_t answers_failed;          // The kernel refused an answer.
  uint64_t queue_overflows;         // The kernel lost notifications.
  uint64_t read_errors;             // Reading a group failed.
  uint64_t full_stops;              // No slot free: the kernel kept the events.
  uint64_t adopted;                 // Events taken over from a predecessor.
  uint64_t strikes;                 // Scans that killed a predecessor.
  uint64_t name_events;             // Records of names that were read.
  uint64_t names_lost;              // Times that the kernel lost some.
  uint64_t names_unresolved;        // Whose directory was gone or unreachable.
  uint64_t process_events;          // Messages of the process connector read.
  uint64_t processes_lost;          // Times that the kernel lost some.
  uint64_t processes_gone;          // That ended before they were looked at.
  uint64_t mount_events;            // Mounts and unmounts that were seen.
  uint64_t mounts_lost;             // Times that some were not seen.
  uint64_t mounts_unresolved;  // That were gone before they were looked at.
  uint64_t malformed_records;  // Not what the kernel writes: skipped.
  uint64_t recorded;           // Events and answers handed to a trace.
  uint64_t record_lost;        // Those that a trace has no room for.
  uint64_t recordings_failed;  // Traces that ended before they should.
  uint64_t pending;            // Events in the journal now.
} esl_statistics_t;

// --- The journal ------------------------------------------------------------

// Memory, shared with every process cloned later, in which the kernel's events
// live from the instant they are read until they are settled. See
// docs/journal.md.
typedef struct esl_journal_s esl_journal_t;

// Room for `events_max` events of each kind (permission, notification), each
// of which holds one descriptor. Never freed: it lives as long as the
// processes that share it. Null with errno if there is no memory. The library
// of a client without a journal makes one of its own.
esl_journal_t* esl_journal_create(uint32_t events_max);

// es_new_client_f for a client whose events live in `journal`. The first such
// client opens the groups. A later one, in a successor of the process that had
// the earlier one and sharing its descriptor table, adopts them: groups, marks
// and subscriptions stay, and what was pending is delivered before anything
// new.
//
// Nothing is muted by default.
//
// `own_fault` says that the predecessor died of its own fault, not killed from
// outside: scans in progress get a strike, only the one marked as faulted if
// there is one. REQUIRES: the predecessor is gone (reaped).
es_new_client_result_t esl_new_client_adopting(es_client_t** client,
                                               esl_journal_t* journal,
                                               bool own_fault, void* context,
                                               es_handler_function_t handler);

// The journal of `client`: that of esl_new_client_adopting, or the one that the
// library made. Thread-safe.
esl_journal_t* esl_client_journal(const es_client_t* client);

// Writes to `fds` the descriptors that a successor needs, ascending, without
// duplicates, and returns how many: the groups and other sources, and the files
// of unsettled events. `fds_max` of 5 + 2 * events_max is always enough.
// REQUIRES: no process works with the journal.
size_t esl_journal_kept_fds(const esl_journal_t* journal, int* fds,
                            size_t fds_max);

// Who is held, as far as the kernel itself says. `fd` is the file, borrowed.
typedef struct {
  es_event_type_t event;
  pid_t pid;  // 0: of another pid namespace.
  int fd;
} esl_held_t;

// Answers for a worker that is not there: everybody who waits, and whoever
// else asked meanwhile, is allowed, or denied where `allows` returns false, and
// counted as allowed_no_worker or denied_no_worker; their files are kept for a
// rescan while slots last. Returns the number of answers. Does not block if
// `allows` does not. A null `allows` allows all. REQUIRES: no process works
// with the journal.
size_t esl_journal_answer_all(esl_journal_t* journal, void* context,
                              bool (*allows)(void* context,
                                             const esl_held_t* held));

// For how long, in nanoseconds, the event has waited that has done so longest
// and has no answer; 0 if none waits. Looks at every slot. Thread-safe.
uint64_t esl_journal_longest_wait_ns(const esl_journal_t* journal);

// The descriptor of the permission group, to wait on; -1 before the first
// client.
int esl_journal_group_fd(const esl_journal_t* journal);

// What the kernel itself says is being watched: file systems with a mark, by
// group. A file system that is unmounted loses its marks. Reads /proc; 0 where
// there is no group. Thread-safe.
typedef struct {
  uint32_t permission;    // Opens are held until they are answered.
  uint32_t notification;  // Closed files are reported.
} esl_marks_t;
void esl_journal_marks(const esl_journal_t* journal, esl_marks_t* marks);

// The devices (st_dev of their files, but on btrfs) of the first `devices_max`
// file systems that the kernel lists as watched by the permission group, or,
// `is_held` false, by that of notifications. Returns how many. Thread-safe.
size_t esl_journal_watched_devices(const esl_journal_t* journal, bool is_held,
                                   dev_t* devices, size_t devices_max);

// Thread-safe snapshot of counters that outlive their process.
void esl_journal_statistics(const esl_journal_t* journal,
                            esl_statistics_t* statistics);

// --- Replay -----------------------------------------------------------------

// A recorded session that is replayed: the C++ header
// es_adapter/linux/replay_backend.h says how.
typedef struct esl_replay_s esl_replay_t;

// As esl_new_client_adopting, but the events come from `replay`, which must
// outlive the client, and the answers go there. The journal must be new. Events
// begin when the client has subscribed and watches any file system. Needs no
// privilege.
es_new_client_result_t esl_new_replay_client(es_client_t** client,
                                             esl_journal_t* journal,
                                             esl_replay_t* replay,
                                             void* context,
                                             es_handler_function_t handler);

// For a replay on a virtual clock, which has no threads: delivers a batch of
// what is due now, and answers whoever is overdue now.
void esl_replay_step(es_client_t* client);
void esl_replay_answer_overdue(es_client_t* client);

#ifdef __cplusplus
}  // extern "C"
#endif
