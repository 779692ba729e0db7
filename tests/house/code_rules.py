"""The rules of check_tree.py about C++ text.

Patterns look at code without comments and strings. A pattern that is allowed
with a reason wants the reason as a comment on the same line or right above.
"""

import dataclasses
import re

from source_tree import (Finding, comments_by_line, functions, line_of,
                         strip_cxx)

FUNCTION_LINES_MAX = 70

# (path, rule): reason. Whole files that may break a rule.
ALLOWED = {}
# Headers with the interfaces that are chosen at run time: path, reason.
VIRTUAL_INTERFACES = {
    "engine/auth_ticket.h": "answers: the ledger, a test, a benchmark",
    "es_adapter/linux/event_backend.h": "events: fanotify, notify-only, replay",
    "es_adapter/linux/notify_source.h": "notifications: names, processes",
    "quarantine/file_operations.h": "the file system: Linux, macOS, faults",
}

# Headers that mirror Apple's: their names are Apple's.
_APPLE_API = ("/EndpointSecurity/", "/bsm/")
_SPEAKS = ("daemon/", "cli/", "tests/", "bench/", "fuzz/", "docs/examples/")
_OUTSIDE = ("tests/", "bench/", "fuzz/")


@dataclasses.dataclass(frozen=True)
class Pattern:
    rule: str
    regex: str
    message: str
    reason_allows: bool = False  # A comment beside it makes it good.
    only: tuple = ()             # Path prefixes; empty: everywhere.
    never: tuple = ()            # Path prefixes where it is allowed.
    line_allows: str = ""        # A match there or on the line above allows.


PATTERNS = [
    Pattern("sleep-in-test",
            r"\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(",
            "wait for a condition instead", only=_OUTSIDE),
    Pattern("logging",
            r"\bstd::(?:cout|cerr|clog)\b|\b[fvd]?v?printf\s*\(|"
            r"\bf?puts\s*\(|\bperror\s*\(|\bv?syslog\s*\(|\bLOG\s*\(",
            "libraries return; daemon and cli speak", never=_SPEAKS),
    Pattern("getenv", r"\b(?:secure_)?getenv\s*\(",
            "only daemon and cli read the environment", never=_SPEAKS),
    # Owned at once, as what a private constructor makes, is not naked; nor is
    # an object in memory that is there already.
    Pattern("naked-new",
            r"(?<!operator )\bnew\b(?!\s*\((?!\s*std::nothrow))",
            "use make_unique, or say why not", reason_allows=True,
            line_allows=r"unique_ptr<"),
    # An owner's deleter is the one place for these.
    Pattern("naked-delete", r"(?<!operator )\bdelete\b(?!\s*;)(?<!= delete)",
            "give it an owner, or say why not", reason_allows=True,
            line_allows=r"unique_ptr<|operator\(\)"),
    Pattern("naked-malloc",
            r"(?<![\w.>])(?:std::|::)?(?:malloc|calloc|realloc|free)\s*\(",
            "give it an owner, or say why not", reason_allows=True,
            line_allows=r"operator\(\)"),
    Pattern("goto", r"\bgoto\b", "say why", reason_allows=True),
    Pattern("catch-all", r"\bcatch\s*\(\s*\.\.\.\s*\)", "say why",
            reason_allows=True),
    Pattern("shared-ptr", r"\b(?:shared_ptr|make_shared)\b",
            "only the signature set is shared; say why this is",
            reason_allows=True, line_allows=r"SignatureSet"),
]

_CLASS = re.compile(
    r"\b(?:class|struct|enum class|union)\s+(?:\[\[\w+\]\]\s*)?"
    r"(?:GATEHOUSE_\w+(?:\([^)]*\))?\s+)?([A-Z]\w*)\s*(?:final\s*)?[:{]")
_FORBIDDEN_CLASS_WORD = re.compile(
    r"(?:Utils?|Helpers?|Common|Misc|Manager|Info|Context)(?![a-z])")
_SKIP = re.compile(r"\bGTEST_SKIP\s*\(|\bDISABLED_\w+")
_CONDITIONAL = re.compile(r"(?m)^[ \t]*#[ \t]*(?:if|ifdef|ifndef)\b")


