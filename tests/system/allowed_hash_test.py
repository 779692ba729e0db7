#!/usr/bin/env python3
"""The daemon allows what a hash allows, and uses hashes of any size or not."""

import hashlib
import json
import os
import unittest

import gate

MARKER = b"the marker of a trojan"
GOOD = b"a file that is known to be good, with " + MARKER
EVIL = b"another one, with " + MARKER
ANY = b"content whose size nobody listed"


def md5(content):
    return hashlib.md5(content).hexdigest().encode()


class AllowedHashTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        self.definitions = os.path.join(self.base, "definitions")
        os.mkdir(self.definitions)
        self.define("some.ndb", b"Trojan:0:*:%s" % MARKER.hex().encode())
        self.define("some.fp", b"%s:%d:Known.Good" % (md5(GOOD), len(GOOD)))
        self.define("some.hdb", b"%s:*:Any.Size:73" % md5(ANY))

    def define(self, name, line):
        gate.write_file(os.path.join(self.definitions, name), line + b"\n")

    def start(self, own_keys):
        path = os.path.join(self.base, "managed.json")
        gate.write_file(path, json.dumps({"gatehouse": own_keys}).encode())
        return self.start_daemon(["--definitions", self.definitions,
                                  "--config", path])

    def test_what_a_hash_allows_is_opened_told_and_counted(self):
        daemon = self.start({})
        opener, = self.start_openers(1)
        gate.write_file(self.path("good"), GOOD)
        self.assertEqual(opener.open(self.path("good"))["bytes"], len(GOOD))
        gate.write_file(self.path("evil"), EVIL)
        gate.until(lambda: not os.path.exists(self.path("evil")), "isolated")
        scan = gate.mdatp(daemon, "scan", "custom", "--path", self.fs)
        self.assertIn("/good: Trojan ALLOWED by Known.Good\n", scan.out)
        self.assertIn("0 threat(s) detected\n\t1 file(s) allowed by a hash\n",
                      scan.out)
        counters = daemon.settled_counters()
        self.assertGreaterEqual(counters["sink"]["allowedByHash"], 1)
        self.assertEqual([threat["name"] for threat in gate.threats(daemon)],
                         ["Trojan"])

    def test_hashes_of_any_size_are_used(self):
        daemon = self.start({})
        gate.write_file(self.path("any"), ANY)
        gate.until(lambda: not os.path.exists(self.path("any")), "isolated")
        self.assertIn("every file is digested for hashes of any size hashes=\"1\"",
                      daemon.log())

    def test_hashes_of_any_size_are_left_out(self):
        daemon = self.start({"anySizeHashes": False})
        opener, = self.start_openers(1)
        gate.write_file(self.path("any"), ANY)
        self.assertEqual(opener.open(self.path("any"))["bytes"], len(ANY))
        self.assertIn("any-size hashes are switched off skipped=\"1\"",
                      daemon.log())
        scan = gate.mdatp(daemon, "scan", "custom", "--path", self.fs)
        self.assertIn("0 threat(s) detected", scan.out)


if __name__ == "__main__":
    unittest.main()
