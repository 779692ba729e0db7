#!/usr/bin/env python3
"""Writes a C++ file that compiles only if our headers agree with the tables of
the ABI: values, fields in their order, and functions.

    make_abi_test.py OUTPUT.CC ES-ABI.TSV ES-ABI-LATER.TSV ES-LAYOUTS.TSV \\
        ES-FUNCTIONS.TSV
"""

import csv
import pathlib
import sys

# Rows that the tables have at least: an empty table would agree with anything.
ROWS_MIN = {"es-abi.tsv": 141, "es-abi-later.tsv": 60, "es-layouts.tsv": 300,
            "es-functions.tsv": 40}


def read_table(path):
    with open(path, newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    rows = list(csv.DictReader(lines, delimiter="\t"))
    if len(rows) < ROWS_MIN[pathlib.Path(path).name]:
        sys.exit("%s is not the table this was written for: %d rows" %
                 (path, len(rows)))
    return rows


def check_values(rows):
    for row in rows:
        yield "static_assert(%s == %s);" % (row["name"], row["value"])
        yield "static_assert(std::is_same_v<decltype(%s), %s>);" % (
            row["name"], row["kind"])


def check_layouts(rows):
    before = {}
    for row in rows:
        struct, field = row["struct"], row["field"]
        yield ("static_assert(std::is_same_v<std::remove_cvref_t<decltype("
               "std::declval<%s&>().%s)>, %s>);" % (struct, field, row["type"]))
        place = row["place"]
        offset = "offsetof(%s, %s)" % (struct, field)
        if place == "next" and struct in before:
            last = before[struct]
            yield ("static_assert(%s >= offsetof(%s, %s) + "
                   "sizeof(std::declval<%s&>().%s));" %
                   (offset, struct, last, struct, last))
        elif place in ("next", "*"):
            yield "static_assert(%s == 0);" % offset
        else:
            yield "static_assert(%s == offsetof(%s, %s));" % (
                offset, struct, place)
        before[struct] = field
    yield from check_ends(rows)


def check_ends(rows):
    """Nothing comes after the last field that the table knows."""
    last = {}
    for row in rows:
        if row["place"] == "next" or row["struct"] not in last:
            last[row["struct"]] = row["field"]
    overlaid = {row["struct"] for row in rows if row["place"] not in ("next",)}
    for struct, field in last.items():
        if struct in overlaid or struct == "es_message_t":
            continue  # A union may be longer than any one of its members.
        yield ("static_assert(sizeof(%s) - offsetof(%s, %s) - "
               "sizeof(std::declval<%s&>().%s) < alignof(%s));" %
               (struct, struct, field, struct, field, struct))


def check_functions(rows):
    for row in rows:
        yield "static_assert(std::is_same_v<decltype(%s), %s(%s)>);" % (
            row["name"], row["result"], row["parameters"])


def main():
    output = sys.argv[1]
    abi, later, layouts, functions = map(read_table, sys.argv[2:])
    lines = ["// Made by make_abi_test.py from the tables beside it.",
             "#include <EndpointSecurity/EndpointSecurity.h>",
             "#include <stddef.h>",
             "#include <type_traits>",
             "#include <utility>", ""]
    lines += check_values(abi + later)
    lines += check_layouts(layouts)
    lines += check_functions(functions)
    pathlib.Path(output).write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
