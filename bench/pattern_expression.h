// Programs of patterns as Hyperscan expressions, and all expressions of a set
// as one database: what our matching is compared with.
//
// Thread-safe: pure functions; a database is searched by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

struct hs_database;
struct hs_scratch;

namespace gatehouse {

struct PatternExpression {
  std::string text;
  // False: it matches more than the program (Hyperscan has no lookaheads).
  bool is_exact = true;
};

[[nodiscard]] PatternExpression ExpressionOf(ByteView program);

class ExpressionDatabase {
 public:
  // Those that Hyperscan refuses are left out. Ends the process on any other
  // error.
  explicit ExpressionDatabase(const std::vector<std::string>& expressions);
  ~ExpressionDatabase();
  ExpressionDatabase(const ExpressionDatabase&) = delete;
  ExpressionDatabase& operator=(const ExpressionDatabase&) = delete;

  size_t left_out() const { return left_out_; }
  // Adds one to `matches` of each expression that matches, by its index.
  void Scan(ByteView bytes, std::vector<uint32_t>& matches) const;

 private:
  hs_database* database_ = nullptr;
  hs_scratch* scratch_ = nullptr;
  size_t left_out_ = 0;
};

}  // namespace gatehouse
