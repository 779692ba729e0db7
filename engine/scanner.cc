#include "engine/scanner.h"

#include <hs/hs_runtime.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/file_digest.h"
#include "signatures/eicar.h"

namespace gatehouse {

// One pass over a file: fill a block, look at it, until the end. Three kinds of
// signature look at every block: Hyperscan's stream remembers what straddles a
// border; anchored literals see each block together with the tail of the one
// before it (the carry, kept in memory directly in front of the block); digests
// are chained. EICAR and the digests of a file that fits one block are judged
// at the end, when the true size is known.
//
// A larger file must say its size beforehand, or we would digest everything.
// When it then turns out to have another size whose digests we lack, the file
// is read again. Not here: archives and file types (content extraction).

namespace {

// 128 - 512 KiB measured best: larger blocks leave the L2 cache.
constexpr size_t kBlockBytes = size_t{256} << 10;
// In front of the block; a whole page, so that reads stay aligned.
constexpr size_t kCarryBytesMax = 4096;
static_assert(kLiteralBytesMax <= kCarryBytesMax);
// How often a file is read whose size changes under us.
constexpr int kPassesMax = 3;

struct FreeScratch {
  void operator()(hs_scratch_t* scratch) const {
    (void)hs_free_scratch(scratch);  // Fails only for a scratch in use.
  }
};
struct CloseStream {
  void operator()(hs_stream_t* stream) const {
    // Without scratch and callback: ends the stream, reports nothing.
    (void)hs_close_stream(stream, nullptr, nullptr, nullptr);
  }
};

// What was found so far in one file.
struct Findings {
  bool eicar = false;
  std::vector<std::string_view> hash_names;
  MatchedIds bodies;  // Hyperscan and anchored literals.

  bool any() const { return eicar || !hash_names.empty() || !bodies.empty(); }
};

// Called by Hyperscan, which is C: must not throw.
int OnBodyMatch(unsigned id, unsigned long long /*from*/,
                unsigned long long /*to*/, unsigned /*flags*/,
                void* findings) noexcept {
  static_cast<Findings*>(findings)->bodies.Add(uint32_t{id});
  return 0;  // Go on: behind a name that is allowed there may be another.
}

// How a pass over the file ended.
enum class PassEnd : uint8_t { kEndOfFile, kLimit, kError };

struct Pass {
  PassEnd end = PassEnd::kEndOfFile;
  NotScannedReason reason = NotScannedReason::kNone;  // With kLimit.
  int error_number = 0;                               // With kError.
  uint64_t bytes = 0;
};

struct Block {
  size_t bytes = 0;
  bool is_last = false;
  int error_number = 0;
};

// Fills `block` from `offset` on. `expected_bytes` is what fstat said: a short
// read that ends exactly there is the end, which saves one more read. Any other
// short read is not trusted, for a file system may also stop at a bad sector.
Block FillBlock(int fd, std::span<uint8_t> block, uint64_t offset,
                uint64_t expected_bytes) {
  Block filled;
  while (filled.bytes < block.size()) {
    const std::span<uint8_t> rest = block.subspan(filled.bytes);
    const uint64_t from = offset + filled.bytes;
    const ssize_t count =
        ::pread(fd, rest.data(), rest.size(), static_cast<off_t>(from));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      filled.error_number = errno;
      return filled;
    }
    const size_t bytes = static_cast<size_t>(count);
    filled.bytes += bytes;
    filled.is_last =
        bytes == 0 || (bytes < rest.size() && from + bytes == expected_bytes);
    if (filled.is_last) return filled;
  }
  return filled;
}

// Some limit that does not depend on the file's end was reached.
NotScannedReason ReachedLimit(const ScanLimits& limits) {
  if (limits.cancel.stop_requested()) return NotScannedReason::kCancelled;
  if (limits.give_up_at != kNever &&
      MonotonicClock::now() >= limits.give_up_at) {
    return NotScannedReason::kTimeLimit;
  }
  return NotScannedReason::kNone;
}

Pass LimitedBy(NotScannedReason reason, uint64_t bytes) {
  return {PassEnd::kLimit, reason, 0, bytes};
}

Pass FailedWith(int error_number, uint64_t bytes) {
  return {PassEnd::kError, NotScannedReason::kNone, error_number, bytes};
}

}  // namespace

