// A trace in which every kind of record stands.
//
// Thread-safe: a pure function.
#pragma once

#include "trace/trace.h"

namespace gatehouse {

inline Trace TraceForTests() {
  Trace trace;
  trace.sessions = {{1'700'000'000'123, 5'000'000'000, "recorder 1"}};
  trace.processes = {{100, 1, 1000, 1001, 0, 1001, "/usr/bin/cc"},
                     {0, 0, 0, 0, 0, 0, ""}};
  trace.files = {{0x100000042, 12, 4096, 0100644, 1'699'999'999'000'000'001,
                  1'699'999'999'000'000'002, false, "/srv/a file"},
                 {7, UINT64_MAX, 0, 0100755, -1, 0, true, "/srv/b"}};
  trace.contents = {{ContentKind::kMarker, 1000, 77, ""},
                    {ContentKind::kBytes, 3, 0, std::string("a\0b", 3)}};
  constexpr uint32_t exec = 0;  // As es_event_type_t has them.
  constexpr uint32_t open = 1;
  constexpr uint32_t close = 12;
  trace.events = {{5'000'001'000, exec, TraceAction::kAuth, false, 0, 0, 1,
                   5'000'000'000, std::nullopt, 0},
                  {5'000'002'000, open, TraceAction::kAuth, true, 3, 0, 0,
                   3'000'000'000, 1, 2},
                  {5'000'002'500, open, TraceAction::kAuth, false, 1, 1, 0,
                   3'000'000'000, std::nullopt, 1},
                  {5'000'009'000, close, TraceAction::kNotify, false, 0, 0, 0,
                   0, 0, std::nullopt},
                  {5'000'009'500, open, TraceAction::kAuth, false, 1, 1, 0,
                   3'000'000'000, std::nullopt, std::nullopt}};
  trace.answers = {
      {5'000'001'500, 0, true, AnswerSource::kClient},
      {5'000'003'000, 2, false, AnswerSource::kClient},
      {5'000'004'000, 1, true, AnswerSource::kDeadline},
  };
  trace.lost = 9;
  trace.sessions_ended = 1;
  return trace;
}

}  // namespace gatehouse
