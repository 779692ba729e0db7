#!/usr/bin/env python3
"""Judges random expressions with this engine and with clamscan, and compares.

    compare_regexes.py --mdatp PROGRAM [--lines N] [--files N] [--seed N]

Each line is a logical signature with one PCRE subsignature: a random small
expression with random flags, offset and count. Each file is a short text over
the same few letters, so that much matches and much just does not. What the two
say of a file and a line differently is listed, with line and content, by
flags; the exit status is 1 if anything differs.
"""

import argparse
import collections
import pathlib
import random
import re
import sys
import tempfile

import compare_corpus

TRIGGER = "TRIG"
FLAGS = "gismxAEUre"
ATOMS = ["a", "b", "A", "ab", "ba", ".", "[ab]", "[^a]", r"\n", "c", r"\s"]
REPEATS = ["", "", "", "", "*", "+", "?", "{1,2}", "{2}", "*?", "+?"]


def expression(dice, depth=0):
    text = ""
    for _ in range(dice.randint(1, 3)):
        if depth < 2 and dice.random() < 0.15:
            inner = expression(dice, depth + 1)
            other = expression(dice, depth + 1)
            text += dice.choice([f"({inner})", f"({inner}|{other})"])
            # Repeats of repeats may reach a limit of either.
            text += dice.choice(["", "", "?", "{2}"])
        else:
            text += dice.choice(ATOMS)
            text += dice.choice(REPEATS)
        text += dice.choice(["", "", "", "", " "])
    if depth == 0:
        # clamscan never returns from a `g` that matches nothing.
        text += dice.choice("abA")
        text = dice.choice(["", "", "", "^"]) + text
        text += dice.choice(["", "", "", "$"])
    return text


def offset(dice):
    place = dice.randint(0, 40)
    shift = dice.choice([0, 1, 4, 10, 40])
    return dice.choice(["", "", "*:", f"{place}:", f"{place},{shift}:",
                        f"EOF-{place}:", f"EOF-{place},{shift}:"])


def line(dice, number):
    flags = "".join(flag for flag in FLAGS if dice.random() < 0.2)
    count = dice.choice(["1", "1", "1", "1>1", "1=2", "1=1"])
    return (f"L{number};Engine:81-255,Target:0;0&({count});"
            f"{TRIGGER.encode().hex()};"
            f"{offset(dice)}0/{expression(dice)}/{flags}")


def content(dice):
    letters = dice.choice(["ab", "abAB \n", "abc\n", "aaab", "aA \nbc"])
    text = "".join(dice.choice(letters) for _ in range(dice.randint(5, 60)))
    at = dice.choice([0, len(text), dice.randint(0, len(text))])
    return text[:at] + TRIGGER + text[at:]


def is_wrapped(line_text, file_text):
    """One byte in front of the file is anywhere to clamscan: -1 means that."""
    found = re.search(r"EOF-(\d+)[,:]", line_text)
    return found is not None and int(found[1]) == len(file_text) + 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mdatp", required=True)
    parser.add_argument("--lines", type=int, default=32)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    lines = [line(dice, number) for number in range(arguments.lines)]
    contents = {f"{n:06}": content(dice) for n in range(arguments.files)}
    with tempfile.TemporaryDirectory() as scratch:
        files = pathlib.Path(scratch, "files")
        definitions = pathlib.Path(scratch, "definitions")
        files.mkdir()
        definitions.mkdir()
        for name, text in contents.items():
            (files / name).write_text(text)
        (definitions / "regexes.ldb").write_text("\n".join(lines) + "\n")
        mine, unscanned, report = compare_corpus.ours(
            arguments.mdatp, definitions, files)
        theirs = compare_corpus.clamscan(definitions, files, [])
    agreed = both = wrapped = 0
    differing = collections.defaultdict(list)
    for name in contents:
        for number in range(arguments.lines):
            signature = f"L{number}"
            is_mine = signature in mine[name]
            if is_wrapped(lines[number], contents[name]):
                wrapped += 1
            elif is_mine == (signature in theirs[name]):
                agreed += 1
                both += is_mine
            else:
                differing[number].append((is_mine, name))
    for number, places in differing.items():
        is_mine, name = places[0]
        print(f"{'ours' if is_mine else 'clamscan'}\t{len(places)}\t"
              f"{lines[number]}\t{contents[name]!r}")
    print(f"seed {arguments.seed}: {report['loaded']} of {report['lines']} "
          f"lines, {len(contents)} files, agreed {agreed}, "
          f"of these matches {both}, left out {wrapped}, lines that differ {len(differing)}, "
          f"differences {sum(len(p) for p in differing.values())}, "
          f"not scanned {len(unscanned)}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
