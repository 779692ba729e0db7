#include "daemon/extension_approval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

class ExtensionApprovalTest : public testing::Test {
 protected:
  void ExpectError(ErrorCode code) {
    const Result<bool> approved = ReadApproval(directory_.path());
    ASSERT_FALSE(approved.has_value());
    EXPECT_EQ(approved.error().code, code);
    EXPECT_THAT(approved.error().message, HasSubstr("system-extension.json"));
  }

  TempDir directory_;
};

TEST_F(ExtensionApprovalTest, WithoutAWordItIsNotApproved) {
  EXPECT_EQ(ReadApproval(directory_.path()).value(), false);
}

TEST_F(ExtensionApprovalTest, RemembersWhatWasSaid) {
  for (const bool approved : {true, false, true}) {
    ASSERT_TRUE(WriteApproval(directory_.path(), approved).has_value());
    EXPECT_EQ(ReadApproval(directory_.path()).value(), approved);
  }
}

TEST_F(ExtensionApprovalTest, DoesNotTrustAFileThatOthersCanWrite) {
  const std::string path =
      directory_.Write("system-extension.json", R"({"approved":true})");
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(ReadApproval(directory_.path()).value(), true);
  for (const mode_t mode : {0664U, 0646U, 0666U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    ExpectError(ErrorCode::kNotPermitted);
  }
}

TEST_F(ExtensionApprovalTest, DoesNotTrustAnotherUsersFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  const std::string path =
      directory_.Write("system-extension.json", R"({"approved":true})");
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
  ExpectError(ErrorCode::kNotPermitted);
}

TEST_F(ExtensionApprovalTest, FollowsNoLink) {
  const std::string path =
      directory_.Write("elsewhere.json", R"({"approved":true})");
  ASSERT_EQ(::symlink(path.c_str(),
                      (directory_.path() + "/system-extension.json").c_str()),
            0);
  ExpectError(ErrorCode::kOperational);
}

TEST_F(ExtensionApprovalTest, RefusesWhatIsNoApproval) {
  for (const std::string_view text :
       {"", "true", "[]", "{}", R"({"approved":"true"})", R"({"approved":1})",
        "{"}) {
    const std::string path = directory_.Write("system-extension.json", text);
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    ExpectError(ErrorCode::kInvalidInput);
  }
}

}  // namespace
}  // namespace gatehouse