struct Scanner::State {
  State(std::shared_ptr<const SignatureSet> set, FileDigests file_digests)
      : signatures(std::move(set)),
        digests(std::move(file_digests)),
        memory(static_cast<uint8_t*>(std::aligned_alloc(
            kCarryBytesMax, kCarryBytesMax + kBlockBytes))) {}

  Pass ReadThrough(int fd, uint64_t expected_bytes, const ScanLimits& limits,
                   Findings& findings);
  hs_error_t LookAt(uint64_t offset, size_t bytes, Findings& findings);
  bool JudgeWhole(uint64_t file_bytes, Findings& findings);
  void NameThreats(const Findings& findings, Verdict& verdict) const;
  Verdict Conclude(const Pass& pass, const Findings& findings) const;

  uint8_t* block() const { return memory.get() + kCarryBytesMax; }

  std::shared_ptr<const SignatureSet> signatures;
  std::unique_ptr<hs_scratch_t, FreeScratch> scratch;
  std::unique_ptr<hs_stream_t, CloseStream> stream;
  FileDigests digests;
  struct FreeMemory {  // The owner of aligned memory.
    void operator()(uint8_t* bytes) const { std::free(bytes); }  // As above.
  };
  std::unique_ptr<uint8_t, FreeMemory> memory;  // The carry, then the block.
  size_t carry_bytes = 0;
  bool stream_is_fresh = true;
};

Scanner::Scanner(std::unique_ptr<State> state) : state_(std::move(state)) {}
Scanner::~Scanner() = default;

Result<std::unique_ptr<Scanner>> Scanner::Create(
    std::shared_ptr<const SignatureSet> signatures) {
  assert(signatures != nullptr);
  Result<FileDigests> digests =
      FileDigests::Create(signatures->digest_algorithms());
  if (!digests) return Unexpected(digests.error());
  const hs_database_t* const database = signatures->body_database();
  auto state =
      std::make_unique<State>(std::move(signatures), std::move(*digests));
  if (state->memory == nullptr) {
    return Fail(ErrorCode::kOperational, "allocate a read buffer");
  }
  if (database != nullptr) {
    hs_scratch_t* scratch = nullptr;
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) {
      return Fail(ErrorCode::kOperational, "allocate Hyperscan scratch space");
    }
    state->scratch.reset(scratch);
    hs_stream_t* stream = nullptr;
    if (hs_open_stream(database, 0, &stream) != HS_SUCCESS) {
      return Fail(ErrorCode::kOperational, "open a Hyperscan stream");
    }
    state->stream.reset(stream);
  }
  return std::unique_ptr<Scanner>(new Scanner(std::move(state)));
}

Verdict Scanner::Scan(int fd, const ScanLimits& limits) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return Verdict::FromErrno(errno);
  if (!S_ISREG(status.st_mode)) {
    return Verdict::NotScanned(NotScannedReason::kNotRegularFile);
  }
  Findings findings;
  Pass pass;
  uint64_t expected_bytes = static_cast<uint64_t>(status.st_size);
  for (int i = 0; i < kPassesMax; ++i) {
    pass = state_->ReadThrough(fd, expected_bytes, limits, findings);
    if (pass.end != PassEnd::kEndOfFile ||
        state_->JudgeWhole(pass.bytes, findings)) {
      return state_->Conclude(pass, findings);
    }
    expected_bytes = pass.bytes;
  }
  return state_->Conclude(
      LimitedBy(NotScannedReason::kChangedWhileScanning, pass.bytes), findings);
}

Pass Scanner::State::ReadThrough(int fd, uint64_t expected_bytes,
                                 const ScanLimits& limits, Findings& findings) {
  if (stream && !stream_is_fresh) {
    (void)hs_reset_stream(stream.get(), 0, nullptr, nullptr, nullptr);
    stream_is_fresh = true;
  }
  carry_bytes = 0;
  // A file of one block is digested at its end, by its true size.
  digests.Start(expected_bytes < kBlockBytes
                    ? DigestNeeds{}
                    : signatures->DigestsFor(expected_bytes));
  uint64_t offset = 0;
  while (true) {
    const NotScannedReason limit = ReachedLimit(limits);
    if (limit != NotScannedReason::kNone) return LimitedBy(limit, offset);
    // At the limit one more byte tells whether this is the end.
    const bool is_probe = offset == limits.bytes_max;
    const size_t wanted = std::min<uint64_t>(
        kBlockBytes, is_probe ? 1 : limits.bytes_max - offset);
    const Block filled =
        FillBlock(fd, {block(), wanted}, offset, expected_bytes);
    if (is_probe && filled.bytes != 0) {
      return LimitedBy(NotScannedReason::kSizeLimit, offset);
    }
    if (filled.bytes != 0 &&
        LookAt(offset, filled.bytes, findings) != HS_SUCCESS) {
      return FailedWith(EPROTO, offset);  // A misuse; never pass it as clean.
    }
    offset += filled.bytes;
    if (filled.error_number != 0) {
      return FailedWith(filled.error_number, offset);
    }
    if (filled.is_last) break;
  }
  return {PassEnd::kEndOfFile, NotScannedReason::kNone, 0, offset};
}

