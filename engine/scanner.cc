#include "engine/scanner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/allowed_hashes.h"
#include "engine/file_digest.h"
#include "engine/format/content.h"
#include "engine/matching/body_scan.h"
#include "engine/matching/work_budget.h"
#include "engine/range_digest.h"
#include "engine/section_hashes.h"
#include "signatures/eicar.h"

namespace gatehouse {

// One pass over a file: fill a block, look for triggers and digest it, until
// the end. Each block is shown together with the tail of the one before it (the
// carry, kept in memory directly in front of the block), so that no trigger is
// cut in two. What the triggers say is confirmed at the end, when the file's
// true size is known: in memory, if it fits one block, else by reading it at
// random. EICAR, too, and the digests of a file that fits one block.
//
// A larger file must say its size beforehand, or we would digest everything.
// When it then turns out to have another size whose digests we lack, the file
// is read again. Not here: archives (content extraction).

namespace {

// 128 - 512 KiB measured best: larger blocks leave the L2 cache.
constexpr size_t kBlockBytes = size_t{256} << 10;
// In front of the block; a whole page, so that reads stay aligned.
constexpr size_t kCarryBytesMax = 4096;
// For a closer look: about a second, and more for larger files; if the scan has
// a limit of time, that is the limit.
constexpr uint64_t kWorkBase = uint64_t{1} << 30;
constexpr uint64_t kWorkPerByte = 64;
constexpr uint64_t kWorkLeast = 10'000'000;
// For digests of sections, which seldom lie above each other: every byte by
// three algorithms, and more of small files.
constexpr uint64_t kSectionWorkBase = uint64_t{1} << 24;
constexpr uint64_t kSectionWorkPerByte = 4;
constexpr DigestNeeds kSha256Only = {false, false, true};
static_assert(static_cast<size_t>(DigestAlgorithm::kSha256) == 2);
// How often a file is read whose size changes under us.
constexpr int kPassesMax = 3;

// What was found so far in one file.
struct Findings {
  bool eicar = false;
  std::vector<std::string_view> hash_names;
  MatchedIds bodies;
  std::string allowed_by;  // A hash that makes all of them harmless.
  std::string sha256;      // Of the whole file, if it is wanted.

  bool any() const { return eicar || !hash_names.empty() || !bodies.empty(); }
};

// How a pass over the file ended.
enum class PassEnd : uint8_t { kEndOfFile, kLimit, kError };

struct Pass {
  PassEnd end = PassEnd::kEndOfFile;
  NotScannedReason reason = NotScannedReason::kNone;  // With kLimit.
  int error_number = 0;                               // With kError.
  uint64_t bytes = 0;

  bool is_whole() const { return end == PassEnd::kEndOfFile; }
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

// A unit of work is about a nanosecond. Late as it may be, what was seen is
// looked at.
uint64_t WorkFor(uint64_t bytes, const ScanLimits& limits) {
  const uint64_t work = kWorkBase + kWorkPerByte * bytes;
  if (limits.give_up_at == kNever) return work;
  const MonotonicTime now = MonotonicClock::now();
  // Long ago may be further away than a difference can tell.
  if (limits.give_up_at <= now) return std::min(work, kWorkLeast);
  const std::chrono::nanoseconds left = limits.give_up_at - now;
  return std::min(work,
                  std::max(static_cast<uint64_t>(left.count()), kWorkLeast));
}

// Until it ends, time is noted.
class NotesScope {
 public:
  explicit NotesScope(ScanNotes* notes) : notes_(notes) {
    EnterStage(notes_, ScanStage::kReading);
  }
  ~NotesScope() {
    if (notes_ != nullptr) notes_->Leave();
  }
  NotesScope(const NotesScope&) = delete;
  NotesScope& operator=(const NotesScope&) = delete;

 private:
  ScanNotes* const notes_;
};

Pass LimitedBy(NotScannedReason reason, uint64_t bytes) {
  return {PassEnd::kLimit, reason, 0, bytes};
}

Pass FailedWith(int error_number, uint64_t bytes) {
  return {PassEnd::kError, NotScannedReason::kNone, error_number, bytes};
}

}  // namespace

struct Scanner::State {
  struct Hashes {
    FileDigests digests;
    SectionHashes sections;
    AllowedHashes allowed;
    FileDigests of_hits;
  };
  static Result<Hashes> CreateHashes(const SignatureSet& set);

