#include "daemon/signature_keeper.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "definitions/compile_program.h"
#include "tests/becomes_true.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using std::chrono_literals::operator""ms;

class SignatureKeeperTest : public testing::Test {
 protected:
  SignatureKeeperTest()
      : definitions_(folder_.MakeDirectory("definitions")),
        log_fd_(::open(folder_.Write("log", "").c_str(),
                       O_WRONLY | O_APPEND | O_CLOEXEC)),
        log_(log_fd_.UnsafeFd()) {
    WriteDefinitions('q');
  }

  // Of what is in no file of the system. Moved into place: nobody sees half.
  void WriteDefinitions(char letter) const {
    const std::string wanted(40, letter);
    const std::string draft = folder_.Write(
        "draft", "Body.One:0:*:" + HexText(AsBytes(wanted)) + "\n");
    std::filesystem::rename(draft, definitions_ + "/a.ndb");
  }
  void Load() {
    keeper_.emplace(SignatureKeeper::Parts{{definitions_, false},
                                           {},
                                           folder_.Path("store"),
                                           active_key_,
                                           log_,
                                           1ms});
    const Result<bool> loaded = keeper_->Load(true);
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  bool BecomesIdleAfter(uint64_t updates, uint64_t failures) const {
    return BecomesTrue([&] {
      const SignatureKeeper::State state = keeper_->state();
      return !state.is_updating && state.updates == updates &&
             state.failures == failures;
    });
  }

  const TempDir folder_;
  const std::string definitions_;
  UniqueFd log_fd_;
  LogWriter log_;
  ActiveDefinitions active_key_ = {};
  std::optional<SignatureKeeper> keeper_;  // Last: it uses the others.
};

TEST_F(SignatureKeeperTest, SeesWhatChangedBeforeItsThreadWasThere) {
  Load();
  WriteDefinitions('z');
  keeper_->Start([](const auto&) { return true; });
  EXPECT_TRUE(BecomesIdleAfter(1, 0));
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  if (const auto code = gatehouse::RunIfCompileProgram(argc, argv)) {
    return *code;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
