"""The synthetic trees that check_tree.py must judge rightly."""

import synthetic_tree
from synthetic_tree import Case
from source_tree import functions

_HEADER = "// What it is.\n#pragma once\n"

GOOD_TREE = {
    "engine/CMakeLists.txt":
        "gatehouse_library(NAME engine SOURCES scanner.cc scanner.h\n"
        "  # forgotten.cc is only in a comment\n"
        "  ${CMAKE_CURRENT_SOURCE_DIR}/queue.cc DEPENDS base)\n",
    "engine/scanner.h": _HEADER + "class Scanner;\n",
    "engine/scanner.cc":
        '#include "engine/scanner.h"\n\n'
        '// new, delete and printf( in a comment are words.\n'
        'const char kText[] = "new goto printf( \\" delete";\n'
        "Scanner::Scanner(const Scanner&) = delete;\n"
        "std::shared_ptr<const SignatureSet> set_;\n"
        "// A C callback owns it until Release.\n"
        "int* p = new int(1);\n"
        "::free(p);  // Comes from the C library.\n"
        "// NOLINTNEXTLINE(bugprone-x): the kernel wants it so.\n"
        "int snprintf_user = snprintf(b, 3, kText);\n"
        "// TO" "DO(#12): faster.\n"
        "int last = 0;\n",
    "engine/queue.cc": "#ifdef __linux__\nint x;\n#endif\n",
    "fuzz/CMakeLists.txt":
        "foreach(name hash body)\n  gatehouse_fuzz(${name}_fuzz.cc)\n"
        "endforeach()\n",
    "fuzz/hash_fuzz.cc": "",
    "fuzz/body_fuzz.cc": "",
    "tests/CMakeLists.txt":
        "gatehouse_unit_test(NAME x SOURCES engine/scanner_test.cc)\n"
        "add_test(COMMAND ${PROJECT_SOURCE_DIR}/tests/system/kill_test.py)\n",
    "tests/engine/scanner_test.cc":
        'void F() { GTEST_SKIP() << "needs root for a loopback mount"; }\n',
    "tests/system/kill_test.py":
        "time.sleep(0.01)  # Polls another process, for 5 s at most.\n",
    "tools/test": "#!/bin/sh\nexit 0\n",
    "docs/decisions/README.md": "[one](0001-one.md) [site](https://x.y/z)\n",
    "docs/decisions/0001-one.md": "# One\n",
}


def _adds(line):
    return {"engine/scanner.cc": GOOD_TREE["engine/scanner.cc"] + line + "\n"}


def _header(text):
    return {"engine/scanner.h": text}


_TEST = "tests/engine/scanner_test.cc"
_LONG_BODY = "  f();\n" * 70

