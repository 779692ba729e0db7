#include "signatures/packed_load_report.h"

#include <cstdint>
#include <utility>

namespace gatehouse {
namespace {

// Numbers are eight bytes, least significant first; a text is its length and
// its bytes; a list is its length and its items.
class Writer {
 public:
  void Visit(uint64_t& number) {
    for (size_t i = 0; i < sizeof(number); ++i) {
      bytes_.push_back(static_cast<char>(number >> 8 * i & 0xFFU));
    }
  }
  void Visit(std::string& text) {
    uint64_t size = text.size();
    Visit(size);
    bytes_ += text;
  }
  template <class Item, class VisitItem>
  void VisitList(std::vector<Item>& list, VisitItem visit_item) {
    uint64_t size = list.size();
    Visit(size);
    for (Item& item : list) visit_item(item);
  }
  [[nodiscard]] bool is_good() const { return true; }
  [[nodiscard]] std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  void Visit(uint64_t& number) {
    number = 0;
    if (rest_.size() < sizeof(number)) {
      is_good_ = false;
      rest_ = {};
      return;
    }
    for (size_t i = sizeof(number); i > 0; --i) {
      number = number << 8U | static_cast<uint8_t>(rest_[i - 1]);
    }
    rest_.remove_prefix(sizeof(number));
  }
  void Visit(std::string& text) {
    uint64_t size = 0;
    Visit(size);
    if (size > rest_.size()) {
      is_good_ = false;
      return;
    }
    text = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  template <class Item, class VisitItem>
  void VisitList(std::vector<Item>& list, VisitItem visit_item) {
    uint64_t size = 0;
    Visit(size);
    // No item takes less than a length: a wrong number costs no memory.
    for (uint64_t i = 0; i < size && is_good_; ++i) {
      visit_item(list.emplace_back());
    }
  }
  [[nodiscard]] bool is_good() const { return is_good_; }
  [[nodiscard]] bool is_at_end() const { return is_good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool is_good_ = true;
};

using NamedCount = std::pair<std::string, uint64_t>;

// One function for writer and reader, so that both know the same order.
template <class Visitor>
void VisitCounts(LineCounts& counts, Visitor& visitor) {
  visitor.Visit(counts.lines);
  visitor.Visit(counts.loaded);
  visitor.Visit(counts.level);
  visitor.Visit(counts.unsupported);
  visitor.Visit(counts.ignored);
  visitor.Visit(counts.unwanted);
  visitor.Visit(counts.switched_off);
  visitor.Visit(counts.malformed);
}

template <class Visitor>
void VisitFile(FileReport& file, Visitor& visitor) {
  visitor.Visit(file.file);
  auto modified_ms = static_cast<uint64_t>(file.modified_ms);
  visitor.Visit(modified_ms);
  file.modified_ms = static_cast<int64_t>(modified_ms);
  VisitCounts(file.counts, visitor);
  std::vector<NamedCount> unsupported(file.unsupported.begin(),
                                      file.unsupported.end());
  visitor.VisitList(unsupported, [&visitor](NamedCount& entry) {
    visitor.Visit(entry.first);
    visitor.Visit(entry.second);
  });
  file.unsupported = {unsupported.begin(), unsupported.end()};
}

template <class Visitor>
void VisitReport(LoadReport& report, Visitor& visitor) {
  visitor.VisitList(report.files,
                    [&visitor](FileReport& file) { VisitFile(file, visitor); });
  visitor.VisitList(report.problems, [&visitor](LoadProblem& problem) {
    visitor.Visit(problem.file);
    visitor.Visit(problem.line);
    visitor.Visit(problem.reason);
  });
  visitor.Visit(report.problems_left_out);
  visitor.VisitList(report.ignored_files,
                    [&visitor](std::string& name) { visitor.Visit(name); });
  visitor.Visit(report.ignored_files_left_out);
  visitor.Visit(report.any_size_hashes);
}

}  // namespace

std::string PackLoadReport(const LoadReport& report) {
  LoadReport copy = report;  // The visitor may change what it is shown.
  Writer writer;
  VisitReport(copy, writer);
  return std::move(writer.bytes());
}

Result<LoadReport> OpenLoadReport(std::string_view bytes) {
  LoadReport report;
  Reader reader(bytes);
  VisitReport(report, reader);
  if (reader.is_at_end()) return report;
  return Fail(ErrorCode::kInvalidInput, "load report: cut off, or too long");
}

}  // namespace gatehouse
