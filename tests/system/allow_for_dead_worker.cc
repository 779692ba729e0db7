// The negative control of the kill test: a daemon that allows whoever waits for
// a worker that has died. No program that ships is linked with this.
//
// When it has reaped a worker, the supervisor asks the journal for what it has
// to keep; the linker sends that call here (--wrap).
#include <cstddef>

#include "es_linux.h"

extern "C" {

// The linker's names.
// NOLINTBEGIN(bugprone-reserved-identifier)
size_t __real_esl_journal_kept_fds(const esl_journal_t* journal, int* fds,
                                   size_t fds_max);
size_t __wrap_esl_journal_kept_fds(const esl_journal_t* journal, int* fds,
                                   size_t fds_max);

size_t __wrap_esl_journal_kept_fds(const esl_journal_t* journal, int* fds,
                                   size_t fds_max) {
  (void)esl_journal_answer_all(const_cast<esl_journal_t*>(journal), nullptr,
                               nullptr);
  return __real_esl_journal_kept_fds(journal, fds, fds_max);
}
// NOLINTEND(bugprone-reserved-identifier)
}
