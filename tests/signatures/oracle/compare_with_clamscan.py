#!/usr/bin/env python3
"""Shows clamscan the files that make_instances made of a database.

    compare_with_clamscan.py DATABASE DIRECTORY

DIRECTORY is what make_instances wrote for DATABASE. Every LINE.match must be
reported under the name of its line, and no LINE.broken. What differs is
listed; the exit status is 1 if more than 1 % does.
"""

import argparse
import collections
import pathlib
import subprocess
import sys

OPTIONS = ["--allmatch", "--no-summary", "--max-filesize=100M",
           "--max-scansize=400M", "--alert-exceeds-max=no"]


def read_index(directory):
    rows = {}
    for line in (directory / "index.tsv").read_text("latin-1").split("\n"):
        if line:
            number, name, _, status, reason = line.split("\t")
            rows[number] = (name, status, reason)
    return rows


def scan(database, directory):
    """File name: the names that clamscan reports for it."""
    run = subprocess.run(["clamscan", *OPTIONS, "-d", database, directory],
                         capture_output=True, check=False)
    if run.returncode > 1:
        sys.exit(run.stderr.decode("latin-1"))
    found = collections.defaultdict(set)
    for line in run.stdout.decode("latin-1").split("\n"):
        if line.endswith(" FOUND"):
            path, _, name = line[:-len(" FOUND")].rpartition(": ")
            found[path.rsplit("/", 1)[-1]].add(
                name.removesuffix(".UNOFFICIAL"))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database")
    parser.add_argument("directory", type=pathlib.Path)
    arguments = parser.parse_args()
    rows = read_index(arguments.directory)
    found = scan(arguments.database, arguments.directory)
    unmakeable = collections.Counter()
    made = broken = missed = wrong = 0
    for number, (name, status, reason) in rows.items():
        if status == "unmakeable":
            unmakeable[reason] += 1
            continue
        made += 1
        broken += status == "match"
        if name not in found[number + ".match"]:
            missed += 1
            print(f"missed\t{number}\t{name}")
        if name in found[number + ".broken"]:
            wrong += 1
            print(f"wrong\t{number}\t{name}")
    for reason, count in unmakeable.most_common():
        print(f"unmakeable\t{count}\t{reason}")
    print(f"lines {len(rows)}, made {made}, reported {made - missed}, "
          f"broken {broken}, wrongly reported {wrong}")
    return 1 if (missed + wrong) * 100 > made else 0


if __name__ == "__main__":
    sys.exit(main())
