// CorpusDriver: scans a file, or all files of a directory tree, on all cores.
//
// Thread-compatible: one Scan at a time. Keeps its SignatureSet alive and owns
// one Scanner per thread, created here and not per file.
//
// Whatever the tree looks like, descriptors and stack stay bounded, memory
// grows with the depth and not with the number of files, and nothing but
// regular files and directories is ever opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "engine/corpus_counts.h"
#include "engine/verdict_sink.h"
#include "signatures/signature_set.h"

namespace gatehouse {

inline constexpr size_t kCorpusThreadsMax = 256;

struct CorpusOptions {
  size_t threads = 0;      // 0: one per core; at most kCorpusThreadsMax.
  std::stop_token cancel;  // Ends the scan soon; what is left gets no verdict.
};

class CorpusDriver {
 public:
  // Errors: those of Scanner::Create, and kInvalidInput for too many threads.
  static Result<std::unique_ptr<CorpusDriver>> Create(
      std::shared_ptr<const SignatureSet> signatures,
      const CorpusOptions& options);
  ~CorpusDriver();
  CorpusDriver(const CorpusDriver&) = delete;
  CorpusDriver& operator=(const CorpusDriver&) = delete;

  // Scans `path`, and below it without following symbolic links; `path` itself
  // may be one. Every file, and everything that cannot be scanned, is one
  // verdict for `sink`, from several threads at once. Returns when all of them
  // have been delivered. Errors: `path` itself cannot be opened.
  Result<CorpusCounts> Scan(const std::string& path, SinkRef sink);

 private:
  struct State;
  explicit CorpusDriver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse
