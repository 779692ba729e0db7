#include "bench/clean_corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

#include "bench/counted_files.h"
#include "engine/format/file_type.h"

namespace gatehouse {
namespace {

constexpr uint64_t kTextFileBytesMax = uint64_t{64} << 10;
constexpr uint64_t kBinaryFileBytesMax = uint64_t{8} << 20;
constexpr uint64_t kHtmlShare = 10;  // One of so many bytes.
constexpr size_t kHeadBytes = 4096;

enum class Kind : uint8_t { kText, kHtml, kElf, kPe, kOther };

struct FoundFile {
  std::string path;
  uint32_t order = 0;
};

// By the path below the root: where a package is unpacked does not count.
void AddFilesBelow(const std::string& root, const std::string& folder,
                   const CorpusWish& wish, std::vector<FoundFile>& files) {
  std::error_code error;
  using Iterator = std::filesystem::recursive_directory_iterator;
  for (Iterator entry(root + folder, error); !error && entry != Iterator();
       entry.increment(error)) {
    if (entry->is_symlink(error) || !entry->is_regular_file(error)) continue;
    const std::string& path = entry->path().native();
    const std::string_view below = std::string_view(path).substr(root.size());
    if (IsCounted(below) != wish.is_counted) continue;
    files.push_back({path, PathHash(below, wish.seed)});
  }
}

std::vector<FoundFile> FilesBelow(const std::vector<std::string>& folders,
                                  const CorpusWish& wish) {
  std::vector<FoundFile> files;
  for (const std::string& folder : folders) {
    AddFilesBelow("", folder, wish, files);
    if (!wish.root.empty()) AddFilesBelow(wish.root, folder, wish, files);
  }
  std::sort(files.begin(), files.end(),
            [](const FoundFile& a, const FoundFile& b) {
              return std::tie(a.order, a.path) < std::tie(b.order, b.path);
            });
  return files;
}

Kind KindOf(ByteView bytes) {
  const std::string_view head =
      AsText(bytes.first(std::min(bytes.size(), kHeadBytes)));
  if (head.starts_with("MZ")) return Kind::kPe;
  if (head.starts_with("\x7f"
                       "ELF")) {
    return Kind::kElf;
  }
  if (head.find('\0') != std::string_view::npos) return Kind::kOther;
  const bool is_html = DetectFileType(bytes, bytes.size()) == FileType::kHtml;
  return is_html ? Kind::kHtml : Kind::kText;
}

// Adds files of the kind until the corpus has `end` bytes.
void AddFiles(const std::vector<FoundFile>& files, Kind kind, uint64_t end,
              CleanCorpus& corpus) {
  const bool is_text = kind == Kind::kText || kind == Kind::kHtml;
  const uint64_t bytes_max = is_text ? kTextFileBytesMax : kBinaryFileBytesMax;
  for (const auto& [path, order] : files) {
    if (corpus.bytes >= end) return;
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(path, error);
    if (error || size == 0 || size > bytes_max) continue;
    std::ifstream file(path, std::ios::binary);
    std::vector<uint8_t> bytes(size);
    file.read(static_cast<char*>(static_cast<void*>(bytes.data())),
              static_cast<std::streamsize>(size));
    if (!file || KindOf(bytes) != kind) continue;
    corpus.bytes += size;
    corpus.files.push_back({path, std::move(bytes)});
  }
}

}  // namespace

std::vector<CleanCorpus> ReadCleanCorpora(const CorpusWish& wish) {
  std::vector<CleanCorpus> corpora;
  for (const char name : wish.kinds) {
    CleanCorpus& corpus = corpora.emplace_back();
    corpus.name = name;
    const bool is_text = name == 'A';
    using Folders = std::vector<std::string>;
    const std::vector<FoundFile> files = FilesBelow(
        is_text ? Folders{"/usr/share", "/usr/include"} : Folders{"/usr"},
        wish);
    if (is_text) {
      AddFiles(files, Kind::kHtml, wish.bytes / kHtmlShare, corpus);
      AddFiles(files, Kind::kText, wish.bytes, corpus);
    } else {
      AddFiles(files, name == 'B' ? Kind::kElf : Kind::kPe, wish.bytes, corpus);
    }
  }
  return corpora;
}

}  // namespace gatehouse
