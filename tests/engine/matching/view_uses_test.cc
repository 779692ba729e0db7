// For which texts the normalised form is made: those in which a literal of a
// signature stands, with what the signature has around it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/matching/scan_notes.h"
#include "signatures/clamav/ldb_line.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/signatures_for_tests.h"

namespace gatehouse {
namespace {

using Texts = std::vector<std::string>;

// A scanner for one literal of texts, and whether it made their form.
class ViewUsesTest : public testing::Test {
 protected:
  void UseLiteral(std::string_view literal) {
    Signature signature = LiteralSignature("A", AsBytes(literal));
    signature.target = Target::kText;
    Use(std::move(signature));
  }
  void UseLine(std::string_view line) {
    auto parsed = ParseLdbLine(line);
    ASSERT_TRUE(std::holds_alternative<Signature>(parsed));
    Use(std::get<Signature>(std::move(parsed)));
  }
  void Use(Signature signature) {
    Signatures signatures;
    signatures.bodies.push_back(std::move(signature));
    auto set = SignatureSet::Compile(std::move(signatures));
    ASSERT_TRUE(set.has_value());
    notes_.on_layer = [this](const NotedLayer& layer) {
      makes_form_ = makes_form_ || layer.view.has_value();
    };
    ScannerOptions options;
    options.notes = &notes_;
    auto scanner = Scanner::Create(std::move(*set), options);
    ASSERT_TRUE(scanner.has_value());
    scanner_ = std::move(*scanner);
  }

  bool Finds(const std::string& text) {
    makes_form_ = false;
    const Verdict verdict = scanner_->Scan(FileOf(text).UnsafeFd(), {});
    return verdict.kind == VerdictKind::kInfected;
  }

