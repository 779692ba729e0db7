#!/usr/bin/env python3
"""Signatures made at run time are found exactly, by real opens: planted at the
start, at the end and across every power of two; twins that differ in one bit
are clean."""

import hashlib
import os

import gate

MARKERS = 20
MARKER_BYTES = 24
HASHES = 5
BORDER_MAX = 4 << 20


class MarkerTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        self.random = gate.seeded_random()
        self.definitions = os.path.join(self.base, "definitions")
        os.mkdir(self.definitions)

    def make_markers(self):
        markers = [self.random.randbytes(MARKER_BYTES)
                   for _ in range(MARKERS)]
        with open(os.path.join(self.definitions, "markers.ndb"), "w") as file:
            for index, marker in enumerate(markers):
                file.write("Test.Marker-%d:0:*:%s\n" % (index, marker.hex()))
        return markers

    def make_hashes(self):
        contents = [self.random.randbytes(self.random.randrange(1, 5000))
                    for _ in range(HASHES)]
        with open(os.path.join(self.definitions, "hashes.hdb"), "w") as file:
            for index, content in enumerate(contents):
                file.write("%s:%d:Test.Hash-%d\n" %
                           (hashlib.md5(content).hexdigest(), len(content),
                            index))
        return contents

    def places(self):
        """(file size, offset of the marker) for each case."""
        yield 10_000, 0
        yield 10_000, 10_000 - MARKER_BYTES
        border = 32
        while border <= BORDER_MAX:
            for before in (1, MARKER_BYTES // 2, MARKER_BYTES - 1):
                yield border + 1000, border - before
            border *= 2

    def one_bit_off(self, data):
        twin = bytearray(data)
        twin[self.random.randrange(len(data))] ^= \
            1 << self.random.randrange(8)
        return bytes(twin)

    def test_planted_signatures_are_denied_and_their_twins_are_not(self):
        markers = self.make_markers()
        contents = self.make_hashes()
        noise = self.random.randbytes(BORDER_MAX + 1000)
        daemon = self.start_daemon(["--definitions", self.definitions,
                                    "--no-quarantine"])
        opener, = self.start_openers(1)
        cases = 0
        for size, offset in self.places():
            for marker in markers:
                for found, planted in ((True, marker),
                                       (False, self.one_bit_off(marker))):
                    data = bytearray(noise[:size])
                    data[offset:offset + MARKER_BYTES] = planted
                    self.check(opener, bytes(data), found, (size, offset))
                cases += 1
        for index, content in enumerate(contents):
            self.check(opener, content, True, ("hash", index))
            self.check(opener, self.one_bit_off(content), False,
                       ("hash twin", index))
        print(cases, "markers planted", flush=True)
        self.assertEqual(
            sum(daemon.settled_counters()["auth"]["allowedNotScanned"].values()), 0)

    def check(self, opener, data, found, case):
        path = self.path("case")
        gate.write_file(path, data)
        answer = opener.open(path)
        self.assertEqual(answer["errno"], 1 if found else 0, case)
        os.unlink(path)


if __name__ == "__main__":
    gate.main()
