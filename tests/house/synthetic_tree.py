"""Runs a check over small synthetic trees: each rule must be able to fail.

A case is a sentence, the files that are added to a good tree, and the rules
that must be reported and no other; no rule means that nothing may be reported.
"""

import dataclasses
import pathlib
import tempfile

from source_tree import SourceTree


@dataclasses.dataclass(frozen=True)
class Case:
    sentence: str
    files: dict
    rules: object = ()  # One name, or a tuple of several.


def findings_of(check, files):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            content = text.encode() if isinstance(text, str) else text
            file.write_bytes(content)
            if text[:2] in ("#!", b"#!"):
                file.chmod(0o755)
        return check(SourceTree(folder))


def run(check, good_tree, cases):
    """Prints what went wrong; returns an exit code."""
    failures = 0
    for case in cases:
        found = findings_of(check, {**good_tree, **case.files})
        wanted = {case.rules} if isinstance(case.rules, str) else set(
            case.rules)
        if wanted != {f.rule for f in found}:
            failures += 1
            print(f"FAILED: {case.sentence}: wanted {wanted}, found:")
            print("\n".join(f"    {f}" for f in found) or "    nothing")
    print(f"self-test: {len(cases)} cases, {failures} failed")
    return 1 if failures else 0
