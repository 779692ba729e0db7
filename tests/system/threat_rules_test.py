#!/usr/bin/env python3
"""What an administrator allows is left alone, and nothing else is."""

import json
import os
import unittest

import gate

EICAR = "Virus:DOS/EICAR_Test_File"
TOOL = b"the marker of a tool that is allowed"
EVIL = b"the marker of a trojan that is not"
SIGNATURES = ((b"A.Tool", TOOL), (b"PUA.Win.Tool", b"an unwanted marker"),
              (b"Z.Trojan", EVIL))


class ThreatRulesTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        definitions = os.path.join(self.base, "definitions")
        os.mkdir(definitions)
        gate.write_file(os.path.join(definitions, "some.ndb"), b"".join(
            name + b":0:*:" + marker.hex().encode() + b"\n"
            for name, marker in SIGNATURES))
        self.arguments = ["--definitions", definitions]

    def start(self, configuration=None):
        arguments = list(self.arguments)
        if configuration is not None:
            path = os.path.join(self.base, "managed.json")
            gate.write_file(path, json.dumps(
                {"antivirusEngine": configuration}).encode())
            arguments += ["--config", path]
        return self.start_daemon(arguments)

    def done(self, daemon, *arguments):
        finished = gate.mdatp(daemon, "threat", *arguments)
        self.assertEqual(finished.code, 0, finished)
        return finished

    def refused(self, daemon, code, text, *arguments):
        finished = gate.mdatp(daemon, "threat", *arguments)
        self.assertEqual(finished.code, code, finished)
        self.assertIn(text, finished.err)

    def listed(self, daemon):
        return [(os.path.basename(threat["path"]), threat["name"],
                 threat["status"]) for threat in gate.threats(daemon)]

    def until_listed(self, daemon, *expected):
        gate.until(lambda: self.listed(daemon) == list(expected),
                   "listed: %r" % (expected,))

    def test_an_allowed_name_is_left_alone_until_it_is_not(self):
        daemon = self.start()
        opener, = self.start_openers(1)
        self.done(daemon, "allowed", "add", "--name", EICAR)
        gate.write_file(self.path("eicar"), gate.eicar())
        for _ in range(5):
            self.assertEqual(opener.open(self.path("eicar"))["bytes"], 68)
        self.until_listed(daemon, ("eicar", EICAR, "allowed"))
        scan = gate.mdatp(daemon, "scan", "custom", "--path", self.fs)
        self.assertIn("allowed_threat NOT SCANNED", scan.out)
        self.assertIn("0 threat(s) detected", scan.out)
        # The next worker knows it, too.
        os.kill(daemon.worker(), 9)
        self.assertEqual(opener.open(self.path("eicar"))["bytes"], 68)
        counters = daemon.settled_counters()
        self.assertGreaterEqual(
            counters["auth"]["allowedNotScanned"]["allowed_threat"], 6)
        self.assertGreaterEqual(counters["sink"]["allowedThreats"], 7)
        self.assertEqual(counters["sink"]["detectionsOnOpen"], 0)
        self.assertEqual(self.listed(daemon), [("eicar", EICAR, "allowed")])
        # Without the name it is judged again, though nobody opens it.
        self.done(daemon, "allowed", "remove", "--name", EICAR)
        self.until_listed(daemon, ("eicar", EICAR, "quarantined"))
        self.assertFalse(os.path.exists(self.path("eicar")))
        self.assertEqual(opener.open(self.path("eicar"))["errno"], 2)
        self.assertIn("threat allowed object=", daemon.log())

    def test_it_is_found_at_the_next_open_where_it_cannot_be_found(self):
        daemon = self.start()
        opener, = self.start_openers(1)
        self.done(daemon, "allowed", "add", "--name", EICAR)
        gate.write_file(self.path("eicar"), gate.eicar())
        self.until_listed(daemon, ("eicar", EICAR, "allowed"))
        os.rename(self.path("eicar"), self.path("moved"))
        self.done(daemon, "allowed", "remove", "--name", EICAR)
        self.assertEqual(opener.open(self.path("moved"))["errno"], 1)
        gate.until(lambda: not os.path.exists(self.path("moved")), "gone")

    def test_nothing_hides_behind_an_allowed_name(self):
        daemon = self.start()
        opener, = self.start_openers(1)
        self.done(daemon, "allowed", "add", "--name", "A.Tool")
        gate.write_file(self.path("tool"), TOOL)
        self.assertEqual(opener.open(self.path("tool"))["errno"], 0)
        self.until_listed(daemon, ("tool", "A.Tool", "allowed"))
        gate.write_file(self.path("both"), TOOL + EVIL)
        self.until_listed(daemon, ("tool", "A.Tool", "allowed"),
                          ("both", "Z.Trojan", "quarantined"))
        self.assertFalse(os.path.exists(self.path("both")))

    def test_an_unwanted_application_is_what_the_policy_says(self):
        daemon = self.start()
        opener, = self.start_openers(1)
        path = self.path("tool")
        gate.write_file(path, SIGNATURES[1][1])
        self.assertEqual(opener.open(path)["errno"], 0)
        self.until_listed(daemon, ("tool", "PUA.Win.Tool", "detected"))
        threat, = gate.threats(daemon)
        self.assertEqual(threat["type"], "potentially_unwanted_application")
        scan = gate.mdatp(daemon, "scan", "custom", "--path", self.fs)
        self.assertIn("PUA.Win.Tool FOUND, detected", scan.out)
        self.assertTrue(os.path.exists(path))
        kind = ("--type", "potentially_unwanted_application")
        self.done(daemon, "policy", "set", *kind, "--action", "off")
        gate.write_file(self.path("other"), SIGNATURES[1][1])
        self.assertEqual(opener.open(self.path("other"))["errno"], 0)
        scan = gate.mdatp(daemon, "scan", "custom", "--path", self.fs)
        self.assertEqual(scan.out.count("threat_type_off NOT SCANNED"), 2)
        counters = daemon.settled_counters()
        self.assertGreaterEqual(
            counters["auth"]["allowedNotScanned"]["threat_type_off"], 1)
        self.assertEqual(len(gate.threats(daemon)), 1)
        self.done(daemon, "policy", "set", *kind, "--action", "block")
        self.assertEqual(opener.open(self.path("other"))["errno"], 1)
        gate.until(lambda: os.listdir(self.fs) == [], "both are gone")

    def test_what_the_managed_configuration_forbids(self):
        daemon = self.start({
            "allowedThreats": ["A.Tool"],
            "disallowedThreatActions": ["allow", "restore"],
            "threatTypeSettings": [{"key": "archive_bomb", "value": "block"}],
            "scanResultsRetentionDays": 30})
        gate.write_file(self.path("eicar"), gate.eicar())
        self.until_listed(daemon, ("eicar", EICAR, "quarantined"))
        threat, = gate.threats(daemon)
        managed = "managed configuration"
        self.refused(daemon, 4, managed, "allowed", "add", "--name", EICAR)
        self.refused(daemon, 4, managed, "allowed", "remove", "--name",
                     "A.Tool")
        self.refused(daemon, 4, managed, "policy", "set", "--type",
                     "archive_bomb", "--action", "off")
        self.refused(daemon, 4, managed, "restore", "threat-id", "--id",
                     threat["tracking_id"])
        self.refused(daemon, 4, managed, "restore", "threat-path", "--path",
                     threat["path"])
        self.assertEqual(self.done(daemon, "allowed", "list").out,
                         "Name: A.Tool [managed]\n")
        self.assertIn('"block" [managed]',
                      self.done(daemon, "policy", "list").out)
        details = gate.mdatp(daemon, "health", "--details", "antivirus")
        self.assertRegex(
            details.out, r"scan_results_retention_days +: 30 \[managed\]\n")
        self.assertRegex(details.out,
                         r"scan_history_maximum_items +: 10000\n")

    def test_a_threat_that_was_left_can_be_put_into_quarantine(self):
        daemon = self.start()
        self.done(daemon, "allowed", "add", "--name", EICAR)
        for name in ("one", "two", "moved", "other"):
            gate.write_file(self.path(name), gate.eicar())
        gate.until(lambda: len(gate.threats(daemon)) == 4, "all are listed")
        ids = {os.path.basename(threat["path"]): threat["tracking_id"]
               for threat in gate.threats(daemon)}
        self.done(daemon, "quarantine", "add", "--id", ids["one"])
        self.assertFalse(os.path.exists(self.path("one")))
        self.assertTrue(os.path.exists(self.path("two")))
        self.refused(daemon, 1, "it is 'quarantined'", "quarantine", "add",
                     "--id", ids["one"])
        # By the id that it had before.
        self.done(daemon, "restore", "threat-id", "--id", ids["one"])
        # Not another file, whatever its name.
        os.rename(self.path("moved"), self.path("elsewhere"))
        self.refused(daemon, 5, "not there any more", "quarantine", "add",
                     "--id", ids["moved"])
        os.unlink(self.path("other"))
        gate.write_file(self.path("other"), b"harmless")
        self.refused(daemon, 5, "not there any more", "quarantine", "add",
                     "--id", ids["other"])
        # Nor one that is harmless now.
        gate.write_file(self.path("two"), b"harmless")
        self.refused(daemon, 1, "not malicious any more", "quarantine", "add",
                     "--id", ids["two"])
        self.assertTrue(os.path.exists(self.path("two")))

    def test_files_of_one_path_are_restored_one_by_one(self):
        daemon = self.start()
        out = os.path.join(self.base, "out")
        os.mkdir(out)
        for number in range(3):
            gate.write_file(self.path("eicar"), gate.eicar() + b" " * number)
            gate.until(lambda: [threat["status"] for threat in
                                gate.threats(daemon)] ==
                       ["quarantined"] * (number + 1), "isolated")
        older, old, newest = (threat["tracking_id"]
                              for threat in gate.threats(daemon))
        by_path = ("restore", "threat-path", "--path", self.path("eicar"))
        first = self.done(daemon, "quarantine", *by_path, "--output", "json",
                          "--destination-path", out).json()
        self.assertEqual(first["id"], newest)
        self.assertEqual(first["other_ids"], [old, older])
        self.assertEqual(os.path.getsize(os.path.join(out, "eicar")), 70)
        second = self.done(daemon, *by_path)
        self.assertIn(older, second.err)
        self.assertEqual(os.path.getsize(self.path("eicar")), 69)
        self.refused(daemon, 1, "exists", *by_path)
        self.refused(daemon, 5, "nothing in quarantine", "restore",
                     "threat-path", "--path", "/none")
        # The old form, and no more of that path.
        folder = os.path.join(out, "more")
        os.mkdir(folder)
        self.done(daemon, "restore", "--id", older, "--path", folder)
        self.assertEqual(os.listdir(folder), ["eicar"])
        self.refused(daemon, 5, "nothing in quarantine", *by_path)

    def test_all_of_quarantine_can_be_removed(self):
        daemon = self.start()
        for number in range(5):
            gate.write_file(self.path("eicar-%d" % number), gate.eicar())
        gate.until(lambda: [threat["status"] for threat in
                            gate.threats(daemon)] == ["quarantined"] * 5,
                   "all are isolated")
        removed = self.done(daemon, "quarantine", "remove-all")
        self.assertEqual(removed.out, "5 threat(s) removed from quarantine\n")
        self.assertEqual({threat["status"] for threat in gate.threats(daemon)},
                         {"removed"})
        self.assertEqual(os.listdir(os.path.join(daemon.state, "vault",
                                                 "data")), [])
        again = self.done(daemon, "quarantine", "remove-all")
        self.assertEqual(again.out, "0 threat(s) removed from quarantine\n")


if __name__ == "__main__":
    gate.main()
