#include "engine/directory_node.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace gatehouse {
namespace {

std::string PathOf(const DirectoryRef& directory) {
  std::string path;
  directory.WritePath(path);
  return path;
}

TEST(DirectoryNodeTest, WritesThePathFromTheRoot) {
  const DirectoryRef root = DirectoryRef::MakeRoot("/srv/data");
  const DirectoryRef child = root.MakeChild("a").MakeChild("b\n");
  EXPECT_EQ(PathOf(root), "/srv/data/");
  EXPECT_EQ(PathOf(child), "/srv/data/a/b\n/");
  EXPECT_EQ(child->depth, 2U);
}

TEST(DirectoryNodeTest, TheRootOfTheFileSystemHasAnEmptyName) {
  const DirectoryRef root = DirectoryRef::MakeRoot("");
  EXPECT_EQ(PathOf(root), "/");
  EXPECT_EQ(PathOf(root.MakeChild("etc")), "/etc/");
}

TEST(DirectoryNodeTest, AChildKeepsItsParentsAlive) {
  DirectoryRef child;
  {
    const DirectoryRef root = DirectoryRef::MakeRoot("r");
    child = root.MakeChild("a");
  }
  EXPECT_EQ(PathOf(child), "r/a/");
  const DirectoryRef copy = child;
  child = DirectoryRef();
  EXPECT_FALSE(child.valid());
  EXPECT_EQ(PathOf(copy), "r/a/");
}

TEST(DirectoryNodeTest, AMillionLevelsAreLetGoWithoutRecursion) {
  DirectoryRef deepest = DirectoryRef::MakeRoot("r");
  for (int i = 0; i < 1000000; ++i) deepest = deepest.MakeChild("d");
  EXPECT_EQ(deepest->depth, 1000000U);
  deepest = DirectoryRef();
  EXPECT_FALSE(deepest.valid());
}

TEST(DirectoryNodeTest, ThreadsShareAndDropReferences) {
  const DirectoryRef root = DirectoryRef::MakeRoot("r");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([shared = root.MakeChild("a")] {
      for (int round = 0; round < 10000; ++round) {
        const DirectoryRef child = shared.MakeChild("b");
        const DirectoryRef copy = child;
        EXPECT_TRUE(copy.IsSame(child));
      }
    });
  }
}

}  // namespace
}  // namespace gatehouse
