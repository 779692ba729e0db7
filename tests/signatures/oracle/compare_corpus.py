#!/usr/bin/env python3
"""Scans the same files with this engine and with clamscan, and compares.

    compare_corpus.py --mdatp PROGRAM --databases DIR [--databases DIR]...
                      [--files N] [--seed N] [--only-pe] PATH...
    compare_corpus.py --mdatp PROGRAM --probes ... PATH...

PATH is a file or a folder; of all the files below, N are chosen by the seed.
With --databases the signatures are the plain text databases of the folders.
With --probes they are made of the chosen files (corpus_probes.py), so that
every file is found by what its type, its sections and its entry point say.

clamscan runs three times: as it is, with its unpackers switched off but for
those of PE files, and with these switched off, too (with them go the digests of
sections). What only the unpackers find stands in something that is in the file,
and is not comparable yet. Of a file with very many names we tell some. What else differs is listed, and the exit
status is 1 if anything does.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import corpus_probes

FILE_BYTES_MAX = 20 << 20
DATABASES = {".ndb", ".ldb", ".db", ".hdb", ".hsb", ".mdb", ".msb", ".imp",
             ".fp", ".sfp", ".ign", ".ign2", ".ftm"}
CLAMSCAN = ["nice", "-n", "15", "clamscan", "--allmatch", "--no-summary",
            "--infected", "--heuristic-alerts=no", "--max-filesize=100M",
            "--max-scansize=400M", "--stdout", "--recursive"]
# How many names of bodies we keep (signatures/matched_ids.h).
NAMES_MAX = 32
NO_UNPACKING = ["--scan-" + what + "=no" for what in (
    "archive", "mail", "ole2", "pdf", "swf", "xmldocs", "hwp3", "onenote")]


def all_files(paths, only_pe):
    """Regular files, in an order that does not depend on the file system."""
    for path in sorted(paths):
        if os.path.isfile(path):
            yield path
        for folder, names, files in os.walk(path):
            names.sort()
            for name in sorted(files):
                file = os.path.join(folder, name)
                if os.path.islink(file) or not os.path.isfile(file):
                    continue
                if not 0 < os.path.getsize(file) <= FILE_BYTES_MAX:
                    continue
                if only_pe:
                    with open(file, "rb") as head:
                        if head.read(2) != b"MZ":
                            continue
                yield file


def stage(files, folder):
    """Copies, each under a number; returns {number: path}."""
    folder.mkdir()
    staged = {}
    for index, file in enumerate(files):
        number = f"{index:06}"
        shutil.copyfile(file, folder / number)
        staged[number] = file
    return staged


def gather(databases, folder):
    folder.mkdir()
    for database in databases:
        for file in sorted(pathlib.Path(database).iterdir()):
            if file.suffix.lower() in DATABASES:
                shutil.copyfile(file, folder / file.name)


def ours(mdatp, definitions, files):
    """File number: names. And what was not scanned: number: reason."""
    run = subprocess.run(
        [mdatp, "--output", "json", "scan", "custom", "--offline",
         "--definitions", definitions, "--cache-dir", "none", "--path", files],
        capture_output=True, check=True)
    result = json.loads(run.stdout)
    found = collections.defaultdict(set)
    for threat in result["threats"]:
        number = os.path.basename(threat["path"])
        found[number].add(threat["name"])
        for other in threat.get("otherNames", []):
            found[number].add(other["name"])
    for allowed in result["allowed"]:
        found[os.path.basename(allowed["path"])].discard(allowed["name"])
    unscanned = {os.path.basename(entry["path"]): entry["reason"]
                 for entry in result["notScanned"]}
    return found, unscanned, result["definitions"]


def clamscan(definitions, files, options):
    run = subprocess.run([*CLAMSCAN, *options, "-d", definitions, files],
                         capture_output=True, check=False)
    if run.returncode > 1:
        sys.exit(run.stderr.decode("latin-1"))
    found = collections.defaultdict(set)
    for line in run.stdout.decode("latin-1").split("\n"):
        if line.endswith(" FOUND"):
            path, _, name = line[:-len(" FOUND")].rpartition(": ")
            found[os.path.basename(path)].add(name.removesuffix(".UNOFFICIAL"))
    return found


def names_of_digests(definitions):
    """Names that need clamscan's reader of PE files."""
    names = set()
    for file in definitions.iterdir():
        if file.suffix.lower() in {".mdb", ".msb", ".imp"}:
            for line in file.read_text("latin-1").split("\n"):
                names.update(line.split(":")[2:3])
    return names


def compare(staged, mine, plain, full, bare, digests):
    """Counts by kind, and the lines that tell what differs."""
    counts = collections.Counter()
    lines = []
    for number, path in staged.items():
        counts["agreed"] += len(mine[number] & plain[number])
        for name in sorted(mine[number] - plain[number]):
            counts["only ours"] += 1
            lines.append(f"only ours\t{name}\t{path}")
        is_cut = len(mine[number]) >= NAMES_MAX
        for name in sorted(plain[number] - mine[number]):
            if name not in bare[number] | digests:
                counts["only when unpacked"] += 1
                continue
            if is_cut:
                counts["beyond our limit"] += 1
                continue
            counts["only clamscan"] += 1
            lines.append(f"only clamscan\t{name}\t{path}")
        counts["only when unpacked"] += len(
            full[number] - plain[number] - mine[number])
    return counts, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mdatp", required=True)
    parser.add_argument("--databases", action="append", default=[])
    parser.add_argument("--probes", action="store_true")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-pe", action="store_true")
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    if bool(arguments.databases) == arguments.probes:
        parser.error("either --databases or --probes")
    everything = list(all_files(arguments.paths, arguments.only_pe))
    chosen = random.Random(arguments.seed).sample(
        everything, min(arguments.files, len(everything)))
    with tempfile.TemporaryDirectory() as scratch:
        files = pathlib.Path(scratch, "files")
        definitions = pathlib.Path(scratch, "definitions")
        staged = stage(chosen, files)
        if arguments.probes:
            corpus_probes.write(files, definitions, arguments.seed)
        else:
            gather(arguments.databases, definitions)
        mine, unscanned, report = ours(arguments.mdatp, definitions, files)
        plain = clamscan(definitions, files, NO_UNPACKING)
        full = clamscan(definitions, files, [])
        bare = clamscan(definitions, files, [*NO_UNPACKING, "--scan-pe=no"])
        digests = names_of_digests(definitions)
    counts, lines = compare(staged, mine, plain, full, bare, digests)
    print("\n".join(lines))
    for number, reason in unscanned.items():
        print(f"not scanned\t{reason}\t{staged[number]}")
    print(f"seed {arguments.seed}: {len(staged)} of {len(everything)} files, "
          f"{report['loaded']} of {report['lines']} lines; "
          + ", ".join(f"{kind} {counts[kind]}" for kind in (
              "agreed", "only ours", "only clamscan", "only when unpacked",
              "beyond our limit"))
          + f", not scanned {len(unscanned)}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
