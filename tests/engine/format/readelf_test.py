#!/usr/bin/env python3
"""Compares the facts of this system's ELF files with what readelf says.

usage: readelf_test.py PRINT_ELF_FACTS
"""

import pathlib
import re
import subprocess
import sys

FILES_MAX = 60
FILES_MIN = 5  # Fewer would prove nothing.
BYTES_MAX = 4_000_000


def elf_files():
    """Some ELF files of the directories that every Linux system has."""
    found = []
    for path in sorted(pathlib.Path("/usr/bin").iterdir()):
        if not path.is_file() or path.stat().st_size > BYTES_MAX:
            continue
        try:
            with path.open("rb") as file:
                is_elf = file.read(4) == b"\x7fELF"
        except PermissionError:
            continue
        if is_elf and " " not in str(path):
            found.append(str(path))
    return found[::max(1, len(found) // FILES_MAX)]


def run(*command):
    return subprocess.run(command, check=True, text=True, errors="replace",
                          capture_output=True).stdout


def readelf_facts(path):
    """The entry point's file offset and the sections, by readelf."""
    text = run("readelf", "-hlSW", path)
    entry = int(re.search(r"Entry point address:\s+(0x[0-9a-f]+)", text)[1], 16)
    offset = 0
    for segment in re.finditer(
            r"^  (?:\w+)\s+0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ "
            r"0x[0-9a-f]+ 0x([0-9a-f]+)", text, re.M):
        start, address, size = (int(part, 16) for part in segment.groups())
        if entry != 0 and address <= entry < address + size:
            offset = entry - address + start
            break
    sections = [
        tuple(int(part, 16) for part in section.groups())
        for section in re.finditer(
            r"^  \[ *\d+\] .*? ([0-9a-f]{8,16}) ([0-9a-f]{6,}) ([0-9a-f]{6,}) ",
            text, re.M)]
    return offset, sections


def our_facts(program, paths):
    facts = {}
    for line in run(program, *paths).splitlines():
        if line.startswith(" "):
            sections.append(tuple(int(part, 16) for part in line.split()))
            continue
        path, is_valid, offset = line.rsplit(" ", 2)
        sections = []
        facts[path] = (is_valid == "1", int(offset), sections)
    return facts


def main():
    program = sys.argv[1]
    paths = elf_files()
    assert len(paths) >= FILES_MIN, f"only {len(paths)} ELF files in /usr/bin"
    ours = our_facts(program, paths)
    wrong = 0
    for path in paths:
        offset, sections = readelf_facts(path)
        if ours[path] != (True, offset, sections):
            wrong += 1
            print(f"{path}: readelf {offset} {sections}, we {ours[path]}")
    print(f"{len(paths)} files, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
