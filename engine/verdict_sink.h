// VerdictSink: what acts on verdicts. Real time answers and remediates, a
// corpus scan reports, benchmarks count.
//
// SinkRef borrows a sink, which must outlive it. OnVerdict is called by many
// threads at once.
#pragma once

#include <concepts>
#include <utility>

#include "engine/file_event.h"
#include "engine/verdict.h"

namespace gatehouse {

template <class Sink>
concept VerdictSink = requires(Sink& sink, FileEvent event,
                               const Verdict& verdict) {
  { sink.OnVerdict(std::move(event), verdict) } -> std::same_as<void>;
};

// A reference to any VerdictSink, so that the drivers are ordinary classes.
class SinkRef {
 public:
  // Not for a SinkRef: that is copied, or it would refer to a reference.
  template <VerdictSink Sink>
  requires(!std::same_as<Sink, SinkRef>) explicit SinkRef(Sink& sink)
      : sink_(&sink),
        on_verdict_([](void* target, FileEvent event, const Verdict& verdict) {
          static_cast<Sink*>(target)->OnVerdict(std::move(event), verdict);
        }) {}

  void OnVerdict(FileEvent event, const Verdict& verdict) const {
    on_verdict_(sink_, std::move(event), verdict);
  }

 private:
  void* sink_;
  void (*on_verdict_)(void*, FileEvent, const Verdict&);
};

}  // namespace gatehouse