  State(std::shared_ptr<const SignatureSet> set, Hashes hashes,
        std::unique_ptr<BodyScan> body_scan)
      : signatures(std::move(set)),
        digests(std::move(hashes.digests)),
        section_hashes(std::move(hashes.sections)),
        allowed_hashes(std::move(hashes.allowed)),
        hit_digests(std::move(hashes.of_hits)),
        bodies(std::move(body_scan)),
        memory(static_cast<uint8_t*>(std::aligned_alloc(
            kCarryBytesMax, kCarryBytesMax + kBlockBytes))) {}

  Pass ReadThrough(int fd, uint64_t expected_bytes, const ScanLimits& limits,
                   Findings& findings);
  bool LookAt(uint64_t offset, size_t bytes);
  void JudgeBodies(int fd, const ScanLimits& limits, Pass& pass,
                   Findings& findings);
  void JudgeSections(int fd, const ScanLimits& limits, Pass& pass,
                     Findings& findings);
  bool JudgeWhole(uint64_t file_bytes, Findings& findings);
  void AllowByHash(int fd, const ScanLimits& limits, Pass& pass,
                   Findings& findings);
  void DigestHit(int fd, const ScanLimits& limits, const Pass& pass,
                 Findings& findings);
  void NameThreats(const Findings& findings, Verdict& verdict) const;
  Verdict Conclude(const Pass& pass, const Findings& findings) const;

  uint8_t* block() const { return memory.get() + kCarryBytesMax; }

