#include "daemon/virtual_scans.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace gatehouse {

VirtualScans::VirtualScans(std::unique_ptr<Scanner> scanner)
    : scanner_(std::move(scanner)) {}

Result<std::unique_ptr<VirtualScans>> VirtualScans::Create(
    std::shared_ptr<const SignatureSet> signatures) {
  Result<std::unique_ptr<Scanner>> scanner =
      Scanner::Create(std::move(signatures));
  if (!scanner) return Unexpected(scanner.error());
  return std::unique_ptr<VirtualScans>(new VirtualScans(std::move(*scanner)));
}

Verdict VirtualScans::Judge(const FileEvent& event) {
  return scanner_->Scan(event.file.UnsafeFd(), {});
}

bool VirtualScans::EndsLater(const Scan& a, const Scan& b) {
  return std::pair(a.end_ns, a.number) > std::pair(b.end_ns, b.number);
}

void VirtualScans::BeginAll(EventQueue& queue, int64_t now_ns,
                            const EndOfScan& end) {
  while (queue.size() != 0) {
    std::optional<FileEvent> event = queue.Pop(false);
    if (!event) return;
    Scan scan;
    scan.end_ns = end(*event, now_ns);
    scan.number = scans_begun_++;
    scan.verdict = Judge(*event);
    scan.event = std::move(*event);
    scans_.push_back(std::move(scan));
    std::push_heap(scans_.begin(), scans_.end(), EndsLater);
  }
}

void VirtualScans::EndUntil(int64_t now_ns, SinkRef sink) {
  while (NextEnd() <= now_ns) {
    std::pop_heap(scans_.begin(), scans_.end(), EndsLater);
    Scan scan = std::move(scans_.back());
    scans_.pop_back();
    sink.OnVerdict(std::move(scan.event), scan.verdict);
  }
}

void VirtualScans::JudgeAll(EventQueue& queue, SinkRef sink) {
  while (queue.size() != 0) {
    std::optional<FileEvent> event = queue.Pop(false);
    if (!event) return;
    const Verdict verdict = Judge(*event);
    sink.OnVerdict(std::move(*event), verdict);
  }
}

int64_t VirtualScans::NextEnd() const {
  return scans_.empty() ? std::numeric_limits<int64_t>::max()
                        : scans_.front().end_ns;
}

}  // namespace gatehouse
