#!/usr/bin/env python3
"""mdatp definitions check: what signature files can be used for.

    definitions_test.py MDATP
"""

import unittest

import mdatp


class Check(mdatp.Case):
    def setUp(self):
        super().setUp()
        self.write("defs/a.ndb", b"A:0:*:aabbccddee\nB:0:*:aabbccddef:300\n")
        self.write("defs/b.ldb",
                   b"C;Engine:81-255,Target:0;0;aabbccddeeff\n"
                   b"D;Engine:81-255,Target:1,IconGroup1:X;0;aabbccddeeff\n")

    def check(self, *arguments):
        return mdatp.run("definitions", "check", "--path", self.path("defs"),
                         *arguments)

    def test_every_file_is_told_with_its_counts_and_reasons(self):
        finished = self.check("--strict")
        self.assertEqual(finished.code, 0, finished)
        self.assertEqual(finished.out.splitlines(), [
            "a.ndb: 2 line(s), 1 loaded, 1 skipped, 0 malformed",
            "\tfor another functionality level: 1",
            "b.ldb: 2 line(s), 1 loaded, 1 skipped, 0 malformed",
            "\tnot supported: icons: 1",
            "4 line(s), 2 loaded, 2 skipped, 0 malformed",
            "2 body signature(s), 0 hash(es), 0 of any size"])

    def test_as_json(self):
        report = self.check("--output", "json").json()
        self.assertEqual((report["lines"], report["loaded"],
                          report["skipped"]), (4, 2, 2))
        self.assertEqual(report["files"][1]["unsupported"],
                         {"not supported: icons": 1})
        self.assertEqual(report["files"][0]["skippedFor"]["level"], 1)

    def test_what_costs_much_is_told(self):
        self.assertEqual(
            self.check("--output", "json").json()["expensiveSignatures"], [])
        self.write("defs/c.ndb", b"Dear:0:*:0000\n")
        self.assertIn(
            "1 signature(s) would each cost more than 1 % of the time:\n"
            "  Dear: ", self.check().out)
        report = self.check("--output", "json").json()
        self.assertEqual([(one["name"], one["route"])
                          for one in report["expensiveSignatures"]],
                         [("Dear", "always")])

    def test_strict_refuses_what_is_malformed(self):
        self.write("defs/c.ndb", b"nonsense\n")
        self.assertEqual(self.check().code, 0)
        finished = self.check("--strict")
        self.assertEqual(finished.code, 1)
        self.assertIn("c.ndb:1: expected 4 to 6 fields", finished.err)

    def test_a_missing_folder_is_5(self):
        finished = mdatp.run("definitions", "check", "--path",
                             self.path("none"))
        self.assertEqual(finished.code, 5)


if __name__ == "__main__":
    mdatp.main()