  std::shared_ptr<const SignatureSet> signatures;
  FileDigests digests;
  SectionHashes section_hashes;
  AllowedHashes allowed_hashes;
  FileDigests hit_digests;
  ScannerOptions options;
  std::unique_ptr<BodyScan> bodies;
  ExecutableFacts facts;  // Of a PE file with sections to look up.
  // For a closer look at a large file.
  std::vector<uint8_t> window = std::vector<uint8_t>(kContentWindowBytes);
  struct FreeMemory {  // The owner of aligned memory.
    void operator()(uint8_t* bytes) const { std::free(bytes); }  // As above.
  };
  std::unique_ptr<uint8_t, FreeMemory> memory;  // The carry, then the block.
  size_t carry_bytes = 0;
};

Result<Scanner::State::Hashes> Scanner::State::CreateHashes(
    const SignatureSet& set) {
  Result<FileDigests> digests = FileDigests::Create(set.hashes().algorithms());
  if (!digests) return Unexpected(digests.error());
  Result<SectionHashes> sections = SectionHashes::Create(set);
  if (!sections) return Unexpected(sections.error());
  Result<AllowedHashes> allowed = AllowedHashes::Create(set);
  if (!allowed) return Unexpected(allowed.error());
  Result<FileDigests> of_hits = FileDigests::Create(kSha256Only);
  if (!of_hits) return Unexpected(of_hits.error());
  return Hashes{std::move(*digests), std::move(*sections), std::move(*allowed),
                std::move(*of_hits)};
}

Scanner::Scanner(std::unique_ptr<State> state) : state_(std::move(state)) {}
Scanner::~Scanner() = default;

Result<std::unique_ptr<Scanner>> Scanner::Create(
    std::shared_ptr<const SignatureSet> signatures,
    const ScannerOptions& options) {
  assert(signatures != nullptr);
  Result<State::Hashes> hashes = State::CreateHashes(*signatures);
  if (!hashes) return Unexpected(hashes.error());
  Result<std::unique_ptr<BodyScan>> bodies = BodyScan::Create(*signatures);
  if (!bodies) return Unexpected(bodies.error());
  auto state = std::make_unique<State>(std::move(signatures),
                                       std::move(*hashes), std::move(*bodies));
  if (state->memory == nullptr) {
    return Fail(ErrorCode::kOperational, "allocate a read buffer");
  }
  state->options = options;
  state->bodies->Observe(options.notes);
  return std::unique_ptr<Scanner>(new Scanner(std::move(state)));
}

Verdict Scanner::Scan(int fd, const ScanLimits& limits) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return Verdict::FromErrno(errno);
  if (!S_ISREG(status.st_mode)) {
    return Verdict::NotScanned(NotScannedReason::kNotRegularFile);
  }
  const NotesScope noting(state_->options.notes);
  Findings findings;
  Pass pass;
  uint64_t expected_bytes = static_cast<uint64_t>(status.st_size);
  for (int i = 0; i < kPassesMax; ++i) {
    pass = state_->ReadThrough(fd, expected_bytes, limits, findings);
    const bool is_whole = pass.is_whole();
    state_->JudgeBodies(fd, limits, pass, findings);
    if (is_whole) state_->JudgeSections(fd, limits, pass, findings);
    if (!is_whole || state_->JudgeWhole(pass.bytes, findings)) {
      if (is_whole) state_->AllowByHash(fd, limits, pass, findings);
      if (is_whole) state_->DigestHit(fd, limits, pass, findings);
      return state_->Conclude(pass, findings);
    }
    expected_bytes = pass.bytes;
  }
  return state_->Conclude(
      LimitedBy(NotScannedReason::kChangedWhileScanning, pass.bytes), findings);
}

Pass Scanner::State::ReadThrough(int fd, uint64_t expected_bytes,
                                 const ScanLimits& limits, Findings& findings) {
  findings = Findings();  // Of another pass, if any.
  carry_bytes = 0;
  // A file of one block is digested at its end, by its true size.
  digests.Start(expected_bytes < kBlockBytes
                    ? DigestNeeds{}
                    : signatures->hashes().NeedsFor(expected_bytes));
  uint64_t offset = 0;
  while (true) {
    const NotScannedReason limit = ReachedLimit(limits);
    if (limit != NotScannedReason::kNone) return LimitedBy(limit, offset);
    // At the limit one more byte tells whether this is the end.
    const bool is_probe = offset == limits.bytes_max;
    const size_t wanted = std::min<uint64_t>(
        kBlockBytes, is_probe ? 1 : limits.bytes_max - offset);
    EnterStage(options.notes, ScanStage::kReading);
    const Block filled =
        FillBlock(fd, {block(), wanted}, offset, expected_bytes);
    if (is_probe && filled.bytes != 0) {
      return LimitedBy(NotScannedReason::kSizeLimit, offset);
    }
    if (offset == 0) bodies->Begin({block(), filled.bytes}, expected_bytes);
    if (filled.bytes != 0 && !LookAt(offset, filled.bytes)) {
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

bool Scanner::State::LookAt(uint64_t offset, size_t bytes) {
  const ByteView shown(block() - carry_bytes, carry_bytes + bytes);
  if (!bodies->LookAt(shown, offset - carry_bytes, carry_bytes)) return false;
  EnterStage(options.notes, ScanStage::kHashes);
  digests.Update({block(), bytes});
  // A block that is not full is the last one, and stays as it is.
  carry_bytes =
      std::min({bodies->overlap_bytes(), shown.size(), kCarryBytesMax});
  if (bytes == kBlockBytes) {
    std::memmove(block() - carry_bytes,
                 shown.data() + shown.size() - carry_bytes, carry_bytes);
  }
  return true;
}

// Confirms what the triggers promised, in as much of the file as was read.
void Scanner::State::JudgeBodies(int fd, const ScanLimits& limits, Pass& pass,
                                 Findings& findings) {
  if (signatures->body_count() == 0) return;
  // The byte that tells whether a limited file goes on stands in the block.
  const bool is_in_memory =
      pass.bytes <= kBlockBytes && pass.reason != NotScannedReason::kSizeLimit;
  Content in_memory(ByteView(block(), is_in_memory ? pass.bytes : 0));
  Content in_file(fd, pass.bytes, window);
  Content& content = is_in_memory ? in_memory : in_file;
  WorkBudget budget(WorkFor(pass.bytes, limits));
  const BodyScan::End end = bodies->Judge(content, budget, findings.bodies);
  if (pass.end != PassEnd::kEndOfFile) return;
  if (end == BodyScan::End::kReadError) {
    const int error = content.error_number();
    pass = FailedWith(error != 0 ? error : EPROTO, pass.bytes);
  }
  if (end == BodyScan::End::kWorkLimit) {
    pass = LimitedBy(NotScannedReason::kWorkLimit, pass.bytes);
  }
}

// Digests of parts of a PE file that was read to its end.
void Scanner::State::JudgeSections(int fd, const ScanLimits& limits, Pass& pass,
                                   Findings& findings) {
  if (bodies->type() != FileType::kMsExe || !section_hashes.has_any()) return;
  EnterStage(options.notes, ScanStage::kFacts);
  const bool is_in_memory = pass.bytes <= kBlockBytes;
  Content in_memory(ByteView(block(), is_in_memory ? pass.bytes : 0));
  Content in_file(fd, pass.bytes, window);
  Content& content = is_in_memory ? in_memory : in_file;
  ReadExecutableFacts(bodies->type(), content, facts);
  NotScannedReason ended = NotScannedReason::kNone;
  if (facts.is_valid) {
    EnterStage(options.notes, ScanStage::kHashes);
    WorkBudget budget(kSectionWorkBase + kSectionWorkPerByte * pass.bytes);
    ended = section_hashes.Find(content, facts, limits, budget,
                                findings.hash_names);
  }
  if (!pass.is_whole()) return;  // There is a reason already.
  if (content.error_number() != 0) {
    pass = FailedWith(content.error_number(), pass.bytes);
  } else if (ended != NotScannedReason::kNone) {
    pass = LimitedBy(ended, pass.bytes);
  }
}

// What was found in a file that was read to its end may be known to be
// harmless.
void Scanner::State::AllowByHash(int fd, const ScanLimits& limits, Pass& pass,
                                 Findings& findings) {
  if (!findings.any() || findings.eicar) return;
  EnterStage(options.notes, ScanStage::kAllowLists);
  const bool is_in_memory = pass.bytes <= kBlockBytes;
  Content in_memory(ByteView(block(), is_in_memory ? pass.bytes : 0));
  Content in_file(fd, pass.bytes, window);
  Content& content = is_in_memory ? in_memory : in_file;
  Allowance allowance = allowed_hashes.Find(content, limits);
  findings.allowed_by = std::move(allowance.by);
  if (content.error_number() != 0) {
    pass = FailedWith(content.error_number(), pass.bytes);
  } else if (pass.is_whole() &&
             allowance.unfinished != NotScannedReason::kNone) {
    pass = LimitedBy(allowance.unfinished, pass.bytes);
  }
}

// For the administrator's list of contents, which has the last word: above the
// built-in rule, too. Without the digest the file is not on it.
void Scanner::State::DigestHit(int fd, const ScanLimits& limits,
                               const Pass& pass, Findings& findings) {
  if (!limits.wants_sha256) return;
  if (!findings.any() || !findings.allowed_by.empty()) return;
  EnterStage(options.notes, ScanStage::kAllowLists);
  const bool is_in_memory = pass.bytes <= kBlockBytes;
  Content in_memory(ByteView(block(), is_in_memory ? pass.bytes : 0));
  Content in_file(fd, pass.bytes, window);
  hit_digests.Start(kSha256Only);
  const NotScannedReason ended = DigestRange(
      is_in_memory ? in_memory : in_file, {0, pass.bytes}, limits, hit_digests);
  if (ended != NotScannedReason::kNone) return;
  findings.sha256 =
      HexText(hit_digests.Finish(DigestAlgorithm::kSha256).view());
}

// Judges what only the whole file can tell. Returns false if the file must be
// read again, because a digest is needed that was not computed.
bool Scanner::State::JudgeWhole(uint64_t file_bytes, Findings& findings) {
  EnterStage(options.notes, ScanStage::kHashes);
  const DigestNeeds needs = signatures->hashes().NeedsFor(file_bytes);
  if (file_bytes < kBlockBytes) {
    const ByteView file(block(), file_bytes);
    findings.eicar = IsEicarTestFile(file);
    digests.Start(needs);
    digests.Update(file);
  }
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    if (needs.at(i) && !digests.started().at(i)) return false;
  }
  AddNamesOfDigests(signatures->hashes(), file_bytes, digests,
                    findings.hash_names);
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
  if (!findings.allowed_by.empty()) {
    NameThreats(findings, verdict);
    verdict.kind = VerdictKind::kClean;
    verdict.allowed_by = findings.allowed_by;
    verdict.other_names.clear();
  } else if (findings.any()) {
    NameThreats(findings, verdict);
    verdict.unfinished = pass.reason;
    verdict.error_number = pass.error_number;
    verdict.knows_all_names =
        pass.end == PassEnd::kEndOfFile && findings.bodies.is_complete();
    verdict.sha256 = findings.sha256;
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
