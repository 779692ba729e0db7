#include "definitions/compile_program.h"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/whole_transfer.h"
#include "definitions/compile_message.h"
#include "definitions/compile_sandbox.h"
#include "definitions/self_test.h"
#include "signatures/definitions.h"
#include "signatures/packed_load_report.h"
#include "signatures/signature_set.h"

namespace gatehouse {
namespace {

std::atomic<bool> is_compile_program{false};

struct CompileTask {
  std::string directory;
  int unsafe_output_fd = -1;
  LoadOptions options;
  bool tests_system_files = false;
  CompileLimits limits;
};

struct Compiled {
  Sha256Digest digest = {};
  std::vector<uint64_t> image;
};

template <class Number>
bool ParseNumber(const char* text, Number& number) {
  const char* const end = text + std::strlen(text);
  return std::from_chars(text, end, number).ptr == end && *text != '\0';
}

bool ParseTask(char** argv, CompileTask& task) {
  task.directory = argv[kArgumentDirectory];
  const std::string_view letters = argv[kArgumentOptions];
  const auto has = [letters](char letter) {
    return letters.find(letter) != std::string_view::npos;
  };
  task.options.takes_unwanted = has('u');
  task.options.takes_any_size_hashes = has('a');
  task.tests_system_files = has('s');
  return ParseNumber(argv[kArgumentOutput], task.unsafe_output_fd) &&
         ParseNumber(argv[kArgumentCpuSeconds], task.limits.cpu_seconds) &&
         ParseNumber(argv[kArgumentMemoryBytes], task.limits.memory_bytes);
}

Result<bool> HandOver(const CompileTask& task, ByteView bytes) {
  return WriteFully(task.unsafe_output_fd, bytes,
                    "hand over what was compiled");
}

// What is handed over has been opened and has judged before.
Result<bool> Test(const CompileTask& task, const Compiled& compiled) {
  Result<WordBuffer> copy = WordBuffer::From(compiled.image);
  if (!copy) return Unexpected(copy.error());
  const Result<std::shared_ptr<const SignatureSet>> set =
      SignatureSet::Open(std::move(*copy));
  if (!set) return Unexpected(set.error());
  const Result<bool> tested = TestVerdicts(*set);
  if (!tested || !task.tests_system_files) return tested;
  const Result<std::string> found = FindInSystemFiles(*set);
  if (!found) return Unexpected(found.error());
  if (found->empty()) return true;
  return Fail(ErrorCode::kInvalidInput,
              "self-test: these definitions find " + *found);
}

Result<Compiled> Compile(const CompileTask& task) {
  Result<Definitions> definitions =
      LoadDefinitions(task.directory, task.options);
  if (!definitions) return Unexpected(definitions.error());
  Compiled compiled;
  compiled.digest = definitions->digest;
  Result<std::vector<uint64_t>> image = SignatureSet::CompileImage(
      std::move(definitions->signatures), PackLoadReport(definitions->report));
  if (!image) return Unexpected(image.error());
  compiled.image = std::move(*image);
  const Result<bool> tested = Test(task, compiled);
  if (!tested) return Unexpected(tested.error());
  return compiled;
}

Result<bool> CompileAndHandOver(const CompileTask& task) {
  const Result<bool> confined = EnterCompileSandbox(task.limits);
  if (!confined) return confined;
  const Result<Compiled> compiled = Compile(task);
  if (!compiled) return Unexpected(compiled.error());
  const Result<bool> written = HandOver(task, compiled->digest);
  if (!written) return written;
  const std::span<const uint64_t> words = compiled->image;
  return HandOver(
      task,
      {static_cast<const uint8_t*>(static_cast<const void*>(words.data())),
       words.size_bytes()});
}

int RunCompileProgram(char** argv) {
  CompileTask task;
  if (!ParseTask(argv, task)) return kExitUsage;
  try {
    const Result<bool> done = CompileAndHandOver(task);
    if (done) return kExitCompiled;
    // What was written before a failure is more than any text.
    if (::ftruncate(task.unsafe_output_fd, 0) != 0 ||
        ::lseek(task.unsafe_output_fd, 0, SEEK_SET) != 0) {
      return kExitUsage;
    }
    (void)HandOver(task, AsBytes(done.error().message));
    return kExitErrorFirst + static_cast<int>(done.error().code);
  } catch (const std::bad_alloc&) {
    return kExitOutOfMemory;
  }
}

}  // namespace

std::optional<int> RunIfCompileProgram(int argc, char** argv) {
  if (argc == kArgumentCount &&
      std::string_view(argv[kArgumentProgram]) == kCompileProgramArgument) {
    return RunCompileProgram(argv);
  }
  is_compile_program.store(true);
  return std::nullopt;
}

bool IsCompileProgram() { return is_compile_program.load(); }

}  // namespace gatehouse