CASES = [
    Case("the good tree is good", {}),
    # Files.
    Case("a test is built", {"tests/engine/lost_test.cc": ""},
         "not-in-build"),
    Case("a script test is run", {"tests/system/lost_test.py": ""},
         "not-in-build"),
    Case("a fuzz target is built", {"fuzz/lost_fuzz.cc": ""}, "not-in-build"),
    Case("a benchmark is built", {"bench/lost_bench.cc": ""}, "not-in-build"),
    Case("a source is built", {"engine/forgotten.cc": ""}, "not-in-build"),
    Case("a header of a library is listed", {"engine/lost.h": _HEADER},
         "not-in-build"),
    Case("a file of the same name elsewhere does not count",
         {"engine/linux/scanner.cc": ""}, "not-in-build"),
    Case("a file has an end", _adds("int a;\n" * 500), "long-file"),
    Case("the test file's literal is nowhere",
         {"docs/x.txt": "X5O!P%@AP[4" + "\\PZX54(P^)7CC)7}"
                        + "$EICAR-STANDARD-ANTI"}, "eicar"),
    Case("nor is it escaped",
         _adds('"X5O!P%@AP[4' + '\\\\PZX54(P^)7CC)7}' + '$EICAR-STANDARD"'),
         "eicar"),
    Case("no path of one machine", {"docs/x.md": "see /wo" "rk/main\n"},
         "machine-path"),
    Case("no home of one person", _adds('"/ro' 'ot/.cache"'), "machine-path"),
    Case("a path that only ends so is fine", _adds('"/net/wo' 'rk/x"')),
    Case("later has an issue", _adds("// TO" "DO: faster"), "todo"),
    Case("no open ends", _adds("// FIX" "ME"), "open-end"),
    Case("a template of mkstemp is no open end", _adds('"XXXXXX"')),
    Case("file names say something",
         {"tests/CMakeLists.txt": GOOD_TREE["tests/CMakeLists.txt"]
                                  + "engine/string_util.cc",
          "tests/engine/string_util.cc": ""}, "vague-file-name"),
    Case("tools can be run", {"tools/fix": b"\xef\xbb\xbf#!/bin/sh\n"},
         ("no-shebang", "not-executable")),
    Case("scripts do not sleep",
         {"tests/system/kill_test.py": "import time\ntime.sle" "ep(3)\n"},
         "sleep-in-test"),
    Case("links lead somewhere", {"docs/x.md": "[gone](gone.md)\n"},
         "dead-link"),
    Case("decisions are listed", {"docs/decisions/0002-two.md": "# Two\n"},
         "unlisted-decision"),
    # C++.
    Case("tests do not sleep", {_TEST: "void F() { sleep_for(1ms); }\n"},
         "sleep-in-test"),
    Case("tests do not sleep in C", {_TEST: "void F() { ::usleep(1); }\n"},
         "sleep-in-test"),
    Case("tests are not skipped",
         {_TEST: 'void F() { GTEST_SKIP() << "flaky"; }\n'}, "skipped-test"),
    Case("tests are not disabled", {_TEST: "TEST(A, DISABLED_B);\n"},
         "skipped-test"),
    Case("libraries do not print", _adds("std::cout << 1;"), "logging"),
    Case("libraries do not printf", _adds("std::fprintf(stderr, x);"),
         "logging"),
    Case("libraries do not log", _adds("LOG(kWarning, x);"), "logging"),
    Case("libraries do not read the environment", _adds('::getenv("X");'),
         "getenv"),
    Case("new needs a reason", _adds("int* q = new int;"), "naked-new"),
    Case("new with an owner at once is fine",
         _adds("std::unique_ptr<A> a(\n    new A());")),
    Case("new in memory that is there is fine", _adds("a = ::new (at) A();")),
    Case("new that returns null is new",
         _adds("a = new (std::nothrow) A;"), "naked-new"),
    Case("a deleter frees",
         _adds("struct F { void operator()(int* p) const { free(p); } };")),
    Case("delete needs a reason", _adds("delete p;"), "naked-delete"),
    Case("malloc needs a reason", _adds("p = std::malloc(1);"),
         "naked-malloc"),
    Case("free needs a reason", _adds("free(p);"), "naked-malloc"),
    Case("free of an object is its own", _adds("ring.free(); ring->free();")),
    Case("goto needs a reason", _adds("void G() { goto end; }"), "goto"),
    Case("catch-all needs a reason", _adds("void G() try {} catch (...) {}"),
         "catch-all"),
    Case("sharing needs a reason", _adds("std::shared_ptr<int> shared;"),
         "shared-ptr"),
    Case("NOLINT names its check", _adds("int a;  // NOLINT because"),
         "nolint"),
    Case("NOLINT has a reason", _adds("\nint a;  // NOLINT(bugprone-x)"),
         "nolint"),
    Case("class names say something", _adds("class ScanManager {};"),
         "vague-class-name"),
    Case("a word inside a word is fine", _adds("struct Information {};")),
    Case("what others declared is theirs", _adds("struct FooInfo;")),
    Case("functions end",
         _adds("int F() {\n" + _LONG_BODY + "}"), "long-function"),
    Case("methods end",
         _adds("class A : public B {\n int F() const noexcept override {\n"
               + _LONG_BODY + "}\n};"), "long-function"),
    Case("constructors end",
         _adds("A::A(int x) : x_{x}, y_(2) {\n" + _LONG_BODY + "}"),
         "long-function"),
    Case("tests end",
         {_TEST: "TEST(A, B) {\n" + _LONG_BODY + "}\n"}, "long-function"),
    Case("tables may be long",
         _adds("constexpr E kTable[] = {\n" + "  {F(1), 2},\n" * 80 + "};")),
    Case("tables without = may be long",
         _adds("const std::array<E, 9> kTable{{\n" + "  {F(1)},\n" * 80
               + "}};")),
    Case("namespaces and classes may be long",
         _adds("namespace a {\nclass GATEHOUSE_CAPABILITY(\"x\") M {\n"
               + "  int F(int x = 1) { return x; }\n" * 80 + "};\n}")),
    Case("platform code is a platform file",
         _adds("void F() {\n#ifdef __APPLE__\n  g();\n#endif\n}"),
         "conditional-in-function"),
    Case("a header is included once", _header("// What it is.\nint x;\n"),
         "no-pragma-once"),
    Case("a header says what it is", _header("#pragma once\n"),
         "no-opening-comment"),
    Case("run-time interfaces are counted",
         _header(_HEADER + "class A {\n virtual void F() = 0;\n};\n"),
         "virtual"),
]

_CODE = """
namespace x {
template <class T = int, size_t N = 3>
bool operator==(const Fixed<T, N>& a, const Fixed<T, N>& b) {
  if (a) { return '{' != '}'; }
  return R"(}}})" == b;
}
struct hs_scratch* Alloc(int n = 1) { return nullptr; }
auto Trailing() -> std::vector<int> { return {1, 2}; }
const auto kLambda = [](int x) { return x; };
enum class E : uint8_t { kA, kB };
int kDigits = 1'000'000;
Foo::Foo() : a_(1),
             b_{2} {
}
#define MACRO(x) \\
  if (x) {
void AfterMacro() {}
extern "C" {
void InC(void) {}
}
}
"""
_NAMES = ["operator==", "Alloc", "Trailing", "Foo::Foo", "AfterMacro", "InC"]


def run(check):
    status = synthetic_tree.run(check, GOOD_TREE, CASES)
    names = [f.name for f in functions(_CODE)]
    missing = [n for n in _NAMES if n not in names]
    if missing or len(names) > len(_NAMES) + 1:  # "b_{2} {" may count twice.
        print(f"FAILED: functions are found by their braces: {names}")
        status = 1
    return status
