// Definitions that were damaged, or made to do harm, never take the place of
// good ones: what is not refused finds what it has to find, and nothing that it
// must not, and what was noted as in use stays usable throughout.
//
// GATEHOUSE_TEST_SETS is their number, 100 in the ordinary tests; each is
// compiled by a process of its own. GATEHOUSE_TEST_SEED repeats a run.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "definitions/compile_program.h"
#include "definitions/self_test.h"
#include "definitions/signature_source.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

uint64_t Number(const char* name, uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

// Lines of every kind; a marker that no file of the system has.
const std::vector<std::string> kLines = {
    "a.ndb\nBody.One:0:*:71717171717171717171717171717171",
    "a.ndb\nBody.Two:1:EP+0:7171??71{2-4}717171717171",
    "b.ldb\nLogic.One;Engine:81-255,Target:0;(0|1)&2;71717171;72727272;"
    "737373737373",
    "b.ldb\nLogic.Two;Engine:81-255,Target:0;0&1;7171717171;0/q+x/i",
    "c.hdb\n00112233445566778899aabbccddeeff:77:Hash.One",
    "c.hsb\n"
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b856:*:Any",
    "d.fp\n00112233445566778899aabbccddeeff:78:Fine.One",
    "e.ign2\nBody.Three",
    "f.mdb\n4096:00112233445566778899aabbccddeeff:Section.One"};
// What a program says on its standard output.
std::string Said(const std::string& command) {
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::array<char, 256> line = {};
  EXPECT_NE(std::fgets(line.data(), line.size(), pipe), nullptr);
  EXPECT_EQ(::pclose(pipe), 0);
  const std::string text(line.data());
  return text.substr(0, text.find_first_of(" \n"));
}

// Each of them alone has to be refused.
std::vector<std::string> HarmfulLines() {
  return {"a.ndb\nEvery.Program:6:0:7f454c46",
          "b.ldb\nEvery.Library;Engine:81-255,Target:6;0&1;7f454c46;2e74657874",
          "c.hsb\n" + Said("sha256sum /bin/sh") + ":" +
              Said("stat -Lc %s /bin/sh") + ":The.Shell"};
}

class Mutations {
 public:
  explicit Mutations(uint64_t seed) : chance_(seed) {}

  size_t Below(size_t limit) { return chance_() % limit; }

  std::string Changed(std::string line) {
    const size_t begin = line.find('\n') + 1;
    for (size_t i = Below(4); i > 0 && line.size() > begin; --i) {
      const size_t at = begin + Below(line.size() - begin);
      switch (Below(5)) {
        case 0:
          line[at] = static_cast<char>(chance_());
          break;
        case 1:
          line.erase(at, 1 + Below(5));
          break;
        case 2:
          line.insert(at, line.substr(at, 1 + Below(9)));
          break;
        case 3:
          line.insert(at, 1, ":;*?{}()!&|=<>,-0"[Below(17)]);
          break;
        default:
          line.resize(at);
          break;
      }
    }
    return line;
  }

 private:
  std::mt19937_64 chance_;
};

class MutatedSetsTest : public testing::Test {
 protected:
  MutatedSetsTest() {
    request_.store_directory = folder_.Path("store");
    request_.tests_system_files = true;
    request_.directory = folder_.MakeDirectory("good");
    Write("good", kLines[0]);
    const ObtainedSignatures good = ObtainSignatures(request_).value();
    good_ = good.key;
    EXPECT_TRUE(NoteActiveSet(request_.store_directory, good_));
  }

  void Write(const std::string& directory, const std::string& line) const {
    const size_t end = line.find('\n');
    const std::string path = directory + "/" + line.substr(0, end);
    std::ofstream(folder_.Path(path), std::ios::app | std::ios::binary)
        << line.substr(end + 1) << '\n';
  }
  Result<ObtainedSignatures> Obtain(const std::vector<std::string>& lines) {
    std::filesystem::remove_all(folder_.Path("set"));
    request_.directory = folder_.MakeDirectory("set");
    for (const std::string& line : lines) Write("set", line);
    return ObtainSignatures(request_);
  }
  // What is in use is what it was.
  void ExpectGoodSet() const {
    const Result<Sha256Digest> active = ActiveSet(request_.store_directory);
    ASSERT_TRUE(active.has_value());
    EXPECT_EQ(*active, good_);
    const Result<ObtainedSignatures> found =
        FindSignaturesByKey(request_.store_directory, *active);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_EQ(found->set->body_name(0), "Body.One");
  }

  const TempDir folder_;
  SignatureRequest request_;
  Sha256Digest good_ = {};
};

TEST_F(MutatedSetsTest, NoneReplacesAGoodOne) {
  const uint64_t seed = Number("GATEHOUSE_TEST_SEED", 20261127);
  const uint64_t sets = Number("GATEHOUSE_TEST_SETS", 100);
  const std::vector<std::string> harmful = HarmfulLines();
  Mutations mutations(seed);
  uint64_t refused = 0;
  for (uint64_t i = 0; i < sets; ++i) {
    std::vector<std::string> lines;
    for (size_t k = 1 + mutations.Below(8); k > 0; --k) {
      lines.push_back(
          mutations.Changed(kLines[mutations.Below(kLines.size())]));
    }
    const bool is_harmful = mutations.Below(4) == 0;
    if (is_harmful) lines.push_back(harmful[mutations.Below(harmful.size())]);
    const Result<ObtainedSignatures> obtained = Obtain(lines);
    if (!obtained) {
      ++refused;
      EXPECT_EQ(obtained.error().code, ErrorCode::kInvalidInput)
          << obtained.error().message << ", seed " << seed << ", set " << i;
    } else {
      // Tested here once more, in another process.
      EXPECT_TRUE(TestVerdicts(obtained->set)) << i;
      EXPECT_EQ(FindInSystemFiles(obtained->set).value(), "") << i;
    }
    ExpectGoodSet();
  }
  std::printf("%llu of %llu refused\n",
              static_cast<unsigned long long>(refused),
              static_cast<unsigned long long>(sets));
}

TEST_F(MutatedSetsTest, EachHarmfulOneIsRefused) {
  const std::vector<std::string> harmful = HarmfulLines();
  for (const std::string& line : harmful) {
    EXPECT_FALSE(Obtain({kLines[0], line}).has_value()) << line;
    ExpectGoodSet();
  }
  // The control: without a test they are taken.
  request_.tests_system_files = false;
  EXPECT_TRUE(Obtain({kLines[0], harmful[0]}).has_value());
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  if (const auto code = gatehouse::RunIfCompileProgram(argc, argv))
    return *code;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
