#!/usr/bin/env python3
"""Checks what no compiler checks: that the tree is whole and tidy.

    check_tree.py [--root FOLDER]   check a tree
    check_tree.py --self-test       prove that each rule can fail

Here are the rules about files; those about C++ text are in code_rules.py.
"""

import argparse
import os
import pathlib
import posixpath
import re
import sys

import code_rules
import tree_cases
from source_tree import Finding, SourceTree, line_of, strip_script

LIBRARY_FOLDERS = ("base/", "signatures/", "engine/", "es_adapter/",
                   "quarantine/", "trace/", "ipc/", "daemon/", "cli/")
SCRIPT_SUFFIXES = (".py", ".sh", ".cmake")
MUST_BE_BUILT = re.compile(r"(?:_test|_fuzz|_bench)\.cc$|_test\.py$")

FILE_LINES_MAX = 500
# Tables and generated code: path, reason.
LONG_FILES = {}

# Assembled, so that this file is not what it looks for.
_EICAR = "X5O!P%@AP[4" + "\\PZX54(P^)7CC)7}" + "$EICAR-STANDARD"
_MACHINE_PATH = re.compile(
    r"(?<![\w.}/*-])/(?:" + "|".join(["work", "farm", "root"]) + r")/")
_OPEN_END = re.compile(r"\b(?:" + "|".join(["TB" "D", "FIX" "ME", "XX" "X"])
                       + r")\b")
_TODO = re.compile(r"\bTO" r"DO\b(?!\(#\d+\))")

_FORBIDDEN_WORDS = {"util", "utils", "helper", "helpers", "common", "misc",
                    "manager", "info", "context"}


class BuildLists:
    """What the CMakeLists.txt files name, as paths from the root."""

    def __init__(self, tree):
        self.named = set()
        for path in tree.cmake_files():
            folder = posixpath.dirname(path)
            for word in re.split(r"[\s()\"]+", strip_script(tree.read(path))):
                word = re.sub(r"^\$\{(?:CMAKE_CURRENT_SOURCE_DIR|"
                              r"CMAKE_CURRENT_LIST_DIR)\}/", "", word)
                word = re.sub(r"^\$\{(?:PROJECT|CMAKE)_SOURCE_DIR\}",
                              posixpath.relpath(".", folder or "."), word)
                self.named.add(posixpath.normpath(
                    posixpath.join(folder, word)))
        # A loop may spell a file "${name}_fuzz.cc".
        self.patterns = []
        for name in self.named:
            if "${" in name:
                parts = re.split(r"\$\{\w+\}", name)
                self.patterns.append(
                    re.compile(r"(\w+)".join(map(re.escape, parts))))

    def names(self, path):
        if path in self.named:
            return True
        folder = posixpath.dirname(path)
        for pattern in self.patterns:
            match = pattern.fullmatch(path)
            if match and all(posixpath.join(folder, part) in self.named
                             for part in match.groups()):
                return True
        return False


def check_build_lists(tree):
    lists = BuildLists(tree)
    for path in tree.paths:
        is_source = path.endswith((".cc", ".mm", ".c"))
        is_header = path.endswith(".h") and path.startswith(LIBRARY_FOLDERS)
        if not (is_source or is_header or MUST_BE_BUILT.search(path)):
            continue
        if not lists.names(path):
            yield Finding(path, 1, "not-in-build",
                          "no CMakeLists.txt names this file")


def _is_script(tree, path):
    return (path.endswith(SCRIPT_SUFFIXES) or path in tree.cmake_files()
            or path.startswith(("tools/", ".ci/")))


def check_length(tree):
    for path in tree.paths:
        if not (path in tree.cxx() or _is_script(tree, path)):
            continue
        lines = tree.read(path).count("\n")
        if lines > FILE_LINES_MAX and path not in LONG_FILES:
            yield Finding(path, FILE_LINES_MAX, "long-file",
                          f"{lines} lines, {FILE_LINES_MAX} may")


def check_text(tree):
    """Rules for every text file, whatever its language."""
    for path in tree.paths:
        if not tree.is_text(path):
            continue
        text = tree.read(path)
        for form in (_EICAR, _EICAR.replace("\\", "\\\\")):
            if form in text:
                yield Finding(path, line_of(text, text.index(form)), "eicar",
                              "the test file's literal; assemble it")
        for match in _MACHINE_PATH.finditer(text):
            yield Finding(path, line_of(text, match.start()), "machine-path",
                          f"{match.group()} is a path of one machine")
        if path not in tree.cxx() and not _is_script(tree, path):
            continue
        for match in _TODO.finditer(text):
            yield Finding(path, line_of(text, match.start()), "todo",
                          "say which issue: (#n)")
        for match in _OPEN_END.finditer(text):
            yield Finding(path, line_of(text, match.start()), "open-end",
                          f"{match.group()} is no state to commit")


def check_names(tree):
    for path in tree.paths:
        stem = posixpath.basename(path).split(".")[0]
        if path in tree.cxx() or path.endswith(SCRIPT_SUFFIXES):
            for word in re.split(r"[_-]", stem.lower()):
                if word in _FORBIDDEN_WORDS:
                    yield Finding(path, 1, "vague-file-name",
                                  f"'{word}' says nothing")


def check_programs(tree):
    """What people call by its path can be called, and says with what."""
    for path in tree.paths:
        if not path.startswith(("tools/", ".ci/")):
            continue
        if not os.access(tree.root / path, os.X_OK):
            yield Finding(path, 1, "not-executable", "chmod +x")
        if not tree.read(path).startswith("#!/"):
            yield Finding(path, 1, "no-shebang", "begin with #!")


_SLEEP = re.compile(r"\bsleep\s*\(|^\s*sleep\s+[\d$]", re.MULTILINE)


def check_script_tests(tree):
    """A test waits for something, not for some time.

    A script that watches another process may have to poll; it says so in a
    comment on that line and gives the loop an end.
    """
    for path in tree.paths:
        if not path.startswith("tests/") or not path.endswith((".py", ".sh")):
            continue
        text = strip_script(tree.read(path))
        original = tree.read(path).split("\n")
        for match in _SLEEP.finditer(text):
            line = line_of(text, match.end())
            _, _, comment = original[line - 1].partition("#")
            if "poll" not in comment.lower():
                yield Finding(path, line, "sleep-in-test",
                              "wait for a condition instead")


_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?!\w+:|#)([^)\s#]+)[^)]*\)")


def check_documents(tree):
    """Links lead somewhere, and each decision is in the list of them."""
    index = "docs/decisions/README.md"
    for path in tree.paths:
        if path.endswith(".md"):
            text = tree.read(path)
            for match in _LINK.finditer(text):
                target = posixpath.normpath(
                    posixpath.join(posixpath.dirname(path), match.group(1)))
                if not (tree.root / target).exists():
                    yield Finding(path, line_of(text, match.start()),
                                  "dead-link", f"{target} does not exist")
        if re.match(r"docs/decisions/\d{4}-", path):
            if posixpath.basename(path) not in tree.read(index):
                yield Finding(path, 1, "unlisted-decision",
                              f"{index} does not name it")


def check(tree):
    findings = []
    for rule in (check_build_lists, check_length, check_text, check_names,
                 check_programs, check_script_tests, check_documents,
                 code_rules.check):
        findings += rule(tree)
    return sorted(findings)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return tree_cases.run(check)
    tree = SourceTree(arguments.root)
    findings = check(tree)
    for finding in findings:
        print(finding)
    print(f"check_tree: {len(tree.paths)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
