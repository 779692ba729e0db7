#!/usr/bin/env python3
"""mdatp diagnostic explain, with definitions of its own and a daemon with canned
answers.

    explain_test.py MDATP TEST_DAEMON
"""

import hashlib
import os
import re

import daemon_case
import mdatp

BINARY = b"\0\1\0\1"
FIRST = b"the first marker"
OTHER = b"and the other one"
LINES = (
    b"A.Two;Engine:81-255,Target:0;0&1;%s;0/%s/\n" % (FIRST.hex().encode(),
                                                     OTHER),
    b"A.Large;Engine:81-255,FileSize:1000-2000,Target:0;0;%s\n" %
    FIRST.hex().encode(),
    b"Evil\x1b[2J;Engine:81-255,Target:0;0&1;%s;0/nothing of that/\n" %
    FIRST.hex().encode())


class Explain(daemon_case.Case):
    def setUp(self):
        super().setUp()
        self.write("defs/some.ldb", b"".join(LINES))
        self.write("defs/some.ndb",
                   b"A.Program:1:*:%s\n" % FIRST.hex().encode())
        self.both = self.write("both", BINARY + FIRST + b", " + OTHER)
        self.near = self.write("near", BINARY + FIRST)

    def explain(self, path, *arguments, code=0):
        finished = self.run_mdatp(
            "diagnostic", "explain", "--path", path, "--definitions",
            self.path("defs"), "--cache-dir", "none", *arguments)
        self.assertEqual(finished.code, code, finished)
        return finished

    def json(self, path, *arguments):
        told = self.explain(path, "--output", "json", *arguments).json()
        self.assertTrue(told["agrees"])
        return told

    def test_a_match_with_its_places(self):
        told = self.json(self.both)
        self.assertEqual(told["verdict"]["kind"], "infected")
        self.assertEqual(told["verdict"]["name"], "A.Two")
        with open(self.both, "rb") as file:
            self.assertEqual(told["verdict"]["sha256"],
                             hashlib.sha256(file.read()).hexdigest())
        match, = told["matches"]
        self.assertEqual((match["name"], match["layerKind"], match["logic"]),
                         ("A.Two", "file", "0&1"))
        self.assertEqual(match["subsignatures"], [
            {"kind": "pattern", "matches": 1, "places": [4]},
            {"kind": "expression", "matches": 1, "places": [22]}])
        self.assertGreaterEqual(told["triggersSeen"], 1)
        self.assertGreaterEqual(told["subsignaturesTried"], 1)
        self.assertIn("confirmation", told["cpuTimeNs"])

    def test_near_misses_with_their_reasons(self):
        told = self.json(self.near)
        self.assertEqual(told["verdict"]["kind"], "clean")
        self.assertNotIn("allowedByAdministrators", told)
        self.assertEqual(told["matches"], [])
        near = {entry["name"]: entry for entry in told["nearMisses"]}
        self.assertEqual(near["A.Two"]["reasons"],
                         ["subsignature 1 (expression) was not found"])
        self.assertEqual(near["A.Large"]["failedGates"], [
            {"gate": "file_size", "text": "is 20, wants 1000 to 2000"}])
        self.assertEqual(near["A.Large"]["reasons"], [])
        self.assertNotIn("A.Program", near)

    def test_as_text_nothing_changes_the_terminal(self):
        out = self.explain(self.near).out
        self.assertNotIn("\x1b", out)
        self.assertIn("Verdict: clean\n", out)
        self.assertIn("\tEvil\\x1b[2J in file: 0&1\n", out)
        self.assertIn("\tA.Large in file: 0\n"
                      "\t\tgate file_size is 20, wants 1000 to 2000\n"
                      "\t\t0 pattern: 1 match(es) at 4\n", out)
        self.assertIn("\t\tbecause subsignature 1 (expression) was not found\n",
                      out)
        self.assertRegex(out, r"\nCPU time:\n\treading: \d+\.\d{3} ms\n")

    def test_a_signature_that_is_asked_for(self):
        told = self.json(self.near, "--signature", "A.Program.UNOFFICIAL")
        self.assertTrue(told["hasAskedSignature"])
        self.assertEqual(told["nearMisses"][0]["name"], "A.Program")
        self.assertEqual(told["nearMisses"][0]["failedGates"],
                         [{"gate": "target", "text": "is 14, wants 1"}])
        out = self.explain(self.near, "--signature", "None").out
        self.assertIn('Among those that are loaded is no signature "None"\n',
                      out)

    def test_the_output_is_limited(self):
        told = self.json(self.near, "--limit", "1")
        self.assertEqual(len(told["nearMisses"]), 1)
        self.assertEqual(told["nearMissesLeftOut"], 2)
        self.assertIn("Near misses: 3\n", self.explain(self.near, "--limit",
                                                       "0").out)

    def test_what_administrators_allowed_is_told(self):
        told = self.json(self.both)
        self.assertIn("problem", told["allowedByAdministrators"])
        self.serve()  # It allows "B" and an EICAR test file.
        told = self.json(self.both)
        self.assertEqual(told["allowedByAdministrators"],
                         {"content": False, "names": []})
        self.write("defs/b.ndb", b"B:0:*:%s\n" % OTHER.hex().encode())
        told = self.json(self.both)
        self.assertEqual(told["allowedByAdministrators"]["names"],
                         [{"name": "B"}])
        self.assertIn("Allowed by administrators: allowed names: B\n",
                      self.explain(self.both).out)

    def test_the_built_in_rule(self):
        eicar = self.write("eicar", mdatp.EICAR)
        finished = self.run_mdatp("diagnostic", "explain", "--path", eicar,
                                  "--definitions", "none")
        self.assertIn("Verdict: infected, %s\n" % mdatp.EICAR_NAME,
                      finished.out)
        self.assertIn("By a hash or the built-in rule: %s\n" %
                      mdatp.EICAR_NAME, finished.out)

    def test_definitions_of_which_nothing_is_usable_as_for_a_scan(self):
        self.write("useless/a.ndb", b"nonsense\n")
        errors = set()
        for command in (["diagnostic", "explain"],
                        ["scan", "custom", "--offline"]):
            finished = self.run_mdatp(
                *command, "--path", self.both, "--definitions",
                self.path("useless"), "--cache-dir", "none")
            self.assertEqual(finished.code, 1, finished)
            self.assertIn("no usable signature in", finished.err)
            errors.add(finished.err)
        self.assertEqual(len(errors), 1, errors)

    def test_what_the_definitions_allow(self):
        with open(self.both, "rb") as file:
            content = file.read()
        self.write("defs/some.fp", b"%s:%d:Known.Good\n" % (
            hashlib.md5(content).hexdigest().encode(), len(content)))
        out = self.explain(self.both).out
        self.assertIn("Verdict: clean, A.Two, allowed by Known.Good\n", out)

    def test_what_cannot_be_explained(self):
        self.explain(self.path("none"), code=5)
        self.explain(self.folder, code=1)
        os.mkfifo(self.path("fifo"))
        self.explain(self.path("fifo"), code=1)
        finished = self.run_mdatp("diagnostic", "explain")
        self.assertEqual(finished.code, 2)
        help_text = self.run_mdatp("diagnostic", "explain", "--help").out
        for option in ("--path", "--definitions", "--signature", "--limit"):
            self.assertTrue(re.search(option + r"\b", help_text), option)
        self.assertIn("freshclam", help_text)


if __name__ == "__main__":
    mdatp.main()
