#!/usr/bin/env python3
"""mdatp threat against a daemon with canned answers.

    threat_test.py MDATP TEST_DAEMON
"""

import base64
import json
import os

import daemon_case
import mdatp

VIRUS = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
SCAN = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
NAME = "Virus:DOS/EICAR_Test_File"
DETECTED = "1672350517000"
EICAR = "EICAR-Test-File (not a virus)"


class Threats(daemon_case.Case):
    def block(self, threat_id):
        return (f'Id: "{threat_id}"\nName: {NAME}\nType: "virus"\n'
                "Detection time: Thu Dec 29 21:48:37 2022\n"
                'Status: "quarantined"\n')

    def test_list_is_blocks_of_five_lines(self):
        self.serve()
        self.assertEqual(self.text("threat", "list"),
                         self.block(VIRUS) + "\n" + self.block(OTHER))

    def test_an_empty_list_says_so(self):
        self.serve("empty")
        for words in (("threat", "list"), ("threat", "quarantine", "list")):
            self.assertEqual(self.text(*words), "No threats\n")
            self.assertEqual(json.loads(self.text(*words, "--output", "json")),
                             {"threats": {"scans": []}})

    def test_json_is_nested_below_scans(self):
        self.serve()
        scans = json.loads(self.text("threat", "list", "--output", "json"))
        scan, real_time = scans["threats"]["scans"]
        self.assertEqual((scan["scan_id"], scan["type"], scan["state"],
                          scan["startTime"], scan["filesScanned"]),
                         (SCAN, "custom", "Succeeded", DETECTED, 9))
        self.assertEqual(real_time["type"], "realTime")
        entry, = real_time["threats"]
        self.assertEqual(entry["threat"]["tracking_id"], VIRUS)
        self.assertEqual(entry["threat"]["name"], NAME)
        self.assertEqual(entry["threat"]["path"], "/data/eicar.com")
        # The present status is the value of the greatest key.
        self.assertEqual(
            max(entry["history"], key=lambda change: change["key"])["value"],
            "quarantined")
        self.assertEqual(entry["history"][0],
                         {"key": DETECTED, "value": "detected"})
        other, = scan["threats"]
        self.assertEqual(base64.b64decode(other["threat"]["pathBytes"]),
                         b"/data/\xff\n")

    def test_quarantine_list_knows_where_the_file_was(self):
        self.serve()
        self.assertEqual(
            self.text("threat", "quarantine", "list"),
            self.block(VIRUS) + 'Original path: "/data/eicar.com"\nSize: 68\n\n'
            + self.block(OTHER) + 'Original path: "/data/\\xff\\n"\nSize: 68\n')

    def test_get_shows_everything(self):
        self.serve()
        out = self.text("threat", "get", "--id", VIRUS.upper())
        self.assertTrue(out.startswith(self.block(VIRUS)))
        self.assertIn('\nPath: "/data/eicar.com"\n', out)
        self.assertIn('\tThu Dec 29 21:48:37 2022: "quarantined", by policy\n',
                      out)
        entry = json.loads(self.text("threat", "get", "--id", VIRUS,
                                     "--output", "json"))
        self.assertEqual(entry["threat"]["tracking_id"], VIRUS)

    def test_an_id_that_nobody_has_is_5(self):
        self.serve()
        for threat_id in (OTHER, "nonsense", ""):
            finished = self.run_mdatp("threat", "get", "--id", threat_id,
                                      "--output", "json")
            self.assertEqual(finished.code, 5)
            self.assertEqual(finished.json()["code"], 5)
            self.assertEqual(finished.json()["$type"], "error")

    def test_restore_hands_over_the_destination(self):
        self.serve()
        destination = self.make_directory("to here")
        for words in (("quarantine", "restore"), ("restore",)):
            restore = ("threat", *words, "threat-id", "--id", VIRUS)
            self.assertEqual(self.text(*restore),
                             'Threat restored to "/data/eicar.com"\n')
            self.assertEqual(
                self.text(*restore, "--destination-path", destination),
                f'Threat restored to "{destination}/eicar.com"\n')
        finished = self.run_mdatp(*restore, "--destination-path",
                                  self.path("none"))
        self.assertEqual(finished.code, 5)
        finished = self.run_mdatp(*restore, "--destination-path",
                                  self.write("file"))
        self.assertEqual(finished.code, 5)

    def test_get_shows_how_fast_it_was(self):
        self.serve()
        out = self.text("threat", "get", "--id", VIRUS)
        self.assertIn("\nIsolated in time: true\n", out)
        self.assertNotIn("after close", out)
        self.serve_other("closed")
        out = self.text("threat", "get", "--id", VIRUS)
        self.assertIn("\nIsolated after close: 3 ms\n", out)
        self.assertNotIn("in time", out)
        entry = json.loads(self.text("threat", "get", "--id", VIRUS,
                                     "--output", "json"))
        self.assertIsNone(entry["threat"]["isolated_in_time"])
        self.assertEqual(entry["threat"]["isolated_after_ms"], 3)

    def serve_other(self, behaviour):
        self.run_directory = self.make_directory("run-" + behaviour)
        self.serve(behaviour)