hs_error_t Scanner::State::LookAt(uint64_t offset, size_t bytes,
                                  Findings& findings) {
  const ByteView fresh(block(), bytes);
  hs_error_t status = HS_SUCCESS;
  if (stream) {
    stream_is_fresh = false;
    status = hs_scan_stream(stream.get(), AsText(fresh).data(),
                            static_cast<unsigned>(bytes), 0, scratch.get(),
                            OnBodyMatch, &findings);
    assert(status == HS_SUCCESS);
  }
  digests.Update(fresh);
  const AnchoredLiterals& anchored = signatures->anchored_bodies();
  if (anchored.empty()) return status;
  const ByteView window(block() - carry_bytes, carry_bytes + bytes);
  anchored.FindIn(window, offset - carry_bytes, carry_bytes, findings.bodies);
  carry_bytes = std::min(anchored.longest() - 1, window.size());
  std::memmove(block() - carry_bytes,
               window.data() + window.size() - carry_bytes, carry_bytes);
  return status;
}

// Judges what only the whole file can tell. Returns false if the file must be
// read again, because a digest is needed that was not computed.
bool Scanner::State::JudgeWhole(uint64_t file_bytes, Findings& findings) {
  const DigestNeeds needs = signatures->DigestsFor(file_bytes);
  if (file_bytes < kBlockBytes) {
    const ByteView file(block(), file_bytes);
    findings.eicar = IsEicarTestFile(file);
    digests.Start(needs);
    digests.Update(file);
  }
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    if (needs.at(i) && !digests.started().at(i)) return false;
  }
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    if (!needs.at(i)) continue;
    const auto algorithm = static_cast<DigestAlgorithm>(i);
    const Digest digest = digests.Finish(algorithm);
    const std::vector<std::string_view> names =
        signatures->FindHashes(algorithm, digest.view(), file_bytes);
    findings.hash_names.insert(findings.hash_names.end(), names.begin(),
                               names.end());
  }
  return true;
}

// The built-in rule's name first, then those of hashes, then of bodies.
void Scanner::State::NameThreats(const Findings& findings,
                                 Verdict& verdict) const {
  std::vector<std::string_view> names;
  if (findings.eicar) names.push_back(kEicarThreatName);
  std::vector<std::string_view> hash_names = findings.hash_names;
  std::sort(hash_names.begin(), hash_names.end());
  names.insert(names.end(), hash_names.begin(), hash_names.end());
  for (const uint32_t id : findings.bodies.ids()) {
    names.push_back(signatures->body_name(id));
  }
  verdict.kind = VerdictKind::kInfected;
  verdict.threat_name = names.front();
  for (const std::string_view name : names) {
    // A family has many signatures.
    if (name == verdict.threat_name ||
        std::find(verdict.other_names.begin(), verdict.other_names.end(),
                  name) != verdict.other_names.end()) {
      continue;
    }
    verdict.other_names.emplace_back(name);
  }
}

Verdict Scanner::State::Conclude(const Pass& pass,
                                 const Findings& findings) const {
  Verdict verdict;
  if (findings.any()) {
    NameThreats(findings, verdict);
    verdict.unfinished = pass.reason;
    verdict.error_number = pass.error_number;
    verdict.knows_all_names =
        pass.end == PassEnd::kEndOfFile && findings.bodies.is_complete();
  } else if (pass.end == PassEnd::kError) {
    verdict = Verdict::FromErrno(pass.error_number);
  } else if (pass.end == PassEnd::kLimit) {
    verdict = Verdict::NotScanned(pass.reason);
  } else {
    verdict.kind = VerdictKind::kClean;
  }
  verdict.bytes_scanned = pass.bytes;
  verdict.generation = signatures->generation();
  return verdict;
}

}  // namespace gatehouse
