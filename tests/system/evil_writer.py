#!/usr/bin/env python3
"""A program of its own that writes EICAR files and clean ones, and reads them.

evil_writer.py DIRECTORY NAME [COUNT]

Writes COUNT of each, or goes on until its standard input ends. Each EICAR file
has an end of its own (white space, which the rule allows), so that none can be
taken for another. Prints one JSON object: what it wrote and what it could read.
"""

import errno
import json
import os
import select
import sys

HEAD = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EIC"
TAIL = b"AR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
DIGITS = b" \t\r\n"
END_DIGITS = 16


def end_of(name, number):
    """White space that says which file this is."""
    value = (sum(ord(c) << (5 * i) for i, c in enumerate(name)) << 16) + number
    return bytes(DIGITS[(value >> (2 * i)) & 3] for i in range(2 * END_DIGITS))


def read(path, seen, kind):
    try:
        with open(path, "rb") as file:
            content = file.read()
        seen[kind + "_opened"] += 1
        return content
    except PermissionError as error:
        key = "_denied" if error.errno == errno.EPERM else "_errors"
        seen[kind + key] += 1
    except FileNotFoundError:
        seen[kind + "_gone"] += 1
    return None


def is_asked_to_stop():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def main():
    directory, name = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else None
    seen = {kind + what: 0 for kind in ("evil", "clean")
            for what in ("_opened", "_denied", "_gone", "_errors")}
    seen["clean_wrong"] = 0
    written = {}
    number = 0
    while number < count if count is not None else not is_asked_to_stop():
        evil = os.path.join(directory, "evil-%s-%d" % (name, number))
        content = HEAD + TAIL + end_of(name, number)
        with open(evil, "xb", buffering=0) as file:
            file.write(content)
            if number % 2 == 0:  # While its writer has it open.
                read(evil, seen, "evil")
        written[evil] = content.hex()
        if number % 3 == 0:
            read(evil, seen, "evil")
        clean = os.path.join(directory, "clean-%s-%d" % (name, number % 50))
        with open(clean, "wb") as file:
            file.write(b"harmless %d\n" % number)
        if read(clean, seen, "clean") != b"harmless %d\n" % number:
            seen["clean_wrong"] += 1
        number += 1
    print(json.dumps({"written": written, "seen": seen}))


if __name__ == "__main__":
    main()
