// The file of a threat that is remembered: at the place where it was found, if
// it is that very file still.
//
// Thread-safe functions; they block for I/O, but ask no server that may hang.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "quarantine/file_operations.h"
#include "quarantine/threat.h"
#include "quarantine/threat_store.h"

namespace gatehouse {

// Opens it for reading. Errors: kNotFound when it is not there any more, or
// another file has its name; kNotSupported where a server may hang; those of
// the system.
Result<UniqueFd> OpenThreatFile(FileOperations& files, const ThreatStore& store,
                                const Threat& threat);

}  // namespace gatehouse
