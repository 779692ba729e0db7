"""The files of the tree, and C++ text without its comments and strings.

Shared by the checks of this folder. Python's standard library only.
"""

import dataclasses
import os
import pathlib
import re

CXX_SUFFIXES = (".cc", ".h", ".mm", ".c")
SKIPPED_NAMES = {".git"}  # A file in a linked worktree.
SKIPPED_FOLDERS = {".git", "__pycache__", ".cache"}


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


class SourceTree:
    """Every file below a root but build output, read once."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.paths = sorted(self._walk())
        self._bytes = {}

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            here = pathlib.Path(folder)
            is_root = here == self.root
            folders[:] = [
                f for f in folders
                if f not in SKIPPED_FOLDERS and not (is_root and f == "build")
                and not (here / f / "CMakeCache.txt").exists()
            ]
            for name in set(names) - SKIPPED_NAMES:
                if (here / name).is_file() and not (here / name).is_symlink():
                    yield (here / name).relative_to(self.root).as_posix()

    def read_bytes(self, path):
        if path not in self._bytes:
            try:
                self._bytes[path] = (self.root / path).read_bytes()
            except FileNotFoundError:  # Gone since the walk.
                self._bytes[path] = b""
        return self._bytes[path]

    def read(self, path):
        return self.read_bytes(path).decode("utf-8", errors="replace")

    def is_text(self, path):
        return b"\0" not in self.read_bytes(path)

    def cxx(self):
        return [p for p in self.paths if p.endswith(CXX_SUFFIXES)]

    def cmake_files(self):
        return [p for p in self.paths
                if p.endswith((".cmake", "/CMakeLists.txt"))
                or p == "CMakeLists.txt"]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      |(?P<raw>\bu?8?R"(?P<delimiter>[^\s()\\]{0,16})\(.*?\)(?P=delimiter)")
      |(?P<string>"(?:[^"\\\n]|\\.)*")
      |(?P<char>(?<![0-9A-Fa-f])'(?:[^'\\\n]|\\.)+')""",
    re.DOTALL | re.VERBOSE)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def strip_cxx(text, keep_strings=False):
    """Blanks comments, and the inside of literals; offsets stay the same."""

    def replace(match):
        whole = match.group(0)
        if match.group("comment"):
            return _blank(whole)
        if keep_strings:
            return whole
        quote = "'" if match.group("char") else '"'
        return quote + _blank(whole[1:-1]) + quote

    return _TOKEN.sub(replace, text)


def comments_by_line(text):
    """{line number: comment text} of C++ source."""
    found = {}
    for match in _TOKEN.finditer(text):
        if match.group("comment"):
            first = line_of(text, match.start())
            for i, part in enumerate(match.group("comment").split("\n")):
                found[first + i] = found.get(first + i, "") + part
    return found


def strip_script(text):
    """Blanks # comments of CMake, shell and Python: good enough for rules."""
    return re.sub(r"(?m)(^|\s)#(?!\{).*$", r"\1", text)


_TYPE_KEYWORD = re.compile(
    r"^(?:(?:typedef|static|inline|constexpr|const|extern)\s+)*"
    r"(?:class|struct|union|enum|namespace)\b")
_FUNCTION_END = re.compile(
    r"\)\s*(?:const|noexcept|override|final|mutable|&&?|->[^;{}]*"
    r"|\btry\b|GATEHOUSE_\w+(?:\([^)]*\))?|\s)*$")


def _strip_template(chunk):
    chunk = chunk.lstrip()
    while chunk.startswith("template"):
        start = chunk.find("<")
        if start < 0:
            break
        depth = 0
        for i in range(start, len(chunk)):
            depth += {"<": 1, ">": -1}.get(chunk[i], 0)
            if depth == 0:
                break
        chunk = chunk[i + 1:].lstrip()
    return chunk


def _drop_parens(chunk):
    previous = None
    while previous != chunk:
        previous = chunk
        chunk = re.sub(r"\([^()]*\)", " ", chunk)
    return chunk


def _kind_of_brace(chunk):
    """'function', 'scope' (look inside) or 'value' (do not)."""
    chunk = re.sub(r"(?m)^\s*#.*(?:\\\n.*)*$", "", chunk)
    chunk = re.sub(r"\[\[[^\]]*\]\]", " ", chunk)
    chunk = _strip_template(chunk).strip()
    chunk = re.sub(r"^(?:public|private|protected)\s*:\s*", "", chunk)
    if _TYPE_KEYWORD.match(chunk) and not _FUNCTION_END.search(chunk):
        return "scope"
    if chunk == "" or re.match(r'^extern\s*"', chunk):
        return "scope"
    outside = re.sub(r"\boperator\s*[^\s\w(]+", "operator", chunk)
    outside = _drop_parens(outside)
    if "=" in outside or ")" not in chunk:
        return "value"
    return "function"


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    first_line: int
    last_line: int


def functions(text):
    """Functions at namespace or class scope of C++ text, by their braces.

    A heuristic: initialisers, tables, namespaces and types are not functions,
    lambdas belong to the function around them.
    """
    code = strip_cxx(text)
    # Macro definitions are not code; their braces need not balance.
    code = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
                  lambda m: _blank(m.group(0)), code)
    found = []
    stack = []  # Kinds of the open braces.
    inside = 0  # How many of them are functions or values.
    chunk_start = 0
    start_line = 0
    name = ""
    for match in re.finditer(r"[{};]", code):
        at = match.start()
        if match.group() == "{":
            kind = "inner"
            if inside == 0:
                chunk = code[chunk_start:at]
                kind = _kind_of_brace(chunk)
                if kind == "function":
                    blank = len(chunk) - len(chunk.lstrip())
                    start_line = line_of(code, chunk_start + blank)
                    names = re.findall(
                        r"(operator\s*[^\s\w(]+|[\w:~]+)\s*\(", chunk)
                    name = names[0] if names else "?"
            stack.append(kind)
            inside += kind in ("function", "value", "inner")
            if inside == 0:
                chunk_start = match.end()
        elif match.group() == "}":
            if stack:
                kind = stack.pop()
                inside -= kind in ("function", "value", "inner")
                if kind == "function":
                    found.append(
                        Function(name, start_line, line_of(code, at)))
            if inside == 0:
                chunk_start = match.end()
        elif inside == 0:
            chunk_start = match.end()
    return found