  ScanNotes notes_;
  bool makes_form_ = false;
  std::unique_ptr<Scanner> scanner_;
};

TEST_F(ViewUsesTest, LooksAroundALiteralBeforeTheFormIsMade) {
  UseLiteral("end function(a");
  for (const char* const text :
       {"a function(a) ends", "the end: function(a)", "end of function(a",
        "end function( a", "bend functional", "function(a"}) {
    EXPECT_FALSE(Finds(text)) << text;
    EXPECT_FALSE(makes_form_) << text;
  }
}

TEST_F(ViewUsesTest, FindsALiteralHoweverItIsWritten) {
  UseLiteral("end function(a");
  for (const std::string text :
       {"end function(a", "END\t\n Function(A", "x end \x01 function(a",
        "end function(b end functional end function(a", "end f\x07unction(a",
        "e\xc3\xa9nd function(a",
        "end function\x08(\x08"
        "a"}) {
    EXPECT_TRUE(Finds(text)) << text;
    EXPECT_TRUE(makes_form_) << text;
  }
}

// What the pattern has near the literal, with a gap between or a choice.
TEST_F(ViewUsesTest, LooksForANeighbourBeforeTheFormIsMade) {
  UseLine("A;Engine:81-255,Target:7;0;" + HexText(AsBytes("qwjx vexing")) +
          "{2-6}" + HexText(AsBytes("(zk")));
  for (const std::string& text :
       Texts{"qwjx vexing", "qwjx vexing(zk", "qwjx vexing.(zk", "vexing  (zk",
             "qwjx vexing1234567(zk", "qwjx vexing12(zj",
             "qwjx vexing \n\t(zk"}) {
    EXPECT_FALSE(Finds(text)) << text;
    EXPECT_FALSE(makes_form_) << text;
  }
  for (const std::string& text :
       Texts{"qwjx vexing12(zk", "QWJX\n\nVexing123456(Zk",
             "qwjx vexing \x01\n.(zk",
             "qwjx vexing1\xc3\xa9" + std::string(5000, '\xa9') + "2(z\x07k",
             "qwjx vexing1" + std::string(5000, ' ') + "(zk",
             "qwjx vexing qwjx vexing12(zk"}) {
    EXPECT_TRUE(Finds(text)) << text;
    EXPECT_TRUE(makes_form_) << text;
  }
}

TEST_F(ViewUsesTest, LooksForANeighbourInFront) {
  UseLine("A;Engine:81-255,Target:7;0;" + HexText(AsBytes("(zk")) + "{2-6}" +
          HexText(AsBytes("qwjx vexing")));
  for (const std::string& text :
       Texts{"qwjx vexing", "(zkqwjx vexing", "(zk.qwjx vexing",
             "(zk1234567qwjx vexing", "(zj12qwjx vexing",
             "(zk  \n\tqwjx vexing"}) {
    EXPECT_FALSE(Finds(text)) << text;
    EXPECT_FALSE(makes_form_) << text;
  }
  for (const std::string& text :
       Texts{"(zk12qwjx vexing", "x(Zk123456QWJX\tvexing",
             "(zk1" + std::string(5000, ' ') + "qwjx vexing",
             "(z\x07k1\xc3\xa9" + std::string(5000, '\xa9') + "2qwjx vexing"}) {
    EXPECT_TRUE(Finds(text)) << text;
    EXPECT_TRUE(makes_form_) << text;
  }
}

// What is around it may be cut off by the block that is looked at.
TEST_F(ViewUsesTest, FindsALiteralBehindMuchWhiteSpace) {
  UseLiteral("end function(a");
  for (const size_t bytes : {1000UL, 4095UL, 4096UL, 4097UL, 20000UL}) {
    EXPECT_TRUE(Finds("end" + std::string(bytes, ' ') + "function(a"));
    EXPECT_TRUE(Finds("end function" + std::string(bytes, '\x01') + "(a"));
    EXPECT_FALSE(Finds("and" + std::string(bytes, ' ') + "function(a"));
  }
}

// Where a literal is seen too often, its places are not known.
TEST_F(ViewUsesTest, FindsALiteralBehindManyThatAreLikeIt) {
  UseLiteral("end function(a");
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "a function(a\n";
  EXPECT_FALSE(Finds(text));
  EXPECT_TRUE(Finds(text + "end function(a"));
}

TEST_F(ViewUsesTest, TheBeginningIsLookedAtBeforeTheFormIsMade) {
  UseLine("A;Engine:81-255,Target:7;0&1;0:7b5b7274;2323");
  for (const char* const text :
       {"a {[rt##", "{[r", "{[r ##", "  {[rt##", "##"}) {
    EXPECT_FALSE(Finds(text)) << text;
    EXPECT_FALSE(makes_form_) << text;
  }
  for (const std::string text :
       {"{[rt##", "{[RT ##", "\xef\xbb\xbf{[rt##", "{\x01[rt #\x02#"}) {
    EXPECT_TRUE(Finds(text)) << text;
  }
  // Behind many bytes that are dropped.
  EXPECT_TRUE(Finds(std::string(1000, '\x80') + "{[rt ##"));
  EXPECT_FALSE(Finds(std::string(1000, '\x80') + "{[r ##"));
}

// Of a wide and a plain way to write it, no byte may be given where both have
// one.
TEST_F(ViewUsesTest, FindsAShortTextThatIsTheBeginning) {
  UseLine("A;Engine:81-255,Target:7;0;0:(61|62)(63|64)(65|66)6768::wa");
  for (const char* const text : {"acegh", "acegh\n", "BDFGH and more"}) {
    EXPECT_TRUE(Finds(text)) << text;
  }
  EXPECT_FALSE(Finds("acegx"));
  EXPECT_FALSE(Finds("aceg"));
}

TEST_F(ViewUsesTest, PartsAreLookedForTogetherBeforeTheFormIsMade) {
  // "function" {0-10} "--" {0-3} "is"
  UseLine(
      "A;Engine:81-255,Target:7;0;"
      "66756e6374696f6e{0-10}2d2d{0-3}6973");
  for (const std::string& text :
       {std::string("a function, and then -- this"),
        std::string("is -- function --"),
        "-- is " + std::string(5000, 'x') + " function",
        "function " + std::string(11, 'x') + "--is"}) {
    EXPECT_FALSE(Finds(text)) << text;
    EXPECT_FALSE(makes_form_) << text;
  }
  for (const std::string& text :
       {std::string("function--is"),
        std::string("Function"
                    "\t\n --\x01 \x02IS"),
        "function " + std::string(500, ' ') + "-- is",
        "function " + std::string(500, 'x') + "-- is function 123456 -- is",
        std::string("is -- function f\x01unction--is"),
        "function" + std::string(5000, '\x01') + "--is"}) {
    EXPECT_TRUE(Finds(text)) << text;
  }
}

// Of gaps that are too long for that, or have no limit, each part is enough.
TEST_F(ViewUsesTest, FindsPartsThatAreFarApart) {
  for (const std::string gap : {"*", "{2000}", "{0-3000}"}) {
    UseLine("A;Engine:81-255,Target:7;0;66756e6374696f6e" + gap + "2d2d6973");
    EXPECT_TRUE(Finds("Function" + std::string(2000, 'x') + "--is")) << gap;
    EXPECT_FALSE(Finds("Function" + std::string(2000, 'x') + "-is")) << gap;
  }
}

TEST_F(ViewUsesTest, FindsEveryWayToSpellALiteral) {
  UseLine("A;Engine:81-255,Target:7;0;76617220(6f|30)(6f|30)(6f|30)(6f|30)3d");
  for (const std::string text : {"var oooo=", "VAR\n0000=", "var o0O0=",
                                 "var o\x01"
                                 "0o0="}) {
    EXPECT_TRUE(Finds(text)) << text;
  }
  for (const char* const text : {"var oooa=", "var ooo=", "var 000o ="}) {
    EXPECT_FALSE(Finds(text)) << text;
  }
}

}  // namespace
}  // namespace gatehouse
