#!/usr/bin/env python3
"""Checks who includes whom, and who may name which library.

    check_layers.py [--root FOLDER]   check a tree
    check_layers.py --self-test       prove that each rule can fail
"""

import argparse
import pathlib
import posixpath
import re
import sys

import layer_cases
from source_tree import Finding, SourceTree, line_of, strip_cxx, strip_script

# A folder with sources may include itself and these. A single header may
# stand for itself. A folder that is not here needs a decision in
# docs/decisions/ first.
MAY_INCLUDE = {
    "base": [],
    "signatures": ["base"],
    "trace": ["base"],
    "engine": ["signatures", "base"],
    "definitions": ["engine", "signatures", "base"],
    "es_adapter/linux": ["trace", "base"],
    "es_adapter": ["engine", "base"],
    "quarantine": ["engine", "signatures", "base"],
    "ipc": ["quarantine/threat.h", "base"],
    "cli": ["ipc", "definitions", "engine", "signatures", "quarantine/threat.h", "base"],
    "daemon": ["ipc", "quarantine", "es_adapter", "es_adapter/linux",
               "definitions", "engine", "signatures", "trace", "base"],
}
# They look at everything, and nothing looks at them.
OUTSIDE = ["tests", "bench", "fuzz", "docs/examples"]

# Apple's API, which es_adapter/linux offers on Linux too.
ES_API = ("EndpointSecurity/", "bsm/")
MAY_USE_ES_API = ["es_adapter", "es_adapter/linux", "daemon"]
# What Linux adds to that API, for the descriptor of an event and the journal.
ES_LINUX = "es_linux.h"
MAY_USE_ES_LINUX = ["es_adapter/event_file_linux.cc", "es_adapter/linux/",
                    "daemon/"]

# Library: the headers that mean it. Each is named by few .cc files and by no
# header, so that it can be replaced.
WRAPPED_LIBRARIES = {
    "Hyperscan": r"hs/|hs\.h$|hs_\w+\.h$",
    "oneTBB": r"tbb/|oneapi/",
    "SQLite": r"sqlite3\.h$",
    "libarchive": r"archive\.h$|archive_entry\.h$",
    "PCRE2": r"pcre2\.h$",
    "OpenSSL": r"openssl/",
    "xxHash": r"xxhash\.h$|xxh3\.h$",
    "libsodium": r"sodium\.h$|sodium/",
    "mimalloc": r"mimalloc",
}
WRAPPING_FILES_MAX = 2

# Library: its headers, and the folders whose headers may name it.
NOT_IN_HEADERS = {
    "JSON": (r"nlohmann/", ["cli", "ipc", "daemon"]),
    "CLI11": (r"CLI/", []),
}
# Library: the only places that may name it at all.
CONFINED_LIBRARIES = {
    r"gtest/|gmock/": ["tests/", "fuzz/", "bench/"],
    r"benchmark/": ["bench/"],
    # Each group of commands is a file, so there are more than two of them.
    r"CLI/": ["cli/", "daemon/"],
    r"tl/expected": ["base/result.h"],
}

_INCLUDE = re.compile(
    r'(?m)^[ \t]*#[ \t]*(?:include|import|include_next)[ \t]*'
    r'(?:"(?P<own>[^"\n]+)"|<(?P<system>[^>\n]+)>)')


def folder_of(path):
    """The layer of a file, None if it has no place in the plan."""
    names = sorted([*MAY_INCLUDE, *OUTSIDE], key=len, reverse=True)
    return next((n for n in names if path.startswith(n + "/")), None)


def includes(tree, path):
    """(line, project path or None, system path or None), in order."""
    text = strip_cxx(tree.read(path), keep_strings=True)
    for match in _INCLUDE.finditer(text):
        yield (line_of(text, match.start()), match.group("own"),
               match.group("system"))


def check_own(tree, path, folder, line, target):
    if target.split("/")[-1] == ES_LINUX:
        return  # Has a rule of its own.
    if target not in tree.paths and target + ".in" not in tree.paths:
        yield Finding(path, line, "path-from-root",
                      f'"{target}" is no file of the tree')
        return
    to = folder_of(target)
    if folder in OUTSIDE or to == folder:
        return
    if to in OUTSIDE:
        yield Finding(path, line, "layer", f"{folder} must not include {to}")
    elif to not in MAY_INCLUDE[folder] and target not in MAY_INCLUDE[folder]:
        allowed = ", ".join(MAY_INCLUDE[folder]) or "nothing"
        yield Finding(path, line, "layer",
                      f"{folder} includes {target}; it may include {allowed}")


