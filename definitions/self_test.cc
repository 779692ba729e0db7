#include "definitions/self_test.h"

#include <fcntl.h>
#include <link.h>

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/bytes.h"
#include "base/display_text.h"
#include "base/memory_file.h"
#include "base/whole_transfer.h"
#include "engine/scanner.h"
#include "signatures/eicar.h"

namespace gatehouse {
namespace {

constexpr uint64_t kSystemFileBytesMax = uint64_t{64} << 20;

Result<Verdict> JudgeContent(Scanner& scanner, std::string_view content) {
  const Result<UniqueFd> file = CreateMemoryFile("gatehouse-self-test");
  if (!file) return Unexpected(file.error());
  const Result<bool> written =
      WriteFully(file->UnsafeFd(), AsBytes(content), "self-test: write");
  if (!written) return Unexpected(written.error());
  return scanner.Scan(file->UnsafeFd(), ScanLimits());
}

int AddObject(dl_phdr_info* object, size_t /*size*/, void* paths) {
  // The first one is the program itself, and has no name.
  if (object->dlpi_name != nullptr && object->dlpi_name[0] == '/') {
    static_cast<std::vector<std::string>*>(paths)->emplace_back(
        object->dlpi_name);
  }
  return 0;
}

std::vector<std::string> SystemFiles() {
  std::error_code unknown;  // Then it is not looked at.
  std::vector<std::string> paths = {
      std::filesystem::read_symlink("/proc/self/exe", unknown), "/bin/sh"};
  (void)::dl_iterate_phdr(AddObject, &paths);
  return paths;
}

}  // namespace

Result<bool> TestVerdicts(const std::shared_ptr<const SignatureSet>& set) {
  const Result<std::unique_ptr<Scanner>> scanner = Scanner::Create(set);
  if (!scanner) return Unexpected(scanner.error());
  const Result<Verdict> infected = JudgeContent(**scanner, AssembledEicar());
  if (!infected) return Unexpected(infected.error());
  if (infected->kind != VerdictKind::kInfected ||
      infected->threat_name != kEicarThreatName) {
    return Fail(ErrorCode::kInvalidInput,
                "self-test: the EICAR test file was not found");
  }
  const Result<Verdict> clean = JudgeContent(**scanner, {});
  if (!clean) return Unexpected(clean.error());
  if (clean->kind == VerdictKind::kClean) return true;
  return Fail(ErrorCode::kInvalidInput, "self-test: an empty file is called '" +
                                            DisplayText(clean->threat_name) +
                                            "'");
}

Result<std::string> FindInSystemFiles(
    const std::shared_ptr<const SignatureSet>& set) {
  const Result<std::unique_ptr<Scanner>> scanner = Scanner::Create(set);
  if (!scanner) return Unexpected(scanner.error());
  ScanLimits limits;
  limits.bytes_max = kSystemFileBytesMax;
  for (const std::string& path : SystemFiles()) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    // Not everything that is mapped must be there still, under its name.
    if (!file.valid()) continue;
    const Verdict verdict = (*scanner)->Scan(file.UnsafeFd(), limits);
    if (verdict.kind == VerdictKind::kInfected) {
      return "'" + DisplayText(verdict.threat_name) + "' in '" +
             DisplayText(path) + "'";
    }
  }
  return std::string();
}

}  // namespace gatehouse
