#!/usr/bin/env python3
"""Who may ask for what, exactly; and nobody learns of what is another's."""

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import unittest

import gate

OWNER = 65534
OTHER = 65533
UNKNOWN = "00000000-0000-4000-8000-000000000000"
# What differs from one run to the next, whoever asks.
VOLATILE = ("definitions_updated_minutes_ago", "definitionsUpdatedMinutesAgo")


def frame(body):
    data = json.dumps(body).encode()
    return b"GH\x01\x00" + struct.pack("<I", len(data)) + data


class VisibilityTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        os.chmod(self.base, 0o755)
        os.chmod(self.fs, 0o1777)
        # Whoever may not enter the build folder needs a copy.
        self.program = os.path.join(self.base, "mdatp")
        shutil.copy(os.path.join(gate.BIN, "mdatp"), self.program)
        os.chmod(self.program, 0o755)
        self.daemon = self.start_daemon()

    def ask(self, user, *arguments):
        if user == 0:
            return gate.mdatp(self.daemon, *arguments)
        return gate.mdatp(self.daemon, *arguments, user=user,
                          program=self.program)

    def write_as(self, user, name, content=b""):
        subprocess.run(
            ["setpriv", "--reuid=%d" % user, "--regid=%d" % user,
             "--clear-groups", "sh", "-c", 'cat > "$1"', "sh",
             self.path(name)], input=gate.eicar() + content, check=True)

    def threat_of(self, user, name, status="quarantined", content=b""):
        """A new threat of that user; its id."""
        self.write_as(user, name, content)

        def found():
            return [threat["tracking_id"] for threat in
                    gate.threats(self.daemon)
                    if threat["path"] == self.path(name) and
                    threat["status"] == status]
        return gate.until(found, "%s is %s" % (name, status))[-1]

    # --- The matrix ---------------------------------------------------------

    def codes(self, expected, *arguments):
        """Exit codes for root, the owner of the threat, and another user."""
        told = [self.ask(user, *arguments) for user in (0, OWNER, OTHER)]
        self.assertEqual([one.code for one in told], list(expected), told)
        for one in told:
            if one.code == 4:
                self.assertRegex(one.err, r"\AError: only root may .*\n\Z")
                self.assertEqual(one.out, "")

    def test_every_command_for_root_the_owner_and_another(self):
        threat = self.threat_of(OWNER, "of-owner")
        tree = os.path.join(self.base, "tree")
        os.mkdir(tree)
        self.codes((0, 0, 0), "version")
        self.codes((0, 0, 0), "health")
        self.codes((0, 0, 0), "health", "--field", "healthy")
        for feature in ("help", "system_extensions", "kernel_features",
                        "event_losses", "antivirus"):
            self.codes((0, 0, 0), "health", "--details", feature)
        for feature in ("event_recording", "left_out"):
            self.codes((0, 4, 4), "health", "--details", feature)
        self.codes((0, 0, 0), "threat", "list")
        self.codes((0, 0, 5), "threat", "get", "--id", threat)
        self.codes((5, 5, 5), "threat", "get", "--id", UNKNOWN)
        self.codes((0, 0, 0), "threat", "quarantine", "list")
        self.codes((0, 0, 0), "threat", "policy", "list")
        self.codes((0, 4, 4), "threat", "policy", "set", "--type",
                   "archive_bomb", "--action", "audit")
        self.codes((0, 4, 4), "threat", "allowed", "list")
        self.codes((0, 4, 4), "threat", "allowed", "add", "--name", "A")
        self.codes((0, 4, 4), "threat", "allowed", "remove", "--name", "A")
        self.codes((5, 4, 4), "threat", "allowed", "remove", "--name", "A")
        for words in (("quarantine", "add"), ("quarantine", "remove"),
                      ("quarantine", "restore"), ("restore",),
                      ("restore", "threat-id"),
                      ("quarantine", "restore", "threat-id")):
            self.codes((5, 4, 4), "threat", *words, "--id", UNKNOWN)
        self.codes((1, 4, 4), "threat", "quarantine", "add", "--id", threat)
        self.codes((0, 4, 4), "threat", "restore", "threat-id", "--id", threat,
                   "--destination-path", tree)
        self.codes((5, 4, 4), "threat", "quarantine", "remove", "--id", threat)
        again = self.threat_of(OWNER, "again", content=b" ")
        self.codes((0, 4, 4), "threat", "quarantine", "restore", "threat-path",
                   "--path", self.path("again"), "--destination-path", tree)
        self.codes((5, 4, 4), "threat", "quarantine", "remove", "--id", again)
        last = self.threat_of(OWNER, "last", content=b"  ")
        self.codes((0, 4, 4), "threat", "quarantine", "remove", "--id", last)
        self.codes((0, 4, 4), "threat", "quarantine", "remove-all")
        self.codes((0, 0, 0), "exclusion", "list")
        for word, code in (("add", 0), ("remove", 0), ("remove", 5)):
            self.codes((code, 4, 4), "exclusion", "folder", word, "--path",
                       "/nowhere")
        self.codes((0, 4, 4), "config", "real-time-protection", "--value",
                   "enabled")
        self.codes((0, 0, 0), "system-extension", "status")
        self.codes((0, 4, 4), "system-extension", "approve")
        self.codes((0, 4, 4), "diagnostic", "real-time-protection-statistics")
        self.codes((0, 4, 4), "diagnostic", "hot-event-sources", "files",
                   "--time", "0")
        self.codes((0, 4, 4), "diagnostic", "event-provider-statistics")
        self.codes((1, 4, 4), "diagnostic", "record", "stop")
        empty = os.path.join(self.base, "empty")
        os.mkdir(empty)
        self.codes((0, 0, 0), "scan", "custom", "--path", empty)

    # --- The difference -----------------------------------------------------

    def everything(self, foreign_id, foreign_path):
        """All that the other user can be told, with what he might guess."""
        questions = [
            ("version",), ("health",), ("threat", "list"),
            ("threat", "quarantine", "list"), ("threat", "policy", "list"),
            ("threat", "allowed", "list"), ("exclusion", "list"),
            ("threat", "quarantine", "remove-all"),
            ("threat", "allowed", "add", "--name", "A"),
            ("system-extension", "status"),
            ("diagnostic", "event-provider-statistics"),
            ("diagnostic", "real-time-protection-statistics"),
            ("health", "--field", "isolations_pending"),
            ("health", "--field", "healthy"),
            ("threat", "restore", "threat-path", "--path", foreign_path),
            ("scan", "custom", "--path", foreign_path),
            ("scan", "custom", "--path", os.path.join(self.base, "own"))]
        questions += [("health", "--details", feature) for feature in (
            "system_extensions", "kernel_features", "event_recording",
            "event_losses", "left_out", "antivirus")]
        questions += [("threat", *words, "--id", foreign_id) for words in (
            ("get",), ("quarantine", "add"), ("quarantine", "remove"),
            ("quarantine", "restore", "threat-id"), ("restore", "threat-id"),
            ("restore",))]
        told = {}
        for question in questions:
            for output in ("text", "json"):
                answer = self.ask(OTHER, *question, "--output", output)
                told[question + (output,)] = (
                    answer.code, self.stable(answer.out), answer.err)
        for body in ({"command": "threat_get", "id": foreign_id},
                     {"command": "threat_list"}, {"command": "health"},
                     {"command": "quarantine_list"},
                     {"command": "quarantine_restore", "path": foreign_path}):
            told[json.dumps(body)] = self.stable(self.raw(body))
        return told

    def stable(self, text):
        if text.startswith("{"):
            with contextlib.suppress(ValueError):
                value = json.loads(text)
                for name in VOLATILE + ("scan_id", "startTime", "endTime"):
                    value.pop(name, None)
                return json.dumps(value)
        return "\n".join(line for line in text.split("\n")
                         if not line.startswith(VOLATILE))

    def raw(self, body):
        """The bytes of the protocol, asked for by the other user."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(OTHER)
            os.setuid(OTHER)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(os.path.join(self.daemon.run, "mdatp.sock"))
                client.sendall(frame(body))
                said = b""
                while part := client.recv(65536):
                    said += part
            os.write(writer, said)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        text = ""
        while said:
            size, = struct.unpack_from("<I", said, 4)
            text += self.stable(said[8:8 + size].decode()) + "\n"
            said = said[8 + size:]
        return text

    def test_the_threat_of_another_changes_nothing_that_one_is_told(self):
        own = os.path.join(self.base, "own")
        os.mkdir(own)
        gate.write_file(os.path.join(own, "clean"), b"clean")
        self.threat_of(OTHER, "of-other")
        hidden = self.path("hidden")
        os.mkdir(hidden, 0o700)
        os.chown(hidden, OWNER, OWNER)
        before = self.everything(UNKNOWN, os.path.join(hidden, "evil"))
        self.assertIn("of-other", before[("threat", "list", "json")][1])
        threat = self.threat_of(OWNER, "hidden/evil")
        self.assertEqual(len(gate.threats(self.daemon)), 2)
        after = self.everything(threat, os.path.join(hidden, "evil"))
        for question, answer in before.items():
            asked = question.replace(UNKNOWN, threat) if \
                isinstance(question, str) else tuple(
                    word.replace(UNKNOWN, threat) for word in question)
            expected = json.dumps(answer).replace(UNKNOWN, threat)
            self.assertEqual(json.dumps(after[asked]), expected, question)
        # The control: it is there, its owner sees it, and root sees both.
        self.assertEqual(self.ask(OWNER, "threat", "get", "--id", threat).code,
                         0)
        self.assertNotEqual(gate.health(self.daemon)["threatsIsolatedLate"],
                            None)

    def test_a_scan_of_another_adds_nothing_to_what_is_known_of_a_file(self):
        allowed = self.ask(0, "threat", "allowed", "add", "--name",
                           "Virus:DOS/EICAR_Test_File")
        self.assertEqual(allowed.code, 0, allowed)
        threat = self.threat_of(OWNER, "evil", status="allowed")
        before = self.ask(OWNER, "threat", "get", "--id", threat).out
        scan = self.ask(OTHER, "scan", "custom", "--path", self.path("evil"),
                        "--output", "json")
        self.assertEqual(scan.code, 0, scan)
        self.assertNotIn(threat, scan.out)
        self.assertEqual(self.ask(OWNER, "threat", "get", "--id", threat).out,
                         before)
        self.assertEqual(gate.threats(self.daemon, user=OTHER,
                                      program=self.program), [])


if __name__ == "__main__":
    gate.main()
