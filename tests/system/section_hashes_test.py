#!/usr/bin/env python3
"""Hashes of sections, of imports and of allowed files mean what the peer means.

Made PE files, most of them odd, and for each of them hashes of what a section
or an import text could be: as the headers say, rounded, and cut. Both scanners
must find the same of them.
"""

import collections
import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
SEED = int(os.environ.get("GATEHOUSE_SEED", "20261126"))
FILES = int(os.environ.get("GATEHOUSE_FILES", "400"))
HEADER = 0x80
OPTIONAL = HEADER + 24
OPTIONAL_BYTES = 96 + 16 * 8
FUNCTIONS = ("ExitProcess", "foo", "Bar_9", "a.b", "?Mangled@@", "A" * 300)
LIBRARIES = ("KERNEL32.dll", "a.OCX", "drv.sys", "noext", "x.y.dll")
DIGESTS = {"md5": hashlib.md5, "sha1": hashlib.sha1, "sha256": hashlib.sha256}
PLAIN_ALIGNMENT = 0x200

Section = collections.namedtuple("Section", "address address_bytes offset size")


class Made:
    """A PE file, and the hashes that could be meant of it."""

    def __init__(self, chance):
        self.chance = chance
        self.bytes = bytearray(chance.randbytes(chance.randint(0x1200, 0x3000)))
        self.alignment = chance.choice((PLAIN_ALIGNMENT,) * 4 +
                                       (0, 1, 0x10, 0x400, 0x1000))
        self.sections = [self.section(i)
                         for i in range(chance.choice((1, 1, 2, 3, 5)))]
        self.imports = self.put_imports() if chance.random() < 0.5 else None
        self.put_headers()

    def section(self, index):
        chance = self.chance
        offset = chance.choice((0x400, 0x600, 0x800, 0xa00, 0x1000))
        size = chance.choice((0x200, 0x200, 0x400, 0x600))
        if chance.random() < 0.3:
            offset = chance.choice((0x3ff, 0x401, 0x10, len(self.bytes) - 0x100,
                                    len(self.bytes), len(self.bytes) + 0x200))
        if chance.random() < 0.3:
            size = chance.choice((0, 1, 0x1ff, 0x201, 0x333, 0x10000))
        return Section(0x1000 * (index + 1), 0x1000, offset, size)

    def put(self, form, offset, *values):
        struct.pack_into("<" + form, self.bytes, offset, *values)

    def put_headers(self):
        table = OPTIONAL + OPTIONAL_BYTES
        imports = 0 if self.imports is None else self.sections[0].address
        self.bytes[:0x40] = bytes(0x40)
        self.bytes[HEADER:table] = bytes(table - HEADER)
        self.bytes[:2] = b"MZ"
        self.put("I", 0x3c, HEADER)
        self.put("4sHH", HEADER, b"PE", 0x14c, len(self.sections))
        self.put("HH", HEADER + 20, OPTIONAL_BYTES, 0x102)
        self.put("H", OPTIONAL, 0x10b)
        self.put("I", OPTIONAL + 16, self.chance.choice(
            (0x1010, 0x1010, 0x1010, 0x10, 0x9000)))
        self.put("II", OPTIONAL + 32, 0x1000, self.alignment)
        self.put("I", OPTIONAL + 60, 0x400)
        self.put("I", OPTIONAL + 92, 16)
        # The peer believes the table's size, which Windows ignores, and we do.
        self.put("II", OPTIONAL + 104, imports, 40 if imports else 0)
        for i, section in enumerate(self.sections):
            self.put("8sIIIIIIHHI", table + 40 * i, b".made",
                     section.address_bytes, section.address, section.size,
                     section.offset, 0, 0, 0, 0, 0)

    def put_imports(self):
        """Fills a plain first section with a table, and gives its text."""
        self.alignment = PLAIN_ALIGNMENT
        self.sections[0] = Section(0x1000, 0x1000, 0x400, 0x600)
        for i in range(1, len(self.sections)):
            self.sections[i] = Section(0x1000 * (i + 1), 0x1000, 0xa00, 0x200)
        base, address = 0x400, 0x1000
        self.bytes[base:base + 0x600] = bytes(0x600)
        library = self.chance.choice(LIBRARIES)
        functions = [f"own_{self.chance.getrandbits(64)}",
                     *self.chance.sample(FUNCTIONS, self.chance.randint(0, 2))]
        self.put("IIIII", base, address + 0x80, 0, 0, address + 0x60, 0)
        self.bytes[base + 0x60:base + 0x60 + len(library)] = library.encode()
        name = 0xc0
        for i, function in enumerate(functions):
            self.put("I", base + 0x80 + 4 * i, address + name)
            self.bytes[base + name + 2:base + name + 2 + len(function)] = (
                function.encode())
            name += len(function) + 4
        return library, functions

    def ranges(self):
        """What each section could be."""
        for section in self.sections:
            begin, end = section.offset, section.offset + section.size
            unit = self.alignment or 1
            for align in {unit, PLAIN_ALIGNMENT}:
                yield begin, end
                low = begin - begin % align
                yield low, low + (section.size + align - 1) // align * align

    def texts(self):
        if self.imports is None:
            return
        library, functions = (self.imports[0].lower(),
                              [f.lower() for f in self.imports[1]])
        for stem in {library, library.rsplit(".", 1)[0],
                     library.split(".", 1)[0]}:
            for length in (256, 300):
                yield ",".join(f"{stem}.{f[:length]}"
                               for f in functions).encode()