def _has_reason(comments, code_lines, line):
    if comments.get(line, "").strip("/* "):
        return True
    above = line - 1  # The comment may end where the statement begins.
    return (above in comments and above >= 1
            and not code_lines[above - 1].strip())


def check_patterns(path, text, code, comments):
    code_lines = code.split("\n")
    for pattern in PATTERNS:
        if (pattern.only and not path.startswith(pattern.only)
                or path.startswith(pattern.never or "\0")
                or (path, pattern.rule) in ALLOWED):
            continue
        for match in re.finditer(pattern.regex, code):
            line = line_of(code, match.start())
            whole = code_lines[line - 1]
            if whole.lstrip().startswith("#"):
                continue
            around = "\n".join(code_lines[max(0, line - 2):line])
            if pattern.line_allows and re.search(pattern.line_allows, around):
                continue
            if pattern.reason_allows and _has_reason(comments, code_lines,
                                                     line):
                continue
            yield Finding(path, line, pattern.rule, pattern.message)


def check_functions(path, text, code):
    spans = functions(text)
    for function in spans:
        lines = function.last_line - function.first_line + 1
        if (lines > FUNCTION_LINES_MAX
                and (path, "long-function") not in ALLOWED):
            yield Finding(path, function.first_line, "long-function",
                          f"{function.name} has {lines} lines, "
                          f"{FUNCTION_LINES_MAX} may")
    for match in _CONDITIONAL.finditer(code):
        line = line_of(code, match.start())
        for function in spans:
            if function.first_line < line <= function.last_line:
                yield Finding(path, line, "conditional-in-function",
                              "platform code is a platform file")


def check_skips(path, text, code):
    """A skipped test says what it lacks, and only the machine may lack it."""
    for match in _SKIP.finditer(code):
        end = code.find(";", match.start())
        statement = text[match.start():end].lower()
        if "root" not in statement and "fanotify" not in statement:
            yield Finding(path, line_of(code, match.start()), "skipped-test",
                          "only for want of root or fanotify")


def check_nolint(path, comments):
    for line, comment in comments.items():
        at = comment.find("NOLINT")
        if at < 0:
            continue
        match = re.match(r"NOLINT(?:NEXTLINE|BEGIN|END)?(\([\w.,* -]+\))?(.*)",
                         comment[at:])
        has_reason = len(match.group(2).strip(" :.-*/")) >= 3
        around = comment[:at].strip("/* ") or comments.get(line - 1, "")
        is_end = comment[at:].startswith("NOLINTEND")
        if not match.group(1) or not (has_reason or around or is_end):
            yield Finding(path, line, "nolint",
                          "name the check and give the reason")


def check_names(path, code):
    if any(part in "/" + path for part in _APPLE_API):
        return
    for match in _CLASS.finditer(code):
        word = _FORBIDDEN_CLASS_WORD.search(match.group(1))
        if word:
            yield Finding(path, line_of(code, match.start()),
                          "vague-class-name",
                          f"'{word.group()}' in {match.group(1)}")


def check_header(path, text, code):
    if not re.search(r"(?m)^#pragma once$", text):
        yield Finding(path, 1, "no-pragma-once", "add it")
    if not text.startswith(("//", "/*")):
        yield Finding(path, 1, "no-opening-comment", "say what it is")
    if (re.search(r"\bvirtual\b", code) and not path.startswith(_OUTSIDE)
            and path not in VIRTUAL_INTERFACES):
        yield Finding(path, line_of(code, re.search(r"\bvirtual\b",
                                                    code).start()),
                      "virtual", "a new run-time interface is a decision")


def check(tree):
    for path in tree.cxx():
        text = tree.read(path)
        code = strip_cxx(text)
        comments = comments_by_line(text)
        yield from check_patterns(path, text, code, comments)
        yield from check_functions(path, text, code)
        yield from check_skips(path, text, code)
        yield from check_nolint(path, comments)
        yield from check_names(path, code)
        if path.endswith(".h"):
            yield from check_header(path, text, code)