class Restore(daemon_case.Case):
    def restore(self, *arguments):
        return self.run_mdatp("threat", "quarantine", "restore", *arguments)

    def test_by_path_it_is_the_newest_and_says_so(self):
        self.serve()
        done = self.restore("threat-path", "--path", "/data/eicar.com")
        self.assertEqual((done.code, done.out),
                         (0, 'Threat restored to "/data/eicar.com"\n'))
        self.assertEqual(
            done.err, 'Warning: not given back: ["owner"]\n'
            "Warning: it was the newest; older files from that path "
            'are in quarantine: ["%s"]\n' % OTHER)
        answer = self.restore("threat-path", "--path", "/data/./eicar.com",
                              "--output", "json")
        self.assertEqual(answer.json(), {
            "$type": "restored", "id": VIRUS, "path": "/data/eicar.com",
            "other_ids": [OTHER], "not_given_back": ["owner"]})

    def test_a_path_that_nothing_had_is_5(self):
        self.serve()
        self.assertEqual(self.restore("threat-path", "--path", "/none").code, 5)

    def test_a_relative_path_is_one_of_this_folder(self):
        self.serve()
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        folder = self.make_directory("data")
        os.chdir(folder)
        self.assertEqual(self.restore("threat-path", "--path", "x").code, 5)
        os.chdir("/")
        self.assertEqual(
            self.restore("threat-path", "--path", "data/eicar.com").code, 0)

    def test_the_old_form(self):
        self.serve()
        destination = self.make_directory("to here")
        for words in ((), ("quarantine",)):
            restore = ("threat", *words, "restore", "--id", VIRUS)
            self.assertEqual(self.text(*restore),
                             'Threat restored to "/data/eicar.com"\n')
            self.assertEqual(
                self.text(*restore, "--path", destination),
                f'Threat restored to "{destination}/eicar.com"\n')
        self.assertIn("threat-path", self.text("threat", "restore"))

    def test_privileges_are_kept_when_asked_for(self):
        self.serve()
        for words in (("threat-id", "--id", VIRUS),
                      ("threat-path", "--path", "/data/eicar.com")):
            done = self.restore(*words, "--preserve-privileges")
            self.assertEqual(done.out, 'Threat restored to "/data/privileged"\n')

    def test_two_destinations_are_one_too_many(self):
        self.serve()
        done = self.restore("threat-id", "--id", VIRUS, "--path", "/a",
                            "--destination-path", "/b")
        self.assertEqual(done.code, 2)


class Quarantine(daemon_case.Case):
    def test_add_and_remove(self):
        self.serve()
        for word, text, kind in (
                ("add", "Threat quarantined\n", "quarantined"),
                ("remove", "Threat removed from quarantine\n", "removed")):
            arguments = ("threat", "quarantine", word, "--id", VIRUS)
            self.assertEqual(self.text(*arguments), text)
            self.assertEqual(
                json.loads(self.text(*arguments, "--output", "json")),
                {"$type": kind, "id": VIRUS})
            finished = self.run_mdatp("threat", "quarantine", word, "--id", "x")
            self.assertEqual(finished.code, 5)

    def test_remove_all(self):
        self.serve()
        arguments = ("threat", "quarantine", "remove-all")
        self.assertEqual(self.text(*arguments),
                         "2 threat(s) removed from quarantine\n")
        self.assertEqual(json.loads(self.text(*arguments, "--output", "json")),
                         {"$type": "removed", "ids": [VIRUS, OTHER]})

    def test_remove_all_of_nothing(self):
        self.serve("empty")
        self.assertEqual(self.text("threat", "quarantine", "remove-all"),
                         "0 threat(s) removed from quarantine\n")

    def test_what_could_not_be_removed_is_told(self):
        self.serve("hostile")
        finished = self.run_mdatp("threat", "quarantine", "remove-all")
        self.assertEqual((finished.code, finished.out), (1, ""))
        self.assertEqual(
            finished.err, "Error: 1 of 2 threats are still in quarantine: "
            "still open\\x1b[2J\n")