class Databases:
    """The lines of all made files, by kind."""

    def __init__(self, chance):
        self.chance = chance
        self.lines = collections.defaultdict(list)
        self.known = set()

    def add(self, kind, name, content, size=None):
        # Of two names of one digest the peer tells one.
        if (kind, content, size) in self.known:
            return
        self.known.add((kind, content, size))
        digest = self.chance.choice(list(DIGESTS.values()))(content)
        size = len(content) if size is None else size
        if size != "*" and self.chance.random() < 0.1:
            size = "*"
        fields = [digest.hexdigest(), str(size), name]
        if kind == "mdb":
            fields[:2] = fields[1::-1]
        if size == "*":
            fields.append("73")
        self.lines[kind].append(":".join(fields) + "\n")

    def add_file(self, number, made):
        for i, (begin, end) in enumerate(sorted(set(made.ranges()))):
            content = bytes(made.bytes[begin:end])
            if content:
                self.add("mdb", f"S{number}.{i}", content)
                if self.chance.random() < 0.2:
                    self.add("mdb", f"S{number}.{i}.size", content,
                             len(content) + 1)
        for i, text in enumerate(sorted(set(made.texts()))):
            self.add("imp", f"I{number}.{i}", text)
        whole = bytes(made.bytes)
        if self.chance.random() < 0.2:
            self.add("hdb", f"F{number}", whole)
        way = self.chance.random()
        if way < 0.2:
            self.add("fp", f"ok{number}", whole)
        elif way < 0.3:
            self.add("sfp", f"ok{number}", whole, len(whole) + 1)
        elif way < 0.4:
            self.add("fp", f"ok{number}", whole[:-1])

    def write(self, folder):
        for kind, lines in self.lines.items():
            with open(os.path.join(folder, "a." + kind), "w",
                      encoding="ascii") as file:
                file.writelines(lines)


def found_by_peer(databases, files):
    done = subprocess.run(
        ["clamscan", "--no-summary", "--allmatch", "-d", databases, files],
        capture_output=True, text=True, check=False)
    assert done.returncode < 2, done.stderr
    found = collections.defaultdict(set)
    for line in done.stdout.splitlines():
        if line.endswith(".UNOFFICIAL FOUND"):
            path, name = line[:-len(".UNOFFICIAL FOUND")].rsplit(": ", 1)
            found[os.path.basename(path)].add(name)
    return found


def found_by_us(databases, files):
    done = subprocess.run(
        [os.path.join(os.environ["GATEHOUSE_BIN"], "mdatp"), "scan", "custom",
         "--offline", "--path", files, "--definitions", databases, "--output",
         "json"], capture_output=True, text=True, check=True)
    scan = json.loads(done.stdout)
    found = collections.defaultdict(set)
    for threat in scan["threats"]:
        found[os.path.basename(threat["path"])] = {
            threat["name"],
            *(other["name"] for other in threat.get("otherNames", []))}
    return found, scan


class SectionHashesTest(unittest.TestCase):

    def setUp(self):
        base = tempfile.TemporaryDirectory(prefix="gatehouse-hashes-")
        self.addCleanup(base.cleanup)
        self.databases = os.path.join(base.name, "databases")
        self.files = os.path.join(base.name, "files")
        os.mkdir(self.databases)
        os.mkdir(self.files)

    def test_the_same_is_found_and_allowed(self):
        chance = random.Random(SEED)
        databases = Databases(chance)
        for number in range(FILES):
            made = Made(chance)
            databases.add_file(number, made)
            with open(os.path.join(self.files, str(number)), "wb") as file:
                file.write(made.bytes)
        databases.write(self.databases)
        ours, scan = found_by_us(self.databases, self.files)
        theirs = found_by_peer(self.databases, self.files)
        for number in range(FILES):
            name = str(number)
            self.assertEqual(ours[name], theirs[name],
                             f"seed {SEED}, file {name}")
        # Each kind was found at all, and each way to be missed was there.
        names = set().union(*theirs.values())
        for kind in "SIF":
            count = sum(name.startswith(kind) for name in names)
            self.assertGreater(count, FILES // 20, kind)
        lines = sum(map(len, databases.lines.values()))
        self.assertGreater(lines, 2 * len(names))
        self.assertGreater(len(scan["allowed"]), FILES // 20)
        self.assertEqual(scan["filesScanned"], FILES)
        print(f"{FILES} files, {lines} lines, {len(names)} names found, "
              f"{len(scan['allowed'])} files allowed")


if __name__ == "__main__":
    if shutil.which("clamscan") is None:
        print("needs clamscan, of the package clamav")
        sys.exit(SKIPPED)
    unittest.main()
