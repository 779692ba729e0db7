#!/usr/bin/env python3
"""mdatp scan custom --offline: hashes that allow, and hashes of any size.

    hash_test.py MDATP
"""

import hashlib
import json
import unittest

import mdatp
from mdatp import EICAR, EICAR_NAME

MARKED = b"please mark-me"
NDB = b"Test.Marker:0:*:6d61726b2d6d65\n"  # "mark-me"


def hash_line(content, name, size=None):
    digest = hashlib.md5(content).hexdigest()
    if size is None:
        size = len(content)
    return f"{digest}:{size}:{name}{':73' if size == '*' else ''}\n".encode()


class Allowed(mdatp.Case):
    def setUp(self):
        super().setUp()
        self.write("defs/a.ndb", NDB)
        self.write("tree/marked", MARKED)

    def scan(self, *arguments):
        return mdatp.scan(self.path("tree"), "--definitions",
                          self.path("defs"), "--fail-on-threat", *arguments)

    def test_a_file_that_a_hash_allows_is_clean_and_that_is_told(self):
        self.assertEqual(self.scan().code, 10)
        for name in ("a.fp", "a.sfp"):
            self.write(f"defs/{name}", hash_line(MARKED, "Known.Good"))
            finished = self.scan()
            self.assertEqual(finished.code, 0)
            self.assertEqual(
                finished.out,
                f"{self.path('tree/marked')}: Test.Marker ALLOWED by "
                "Known.Good\nScan has finished\n\t1 file(s) scanned\n"
                "\t0 threat(s) detected\n\t1 file(s) allowed by a hash\n")

    def test_it_is_listed_in_the_object(self):
        self.write("defs/a.fp", hash_line(MARKED, "Known.Good"))
        self.write("tree/clean", b"nothing")
        scan = json.loads(self.scan("--output", "json").out)
        self.assertEqual(scan["threats"], [])
        self.assertEqual(scan["allowed"], [
            {"path": self.path("tree/marked"), "name": "Test.Marker",
             "allowedBy": "Known.Good"}])
        self.assertEqual(scan["filesScanned"], 2)

    def test_another_content_is_not_allowed(self):
        self.write("defs/a.fp", hash_line(MARKED, "Known.Good"))
        self.write("tree/marked", MARKED + b".")
        finished = self.scan()
        self.assertEqual(finished.code, 10)
        self.assertIn("Test.Marker FOUND", finished.out)

    def test_the_test_file_is_never_allowed(self):
        self.write("defs/a.fp", hash_line(EICAR, "Known.Good"))
        self.write("tree/eicar", EICAR)
        self.assertIn(f"{EICAR_NAME} FOUND", self.scan().out)


class AnySize(mdatp.Case):
    def setUp(self):
        super().setUp()
        self.write("defs/a.hdb", hash_line(b"one", "Any.Size", "*") +
                   hash_line(b"two", "Of.One.Size"))
        self.write("tree/one", b"one")
        self.write("tree/two", b"two")

    def scan(self, *arguments):
        return mdatp.scan(self.path("tree"), "--definitions",
                          self.path("defs"), *arguments)

    def test_such_hashes_are_used(self):
        finished = self.scan()
        self.assertIn("Any.Size FOUND", finished.out)
        self.assertIn("Of.One.Size FOUND", finished.out)
        self.assertEqual(finished.err, "")

    def test_they_are_left_out_and_that_is_told(self):
        finished = self.scan("--no-any-size-hashes")
        self.assertNotIn("Any.Size", finished.out)
        self.assertIn("Of.One.Size FOUND", finished.out)
        self.assertEqual(finished.err, "Warning: 1 hash(es) left out: "
                                       "any-size hashes are switched off\n")

    def test_the_object_counts_them(self):
        def counts(*arguments):
            found = json.loads(self.scan("--output", "json", *arguments).out)
            found = found["definitions"]
            return [found[key] for key in (
                "loaded", "skipped", "anySizeHashes",
                "anySizeHashesSwitchedOff")]
        self.assertEqual(counts(), [2, 0, 1, 0])
        self.assertEqual(counts("--no-any-size-hashes"), [1, 1, 0, 1])

    def test_the_daemon_is_asked_by_its_configuration(self):
        finished = mdatp.run("scan", "custom", "--path", self.path("tree"),
                             "--no-any-size-hashes")
        self.assertEqual(finished.code, 2)
        self.assertIn("--offline", finished.err)


if __name__ == "__main__":
    mdatp.main()
