#!/usr/bin/env python3
"""A content that an administrator allows by its SHA-256 is left alone until its
time has come or it is removed, and no other content ever is."""

import datetime
import hashlib
import json
import os
import signal
import unittest

import gate

MARKER = b"the marker of a tool that somebody needs"
GOOD = b"the tool that was looked at, with " + MARKER
OTHER = b"the tool that was not looked at, " + MARKER
LARGE = MARKER + b"\0" * (1 << 20)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def utc(seconds_from_now):
    moment = (datetime.datetime.now(datetime.timezone.utc) +
              datetime.timedelta(seconds=seconds_from_now))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class AllowedContentTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        definitions = os.path.join(self.base, "definitions")
        os.mkdir(definitions)
        gate.write_file(os.path.join(definitions, "some.ndb"),
                        b"Some.Tool:0:*:%s\n" % MARKER.hex().encode())
        self.arguments = ["--definitions", definitions]
        self.opener, = self.start_openers(1)

    def start(self):
        return self.start_daemon(self.arguments)

    def allowed(self, daemon, word, *arguments, code=0, **options):
        finished = gate.mdatp(daemon, "threat", "allowed", word, *arguments,
                              **options)
        self.assertEqual(finished.code, code, finished)
        return finished

    def keep(self, daemon, *entries):
        """What a daemon that is not running finds at its start."""
        self.assertEqual(daemon.stop(), 0)
        gate.write_file(os.path.join(daemon.state, "threat-rules.json"),
                        json.dumps({"allowedThreats": entries}).encode())
        return self.start()

    def opens(self, name, content):
        gate.write_file(self.path(name), content)
        return self.opener.open(self.path(name))["errno"]

    def statuses(self, daemon):
        return {os.path.basename(threat["path"]): threat["status"]
                for threat in gate.threats(daemon)}

    def until_status(self, daemon, name, status):
        gate.until(lambda: self.statuses(daemon).get(name) == status,
                   "%s is %s" % (name, status))

    def test_an_allowed_content_is_opened_and_no_other(self):
        daemon = self.start()
        self.allowed(daemon, "add", "--sha256", sha256(GOOD).upper(),
                     "--comment", "ticket 7")
        self.allowed(daemon, "add", "--sha256", sha256(LARGE))
        self.assertEqual(self.opens("tool", GOOD), 0)
        self.assertEqual(self.opens("large", LARGE), 0)
        self.until_status(daemon, "tool", "allowed")
        self.until_status(daemon, "large", "allowed")
        # By the name of the file or of the threat, nothing is allowed.
        os.mkdir(self.path("folder"))
        self.assertEqual(self.opens("folder/tool", OTHER), 1)
        gate.until(lambda: not os.path.exists(self.path("folder/tool")),
                   "isolated")
        scan = gate.mdatp(daemon, "scan", "custom", "--path", self.fs,
                          "--output", "json").json()
        left = {os.path.basename(entry["path"]): entry
                for entry in scan["notScanned"]}
        self.assertEqual(left["tool"]["reason"], "allowed_threat")
        self.assertEqual(left["tool"]["name"], "Some.Tool")
        self.assertEqual(left["tool"]["allowedBy"], sha256(GOOD))
        counters = daemon.settled_counters()
        self.assertGreaterEqual(counters["sink"]["allowedContents"], 2)

    def test_whoever_removes_it_has_it_judged_again(self):
        daemon = self.start()
        self.allowed(daemon, "add", "--sha256", sha256(GOOD))
        self.assertEqual(self.opens("tool", GOOD), 0)
        self.until_status(daemon, "tool", "allowed")
        os.kill(daemon.worker(), signal.SIGKILL)
        self.assertEqual(self.opener.open(self.path("tool"))["errno"], 0)
        self.assertEqual(daemon.stop(), 0)
        daemon = self.start()
        self.assertEqual(self.opener.open(self.path("tool"))["errno"], 0)
        self.allowed(daemon, "remove", "--sha256", sha256(GOOD))
        self.until_status(daemon, "tool", "quarantined")
        self.assertFalse(os.path.exists(self.path("tool")))
        self.assertEqual(self.opens("again", GOOD), 1)
        self.allowed(daemon, "remove", "--sha256", sha256(GOOD), code=5)

    def test_the_built_in_rule_can_be_allowed_by_content(self):
        daemon = self.start()
        self.allowed(daemon, "add", "--sha256", sha256(gate.eicar()))
        self.assertEqual(self.opens("eicar", gate.eicar()), 0)
        self.assertEqual(self.opens("longer", gate.eicar() + b" "), 1)

    def test_what_had_expired_before_the_start_is_denied(self):
        daemon = self.keep(
            self.start(),
            {"sha256": sha256(GOOD), "expires": utc(-1)},
            {"sha256": sha256(LARGE), "expires": utc(3600)},
            {"name": "Virus:DOS/EICAR_Test_File", "expires": utc(-1)})
        self.assertEqual(self.opens("tool", GOOD), 1)
        self.assertEqual(self.opens("large", LARGE), 0)
        self.assertEqual(self.opens("eicar", gate.eicar()), 1)
        daemon.wait_for_log("threat not allowed any more: it has expired "
                            'object="%s"' % sha256(GOOD))
        listed = self.allowed(daemon, "list").out
        self.assertEqual(listed.count(" (expired)\n"), 2, listed)
        health = gate.health(daemon)
        self.assertEqual((health["allowedThreatsCount"],
                          health["allowedThreatsExpired"]), (1, 2))
        # It is told once, and can be allowed anew.
        self.assertEqual(daemon.stop(), 0)
        told = daemon.log().count("it has expired")
        daemon = self.start()
        self.allowed(daemon, "add", "--sha256", sha256(GOOD))
        self.assertEqual(self.opens("tool", GOOD), 0)
        self.assertEqual(daemon.log().count("it has expired"), told)

    def test_it_expires_while_the_daemon_runs(self):
        daemon = self.start()
        self.allowed(daemon, "add", "--sha256", sha256(GOOD), "--expires",
                     utc(8))
        self.assertEqual(self.opens("tool", GOOD), 0)
        self.until_status(daemon, "tool", "allowed")
        # Without anybody who opens it.
        self.until_status(daemon, "tool", "quarantined")
        self.assertEqual(self.opens("again", GOOD), 1)
        last = self.allowed(daemon, "list", "--history", "--output",
                            "json").json()["history"][-1]
        self.assertEqual((last["change"], last["sha256"]),
                         ("expired", sha256(GOOD)))

    def test_who_did_what_is_kept_and_shown(self):
        daemon = self.start()
        digest = sha256(GOOD)
        self.allowed(daemon, "add", "--sha256", digest, "--comment", "why",
                     "--expires", "2199-12-31")
        self.allowed(daemon, "add", "--name", "Some.Tool.UNOFFICIAL")
        self.allowed(daemon, "remove", "--name", "Some.Tool")
        self.assertEqual(daemon.stop(), 0)
        daemon = self.start()
        answer = self.allowed(daemon, "list", "--history", "--output",
                              "json").json()
        entry, = answer["allowedThreats"]
        self.assertEqual((entry["sha256"], entry["comment"],
                          entry["isManaged"], entry["isExpired"]),
                         (digest, "why", False, False))
        self.assertEqual(entry["added"]["uid"], 0)
        self.assertTrue(entry["added"]["program"].endswith("/mdatp"), entry)
        self.assertEqual(
            [(change["change"], change.get("name", change.get("sha256")),
              change["by"]["uid"]) for change in answer["history"]],
            [("added", digest, 0), ("added", "Some.Tool.UNOFFICIAL", 0),
             ("removed", "Some.Tool.UNOFFICIAL", 0)])
        self.assertRegex(
            self.allowed(daemon, "list").out,
            r"^SHA-256: %s\n\tExpires: 2199-12-31T00:00:00Z\n\tComment: why\n"
            r"\tAdded: \S+ by uid 0, pid \d+, \S+/mdatp\n$" % digest)
        self.assertRegex(daemon.log(), r'threat allowed object="%s" .*uid="0" '
                         r'pid="\d+" program="\S+/mdatp"' % digest)

    def test_new_definitions_do_not_forget_it(self):
        daemon = self.start()
        self.allowed(daemon, "add", "--sha256", sha256(GOOD))
        gate.write_file(os.path.join(self.arguments[1], "more.ndb"),
                        b"Another:0:*:%s\n" % b"another marker".hex().encode())
        updated = gate.mdatp(daemon, "definitions", "update")
        self.assertIn("Definitions updated", updated.out)
        self.assertEqual(self.opens("tool", GOOD), 0)
        self.until_status(daemon, "tool", "allowed")
        self.assertEqual(self.opens("other", OTHER), 1)

    def test_only_root_may_change_it(self):
        daemon = self.start()
        for word in ("add", "remove"):
            self.allowed(daemon, word, "--sha256", sha256(GOOD), code=4,
                         user=65534)
        self.assertEqual(self.opens("tool", GOOD), 1)
        self.assertEqual(self.allowed(daemon, "list", "--history").out,
                         "No allowed threats\nNo changes\n")


if __name__ == "__main__":
    gate.main()
