#!/usr/bin/env python3
"""Writes a C++ file that compiles only if our headers agree with es-abi.tsv.

    make_abi_test.py ES-ABI.TSV OUTPUT.CC

Every name of the table must have its value, except those below, which must
not exist at all: whoever declares one takes it off the list.
"""

import csv
import pathlib
import sys

NOT_DECLARED_YET = {
    "ES_CLEAR_CACHE_RESULT_SUCCESS",
    "ES_CLEAR_CACHE_RESULT_ERR_INTERNAL",
    "ES_CLEAR_CACHE_RESULT_ERR_THROTTLE",
    "ES_MUTE_PATH_TYPE_PREFIX",
    "ES_MUTE_PATH_TYPE_LITERAL",
    "ES_MUTE_PATH_TYPE_TARGET_PREFIX",
    "ES_MUTE_PATH_TYPE_TARGET_LITERAL",
    "ES_DESTINATION_TYPE_EXISTING_FILE",
    "ES_DESTINATION_TYPE_NEW_PATH",
}


def read_table(path):
    with open(path, newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def main():
    rows = read_table(sys.argv[1])
    names = {row["name"] for row in rows}
    unknown = NOT_DECLARED_YET - names
    if unknown or len(names) != len(rows) or len(rows) < 100:
        print("es-abi.tsv is not the table this was written for:",
              sorted(unknown), len(names), "names in", len(rows), "rows")
        return 1
    lines = ["// Made by make_abi_test.py from es-abi.tsv.",
             "#include <EndpointSecurity/EndpointSecurity.h>",
             "#include <type_traits>", ""]
    for row in rows:
        if row["name"] in NOT_DECLARED_YET:
            # Clashes with a declaration in our headers.
            lines.append("extern int %s;" % row["name"])
            continue
        lines.append("static_assert(%s == %s);" % (row["name"], row["value"]))
        lines.append("static_assert(std::is_same_v<decltype(%s), %s>);" %
                     (row["name"], row["kind"]))
    pathlib.Path(sys.argv[2]).write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
