#!/usr/bin/env python3
"""Acceptance: random markers are found exactly, their twins are clean.

    marker_corpus_test.py MDATP [SEED]

Twenty random 24-byte .ndb markers and five hash lines are made at run time and
planted at the start, at the end and across every power of two up to 4 MiB.
Each infected file has a twin that differs in one bit. The seed is printed.
"""

import hashlib
import os
import random
import sys

import mdatp

MARKERS = 20
MARKER_BYTES = 24
HASHES = 5
BORDER_MAX = 4 << 20

seed = int(sys.argv.pop(2)) if len(sys.argv) > 2 else random.SystemRandom().getrandbits(32)
print(f"seed {seed}", flush=True)


class MarkerCorpus(mdatp.Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(seed)
        self.expected = {}
        self.files = 0

    def plant(self, name, content, place, marker_bytes, threat):
        """Writes an infected file and its clean twin."""
        self.expected[self.write(f"corpus/{name}", content)] = threat
        twin = bytearray(content)
        bit = self.random.randrange(8 * marker_bytes)
        twin[place + bit // 8] ^= 1 << (bit % 8)
        self.write(f"corpus/{name}.twin", bytes(twin))
        self.files += 2

    def plant_marker(self, label, number, marker, before, after):
        content = (self.random.randbytes(before) + marker
                   + self.random.randbytes(after))
        self.plant(f"{number}/{label}", content, before, len(marker),
                   f"Marker.{number}")

    def plant_hashes(self):
        lines = []
        for number in range(HASHES):
            content = self.random.randbytes(1 + self.random.randrange(600000))
            algorithm = ("md5", "sha1", "sha256")[number % 3]
            digest = hashlib.new(algorithm, content).hexdigest()
            size = "*" if number == 4 else str(len(content))
            level = ":73" if number == 4 else ""
            lines.append(f"{digest}:{size}:Hash.{number}{level}\n")
            self.plant(f"hash{number}", content, 0, len(content),
                       f"Hash.{number}")
        self.write("definitions/hashes.hdb", "".join(lines).encode())

    def test_markers_are_found_and_twins_are_clean(self):
        markers = [self.random.randbytes(MARKER_BYTES) for _ in range(MARKERS)]
        self.write("definitions/markers.ndb", "".join(
            f"Marker.{number}:0:*:{marker.hex()}\n"
            for number, marker in enumerate(markers)).encode())
        borders = [1 << power for power in range(5, BORDER_MAX.bit_length())]
        for number, marker in enumerate(markers):
            filling = self.random.randrange(1, 5000)
            self.plant_marker("start", number, marker, 0, filling)
            self.plant_marker("end", number, marker, filling, 0)
            self.plant_marker("alone", number, marker, 0, 0)
            # Every border is met by some marker, large ones by one or two.
            for index, border in enumerate(borders):
                if border > 65536 and index % MARKERS != number:
                    continue
                before = border - 1 - self.random.randrange(MARKER_BYTES - 1)
                self.plant_marker(f"border{border}", number, marker, before,
                                  self.random.randrange(100))
        self.plant_hashes()

        scan = mdatp.scan_json(self.path("corpus"), "--definitions",
                               self.path("definitions"))
        found = {t["path"]: t["name"] for t in scan["threats"]}
        self.assertEqual(found, self.expected, f"seed {seed}")
        self.assertEqual(scan["filesScanned"], self.files)
        self.assertEqual(scan["bytesScanned"], sum(
            os.path.getsize(os.path.join(parent, name))
            for parent, _, names in os.walk(self.path("corpus"))
            for name in names))
        self.assertEqual(scan["errors"], [])
        self.assertEqual(scan["notScanned"], [])
        self.assertEqual(scan["definitions"]["loaded"], MARKERS + HASHES)


if __name__ == "__main__":
    mdatp.main()
