"""Signatures made of the very files that they are to be found in.

For each file: a piece of it as a signature of target 0 and of each other
target (one of which is the file's type); of PE and ELF files what stands at
the entry point and at the start of each section, and of PE files the digest of
each section. Read with an own small parser, that believes good headers. What
one line looks for already, no other does: of many names of one thing only some
are told by either program.
"""

import hashlib
import random
import re
import struct

TARGETS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14)
PIECE_BYTES = 16


def piece_of(content, dice):
    """A place that text normalisers leave as it is, else any that is varied."""
    words = [m.start() for m in re.finditer(rb"[a-z0-9]{16}", content)]
    if words:
        return content[(at := dice.choice(words)):at + PIECE_BYTES]
    for _ in range(50):
        at = dice.randrange(max(1, len(content) - PIECE_BYTES))
        piece = content[at:at + PIECE_BYTES]
        if len(piece) == PIECE_BYTES and len(set(piece)) >= 8:
            return piece
    return None


def pe_places(content):
    """Of a PE file: [(offset field, place)], [(raw size, digest)]."""
    if content[:2] != b"MZ" or len(content) < 64:
        return [], []
    header = struct.unpack_from("<I", content, 60)[0]
    if content[header:header + 4] != b"PE\0\0":
        return [], []
    count, = struct.unpack_from("<H", content, header + 6)
    optional_bytes, = struct.unpack_from("<H", content, header + 20)
    entry, = struct.unpack_from("<I", content, header + 40)
    places, digests = [], []
    table = header + 24 + optional_bytes
    for index in range(min(count, 96)):
        fields = struct.unpack_from("<8sIIIIIIHHI", content, table + 40 * index)
        size, start, raw_size, raw = fields[1:5]
        if raw_size == 0:
            continue
        places.append((f"S{index}+0", raw))
        if start <= entry < start + max(size, raw_size):
            places.append(("EP+0", raw + entry - start))
        section = content[raw:raw + raw_size]
        if len(section) == raw_size:
            digests.append((raw_size, hashlib.md5(section).hexdigest()))
    return places, digests


def elf_places(content):
    """Of a 64-bit little-endian ELF file: [(offset field, place)]."""
    if content[:6] != b"\x7fELF\x02\x01" or len(content) < 64:
        return []
    entry, headers = struct.unpack_from("<QQ", content, 24)
    size, count = struct.unpack_from("<HH", content, 54)
    for index in range(min(count, 64)):
        at = headers + size * index
        if at + 56 > len(content):
            break
        kind, _, offset, address, _, file_bytes = struct.unpack_from(
            "<IIQQQQ", content, at)
        if kind == 1 and entry and address <= entry < address + file_bytes:
            return [("EP+0", offset + entry - address)]
    return []


def lines_of(number, content, dice):
    """.ndb lines and .mdb lines."""
    ndb, mdb = [], []
    piece = piece_of(content, dice)
    if piece:
        for target in TARGETS:
            ndb.append(f"F{number}.T{target}:{target}:*:{piece.hex()}")
        at = content.find(piece)
        ndb.append(f"F{number}.At:0:{at}:{piece.hex()}")
        ndb.append(f"F{number}.End:0:EOF-{len(content) - at}:{piece.hex()}")
    pe, digests = pe_places(content)
    for target, places in ((1, pe), (6, elf_places(content))):
        for offset, place in places:
            there = content[place:place + PIECE_BYTES]
            if len(there) == PIECE_BYTES and len(set(there)) >= 4:
                ndb.append(f"F{number}.{offset}:{target}:{offset}:{there.hex()}")
    for index, (size, digest) in enumerate(digests):
        mdb.append(f"{size}:{digest}:F{number}.Section{index}")
    return ndb, mdb


def write(files, folder, seed):
    dice = random.Random(seed)
    folder.mkdir()
    ndb, mdb = {}, {}  # By what is looked for.
    for file in sorted(files.iterdir()):
        bodies, sections = lines_of(file.name, file.read_bytes(), dice)
        for line in bodies:
            ndb.setdefault(line.split(":", 1)[1], line)
        for line in sections:
            mdb.setdefault(line.rsplit(":", 1)[0], line)
    for name, lines in (("probes.ndb", ndb), ("probes.mdb", mdb)):
        if lines:
            (folder / name).write_text("\n".join(lines.values()) + "\n")