class Rules(daemon_case.Case):
    def test_allowed(self):
        self.serve()
        for word, text in (("add", "configured"), ("remove", "removed")):
            arguments = ("threat", "allowed", word, "--name", EICAR)
            self.assertEqual(self.text(*arguments),
                             "Allowed threat %s successfully\n" % text)
            self.assertEqual(
                json.loads(self.text(*arguments, "--output", "json")),
                {"$type": "configured", "name": EICAR,
                 "isAllowed": word == "add"})
        self.assertEqual(self.text("threat", "allowed", "list"),
                         "Name: %s [managed]\nName: B\n" % EICAR)
        self.assertEqual(
            json.loads(self.text("threat", "allowed", "list", "--output",
                                 "json")),
            {"$type": "allowedThreats", "allowedThreats": [
                {"name": EICAR, "isManaged": True},
                {"name": "B", "isManaged": False}]})

    def test_allowed_by_content(self):
        self.serve()
        digest = "a" * 64
        self.assertEqual(
            json.loads(self.text("threat", "allowed", "add", "--sha256", digest,
                                 "--expires", "2026-12-31", "--comment", "why",
                                 "--output", "json")),
            {"$type": "configured", "sha256": digest, "isAllowed": True,
             "expires": "1798675200000"})
        self.assertEqual(
            self.text("threat", "allowed", "remove", "--sha256", digest),
            "Allowed threat removed successfully\n")
        by = "2026-12-31T00:00:00Z by uid 0, pid 12, /usr/bin/mdatp\n"
        self.assertEqual(
            self.text("threat", "allowed", "list", "--history"),
            "SHA-256: %s\n\tExpires: 2026-12-31T23:59:59Z (expired)\n"
            "\tComment: ticket 7\n\tAdded: %s"
            "Change: added %s\tName: B\n\tComment: ticket 7\n"
            "Change: expired 2026-12-31T00:00:00Z\n\tName: B\n"
            "\tComment: ticket 7\n" % (digest, by, by))
        answer = json.loads(self.text("threat", "allowed", "list", "--history",
                                      "--output", "json"))
        self.assertEqual(answer["allowedThreats"][0]["sha256"], digest)
        self.assertEqual([change["change"] for change in answer["history"]],
                         ["added", "expired"])

    def test_nothing_allowed(self):
        self.serve("empty")
        self.assertEqual(self.text("threat", "allowed", "list"),
                         "No allowed threats\n")

    def test_a_name_cannot_change_the_terminal(self):
        self.serve("hostile")
        out = self.text("threat", "allowed", "list")
        self.assertNotIn("\x1b", out)
        self.assertEqual(out.count("\n"), 2)
        self.assertNotIn("\x1b", self.text("threat", "allowed", "list",
                                           "--history"))

    def test_policy(self):
        self.serve()
        self.assertEqual(
            self.text("threat", "policy", "set", "--type", "archive_bomb",
                      "--action", "off"), "Configuration property updated\n")
        self.assertEqual(
            self.text("threat", "policy", "list"),
            "%-44s: \"audit\"\n%-44s: \"block\" [managed]\n" %
            ("potentially_unwanted_application", "archive_bomb"))
        self.assertEqual(
            json.loads(self.text("threat", "policy", "list", "--output",
                                 "json")),
            {"$type": "threatPolicies", "threatPolicies": [
                {"type": "potentially_unwanted_application",
                 "action": "audit", "isManaged": False},
                {"type": "archive_bomb", "action": "block",
                 "isManaged": True}]})

    def test_wrong_words_are_2(self):
        self.serve()
        for arguments in (("policy", "set", "--type", "virus", "--action",
                           "off"),
                          ("policy", "set", "--type", "archive_bomb",
                           "--action", "allow"),
                          ("policy", "set", "--type", "archive_bomb"),
                          ("allowed", "add"), ("quarantine", "add"),
                          ("allowed", "add", "--comment", "x"),
                          ("allowed", "remove", "--name", "A", "--sha256",
                           "a" * 64),
                          ("allowed", "add", "--name", "A", "--expires",
                           "2026-12-31T12:00")):
            self.assertEqual(self.run_mdatp("threat", *arguments).code, 2,
                             arguments)


if __name__ == "__main__":
    mdatp.main()
