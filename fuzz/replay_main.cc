// Runs a fuzz target over the files and folders given as arguments: what the
// fuzzer found once is a test from then on, with every compiler.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

int files_run = 0;

void RunFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> content((std::istreambuf_iterator<char>(file)),
                                  std::istreambuf_iterator<char>());
  const std::vector<uint8_t> bytes(content.begin(), content.end());
  std::printf("%s\n", path.c_str());
  (void)std::fflush(stdout);  // Names the culprit if the next line crashes.
  (void)LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  ++files_run;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      RunFile(argv[i]);
      continue;
    }
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(argv[i])) {
      if (entry.is_regular_file()) RunFile(entry.path());
    }
  }
  std::printf("%d file(s)\n", files_run);
  return files_run == 0 ? 1 : 0;  // An empty corpus proves nothing.
}
