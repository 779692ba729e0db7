// MissingFacts: what a restored file lacks of what was known of the original.
//
// A pure function; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "quarantine/file_facts.h"

namespace gatehouse {

// Words for people, one for each thing: "owner", "attribute 'user.comment'".
// Empty: as it was. Set-id bits and capabilities count only with
// `with_privileges`. What no file can be given (times of birth and of change)
// is not missed.
[[nodiscard]] std::vector<std::string> MissingFacts(const FileFacts& wanted,
                                                    const FileFacts& got,
                                                    bool with_privileges);

// The bits of a mode that are given back.
[[nodiscard]] uint32_t ModeGivenBack(uint32_t mode, bool with_privileges);
// What would give whoever runs the file rights that nobody asked for.
[[nodiscard]] bool GrantsPrivileges(const std::string& attribute);

}  // namespace gatehouse