def check_es_api(path, folder, line, target):
    if folder in OUTSIDE:
        return
    if target.split("/")[-1] == ES_LINUX:
        if not path.startswith(tuple(MAY_USE_ES_LINUX)):
            yield Finding(path, line, "es-linux",
                          f"{ES_LINUX} is for {', '.join(MAY_USE_ES_LINUX)}")
    elif target.startswith(ES_API) and folder not in MAY_USE_ES_API:
        yield Finding(path, line, "es-api",
                      f"<{target}> is for {', '.join(MAY_USE_ES_API)}")


def check_libraries(path, folder, line, target, users):
    is_header = path.endswith(".h")
    for pattern, places in CONFINED_LIBRARIES.items():
        if re.match(pattern, target) and not path.startswith(tuple(places)):
            yield Finding(path, line, "confined-library",
                          f"<{target}> is for {', '.join(places)}")
    if folder in OUTSIDE:
        return
    for library, pattern in WRAPPED_LIBRARIES.items():
        if not re.match(pattern, target):
            continue
        if is_header:
            yield Finding(path, line, "library-in-header",
                          f"a header names {library}")
        else:
            users.setdefault(library, {}).setdefault(path, line)
    for library, (pattern, folders) in NOT_IN_HEADERS.items():
        if (is_header and re.match(pattern, target)
                and folder not in folders):
            yield Finding(path, line, "library-in-header",
                          f"a header names {library}")


def check_own_header_first(tree, path, found):
    header = re.sub(r"\.(cc|mm)$", ".h", path)
    if header == path or header not in tree.paths:
        return
    if not found or found[0][1] != header:
        line = found[0][0] if found else 1
        yield Finding(path, line, "own-header-first",
                      f'the first include must be "{header}"')


def check_link_dependencies(tree):
    """DEPENDS in a CMakeLists.txt follows the same plan."""
    call = re.compile(r"gatehouse_(?:library|program)\s*\(([^)]*)\)")
    for path in tree.cmake_files():
        folder = folder_of(path)
        if folder is None or folder in OUTSIDE:
            continue
        text = strip_script(tree.read(path))
        for match in call.finditer(text):
            words = match.group(1).split()
            if "DEPENDS" not in words:
                continue
            for word in words[words.index("DEPENDS") + 1:]:
                if word.isupper() and "_" in word:
                    break  # The next keyword.
                allowed = [a.split("/")[0] for a in MAY_INCLUDE[folder]]
                if (word in MAY_INCLUDE and word != folder
                        and word not in allowed):
                    yield Finding(path, line_of(text, match.start()),
                                  "link-layer", f"{folder} links {word}")


def find_cycle(edges):
    """A list of folders that include each other in a ring, or None."""
    state = {}

    def visit(node, trail):
        state[node] = "open"
        for to in sorted(edges.get(node, ())):
            if state.get(to) == "open":
                return trail[trail.index(to):] + [to]
            if to not in state:
                ring = visit(to, trail + [to])
                if ring:
                    return ring
        state[node] = "done"
        return None

    for node in sorted(edges):
        if node not in state:
            ring = visit(node, [node])
            if ring:
                return ring
    return None


def check(tree):
    findings = []
    users = {}  # Library: {file: line}.
    edges = {}  # Folder: {folder: where}.
    for path in tree.cxx():
        folder = folder_of(path)
        if folder is None:
            findings.append(Finding(
                path, 1, "no-layer",
                "this folder has no place in MAY_INCLUDE; decide it first"))
            continue
        found = list(includes(tree, path))
        findings += check_own_header_first(tree, path, found)
        for line, own, system in found:
            target = posixpath.normpath(own or system)
            findings += check_es_api(path, folder, line, target)
            findings += check_libraries(path, folder, line, target, users)
            if own is None:
                continue
            findings += check_own(tree, path, folder, line, own)
            to = folder_of(own)
            if to and to != folder and folder not in OUTSIDE:
                edges.setdefault(folder, {}).setdefault(to, (path, line))
    for library, files in users.items():
        if len(files) > WRAPPING_FILES_MAX:
            for path, line in files.items():
                findings.append(Finding(
                    path, line, "library-spread",
                    f"{len(files)} files name {library}, "
                    f"{WRAPPING_FILES_MAX} may"))
    ring = find_cycle(edges)
    if ring:
        path, line = edges[ring[0]][ring[1]]
        findings.append(
            Finding(path, line, "cycle", " -> ".join(ring)))
    findings += check_link_dependencies(tree)
    return sorted(findings)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return layer_cases.run(check)
    tree = SourceTree(arguments.root)
    findings = check(tree)
    for finding in findings:
        print(finding)
    print(f"check_layers: {len(tree.cxx())} sources, "
          f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
