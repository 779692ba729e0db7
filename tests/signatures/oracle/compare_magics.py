#!/usr/bin/env python3
"""Compares what .ftm lines make of files, here and in clamscan.

    compare_magics.py --mdatp PROGRAM

Each case is one or two lines of an .ftm file; the files are text or bytes with
its magics at several places, and what target they count as is told by one
signature for each. clamscan forgets its own magics when there is an .ftm file,
which makes no difference to these files. What differs is listed; the exit status
is 1 if anything does.
"""

import argparse
import pathlib
import sys
import tempfile

import compare_corpus

LITERAL = b"literal"
MAGIC, OTHER = b"quazzy", b"zyxomm"
SIGNATURES = "".join(f"T{target}:{target}:*:{LITERAL.hex()}\n"
                     for target in (0, 1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14))
TYPES = ("MAIL", "PDF", "SWF", "JAVA", "GIF", "ELF", "MSOLE2", "MACHO",
         "TEXT_ASCII", "BINARY_DATA", "PYTHON_COMPILED", "SCRIPT")


def contents():
    made = {}
    for base, name in ((b"\0\1\xff\xfe", "bytes"),
                       (b"some words in a text\n", "text")):
        for at in (0, 4, 40, 1000, 1018, 1019, 1020):
            made[f"{name}-{at}"] = ((base * 300)[:at] + MAGIC + base * 80 +
                                    LITERAL + base)
        made[f"{name}-two"] = MAGIC + base * 5 + OTHER + base * 4 + LITERAL
        made[f"{name}-none"] = base * 90 + LITERAL + base
    return made


def line(kind, found, magic=MAGIC, offset=None, required="ANY"):
    offset = offset or ("*" if kind else "0")
    return (f"{kind}:{offset}:{magic.hex()}:N:CL_TYPE_{required}:"
            f"CL_TYPE_{found}\n")


def cases():
    made = [line(kind, found) for kind in (0, 1) for found in TYPES]
    made += [line(1, "MAIL", offset=offset) for offset in ("4", "4,40")]
    made += [line(kind, "MAIL", required=required) for kind in (0, 1)
             for required in ("TEXT_ASCII", "BINARY_DATA")]
    made += [line(kind, one) + line(kind, two) for kind in (0, 1)
             for one, two in (("MAIL", "PDF"), ("PDF", "MAIL"))]
    made += [line(1, one) + line(1, two, OTHER)
             for one, two in (("MAIL", "PDF"), ("PDF", "MAIL"))]
    made.append(line(0, "TEXT_ASCII") +
                line(1, "PDF", OTHER, required="TEXT_ASCII"))
    made.append(line(0, "PDF") + line(1, "MAIL", OTHER))
    return made


def judge(mdatp, case, files):
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch, "files")
        definitions = pathlib.Path(scratch, "definitions")
        folder.mkdir()
        definitions.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        (definitions / "a.ftm").write_text(case)
        (definitions / "a.ndb").write_text(SIGNATURES)
        return (compare_corpus.ours(mdatp, definitions, folder)[0],
                compare_corpus.clamscan(definitions, folder, []))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mdatp", required=True)
    arguments = parser.parse_args()
    files = contents()
    differing = 0
    for case in cases():
        mine, theirs = judge(arguments.mdatp, case, files)
        for name in files:
            if mine[name] != theirs[name]:
                differing += 1
                print(f"{case!r}\t{name}\tours {sorted(mine[name])}\t"
                      f"clamscan {sorted(theirs[name])}")
    print(f"{len(cases())} cases, {len(files)} files, differences {differing}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
