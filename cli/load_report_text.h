// What became of signature files, as text and as JSON.
//
// Thread-safe: functions of plain values and the console.
#pragma once

#include <string>
#include <string_view>

#include "ipc/json.h"
#include "signatures/load_report.h"

namespace gatehouse {

// JSON strings are Unicode, names are bytes: what is not UTF-8 is shown with
// replacement characters, and given exactly in a second member.
void PutPath(Json& object, const char* key, std::string_view bytes);

[[nodiscard]] Json LoadReportJson(const LoadReport& report,
                                  const std::string& directory);

// Warnings about what was not loaded, on standard error; of many, the first.
void PrintLoadReport(const LoadReport& report);

// Every file with its counts, and what its lines need that is not supported, on
// standard output.
void PrintLoadedFiles(const LoadReport& report);

}  // namespace gatehouse
