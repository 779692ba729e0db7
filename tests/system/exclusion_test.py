#!/usr/bin/env python3
"""What is excluded is not judged; nothing else can pretend to be."""

import json
import os
import shutil
import subprocess
import unittest

import gate

NOBODY = 65534


class ExclusionTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        os.chmod(self.base, 0o755)
        os.chmod(self.fs, 0o1777)
        self.folder = self.path("folder")
        os.mkdir(self.folder)
        self.inside = os.path.join(self.folder, "evil")
        self.outside = self.path("evil")
        for path in (self.inside, self.outside):
            gate.write_file(path, gate.eicar())

    def change(self, daemon, *words, **options):
        return gate.mdatp(daemon, "exclusion", *words, **options)

    def changed(self, daemon, *words):
        done = self.change(daemon, *words)
        self.assertEqual(done.code, 0, done)
        return done.out.strip()

    def read(self, path, before=()):
        """The exit code of a program that reads the file."""
        return subprocess.run([*before, "cat", path],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode

    def start(self, *arguments):
        return self.start_daemon(["--no-quarantine", *arguments])

    def test_a_folder_is_excluded_and_nothing_beside_it(self):
        daemon = self.start()
        self.assertEqual(self.read(self.inside), 1)
        self.assertEqual(
            self.changed(daemon, "folder", "add", "--path", self.folder + "/"),
            "Folder exclusion configured successfully")
        self.assertEqual(self.read(self.inside), 0)
        self.assertEqual(self.read(self.outside), 1)
        counters = daemon.settled_counters()
        self.assertEqual(counters["auth"]["allowedNotScanned"]["excluded"], 1)
        self.assertEqual(gate.health(daemon)["exclusionsCount"], 1)
        # The next worker, and the next daemon, know it too.
        for _ in range(10):
            os.kill(gate.until(daemon.worker, "there is a worker"), 9)
            self.assertEqual(self.read(self.inside), 0)
            self.assertEqual(self.read(self.outside), 1)
        self.assertEqual(daemon.stop(), 0)
        again = self.start()
        self.assertEqual(self.read(self.inside), 0)
        self.assertEqual(
            self.changed(again, "folder", "remove", "--path", self.folder),
            "Folder exclusion removed successfully")
        self.assertEqual(self.read(self.inside), 1)
        self.assertEqual(gate.health(again)["exclusionsCount"], 0)

    def test_each_kind(self):
        daemon = self.start()
        other = self.path("evil.test")
        gate.write_file(other, gate.eicar())
        for words, path, others in (
                (("file", "--path", self.outside), self.outside, self.inside),
                (("file", "--path", self.path("ev?l")), self.outside,
                 self.inside),
                (("extension", "--name", "test"), other, self.outside),
                (("folder", "--path", self.path("*")), self.inside,
                 self.outside)):
            with self.subTest(words):
                self.assertEqual(self.read(path), 1)
                self.changed(daemon, words[0], "add", *words[1:])
                self.assertEqual(self.read(path), 0)
                self.assertEqual(self.read(others), 1)
                self.changed(daemon, words[0], "remove", *words[1:])
                self.assertEqual(self.read(path), 1)

    def test_a_process_is_excluded_in_what_it_opens_but_not_in_what_it_runs(self):
        daemon = self.start()
        cat = os.path.realpath(shutil.which("cat"))
        head = shutil.which("head")
        self.changed(daemon, "process", "add", "--path", cat)
        self.assertEqual(self.read(self.outside), 0)
        self.assertEqual(subprocess.run([head, self.outside],
                                        capture_output=True).returncode, 1)
        self.changed(daemon, "process", "add", "--name", "hea?")
        self.assertEqual(subprocess.run([head, self.outside],
                                        capture_output=True).returncode, 0)
        shell = os.path.realpath(shutil.which("sh"))
        self.changed(daemon, "process", "add", "--path", shell)
        os.chmod(self.outside, 0o755)
        self.assertEqual(subprocess.run(["sh", "-c", self.outside],
                                        capture_output=True).returncode, 126)

    def test_what_is_written_to_it_is_not_judged_on_close(self):
        daemon = self.start()
        before = daemon.counters()["sink"]["detectionsOnClose"]
        self.changed(daemon, "folder", "add", "--path", self.folder)
        gate.write_file(os.path.join(self.folder, "new"), gate.eicar())
        gate.until(lambda: daemon.counters()["adapter"]["excludedCloses"] == 1,
                   "the close is seen")
        self.assertEqual(daemon.counters()["sink"]["detectionsOnClose"],
                         before)

    def test_another_namespace_cannot_pretend(self):
        """A file is excluded by where it is, not by what its path says."""
        daemon = self.start()
        self.changed(daemon, "folder", "add", "--path", self.folder)
        hidden = self.path("hidden")
        os.mkdir(hidden)
        os.link(self.outside, os.path.join(hidden, "evil"))
        rebind = ["unshare", "-m", "sh", "-c",
                  'mount --bind "$0" "$1" && shift && exec "$@"', hidden,
                  self.folder]
        self.assertEqual(self.read(self.inside), 0, "the control")
        self.assertEqual(self.read(self.inside, rebind), 1)
        # Nor can it run as an excluded program.
        program = self.path("program")
        shutil.copy("/bin/true", program)
        self.changed(daemon, "process", "add", "--path", program)
        shutil.copy(shutil.which("cat"), self.path("mine"))
        pretend = ["unshare", "-m", "sh", "-c",
                   'mount --bind "$0" "$1" && exec "$1" "$2"',
                   self.path("mine"), program, self.outside]
        self.assertEqual(subprocess.run(pretend, capture_output=True).returncode,
                         1)
        # As the program itself it may.
        shutil.copy(shutil.which("cat"), self.path("copy"))
        os.rename(self.path("copy"), program)
        self.assertEqual(subprocess.run([program, self.outside],
                                        capture_output=True).returncode, 0)

    def test_scans_on_demand_leave_it_out_and_say_so(self):
        daemon = self.start()
        self.changed(daemon, "folder", "add", "--path", self.folder)

        def scanned(*options):
            return gate.mdatp(daemon, "scan", "custom", "--path", self.fs,
                              "--no-quarantine", "--fail-on-threat", *options)
        done = scanned()
        self.assertEqual(done.code, 10)
        self.assertIn("1 threat(s)", done.out)
        self.assertIn("excluded", done.out + done.err)
        self.assertIn("2 threat(s)", scanned("--ignore-exclusions").out)
        # Of global scope: real time only.
        self.changed(daemon, "folder", "remove", "--path", self.folder)
        self.changed(daemon, "folder", "add", "--path", self.folder,
                     "--scope", "global")
        self.assertEqual(self.read(self.inside), 0)
        self.assertIn("2 threat(s)", scanned().out)
        # Nothing but what is excluded is missing: no code 11.
        self.changed(daemon, "folder", "add", "--path", self.folder)
        clean = gate.mdatp(daemon, "scan", "custom", "--path", self.folder,
                           "--fail-on-threat")
        self.assertEqual(clean.code, 0, clean)

    def test_the_list_says_what_there_is(self):
        daemon = self.start()
        self.assertEqual(self.changed(daemon, "list"), "No exclusions")
        self.changed(daemon, "extension", "add", "--name", ".test")
        self.changed(daemon, "process", "add", "--name", "nikto")
        self.changed(daemon, "folder", "add", "--path", self.folder, "--scope",
                     "global")
        frame = "=" * 37
        self.assertEqual(self.changed(daemon, "list").splitlines(), [
            frame, "Excluded extension", "Extension: .test",
            'Scope: ["epp"]', "---", "Excluded process",
            "Process name: nikto", 'Scope: ["epp"]', "---",
            "Excluded folder", "Path: " + self.folder, 'Scope: ["global"]',
            frame])
        listed = self.change(daemon, "list", "--output", "json").json()
        self.assertEqual([one["kind"] for one in listed["exclusions"]],
                         ["extension", "process", "folder"])

    def test_what_makes_no_sense_is_refused(self):
        daemon = self.start()
        link = self.path("link")
        os.symlink(self.folder, link)
        for code, words in (
                (1, ("folder", "add", "--path", link)),
                (1, ("folder", "add", "--path", "relative")),
                (1, ("folder", "add", "--path", "/")),
                (1, ("folder", "add", "--path", "/a/*", "--scope", "global")),
                (1, ("folder", "add", "--path", "/a", "--scope", "all")),
                (2, ("process", "add")),
                (2, ("process", "add", "--path", "/a", "--name", "b")),
                (2, ("extension", "add")),
                (5, ("folder", "remove", "--path", "/not/there"))):
            with self.subTest(words):
                done = self.change(daemon, *words)
                self.assertEqual(done.code, code, done)
                self.assertTrue(done.err)
        self.assertIn(self.folder,
                      self.change(daemon, "folder", "add", "--path", link).err)
        self.changed(daemon, "file", "add", "--path", "/a")
        self.assertIn("already",
                      self.change(daemon, "file", "add", "--path", "/a").err)

    def test_only_root_changes_them(self):
        daemon = self.start()
        program = os.path.join(self.base, "mdatp")
        shutil.copy(os.path.join(gate.BIN, "mdatp"), program)
        as_nobody = {"user": NOBODY, "program": program}
        self.assertEqual(self.change(daemon, "folder", "add", "--path", "/a",
                                     **as_nobody).code, 4)
        self.assertEqual(self.change(daemon, "list", **as_nobody).code, 0)

    def test_the_managed_configuration_has_the_last_word(self):
        config = os.path.join(self.base, "config.json")
        rules = [{"$type": "excludedPath", "isDirectory": True,
                  "path": self.folder}]
        for policy, own_code in (("merge", 0), ("admin_only", 4)):
            with open(config, "w") as file:
                json.dump({"antivirusEngine": {
                    "exclusions": rules, "exclusionsMergePolicy": policy}},
                    file)
            daemon = self.start("--config", config)
            self.assertEqual(self.read(self.inside), 0)
            self.assertIn('Scope: ["global"] [managed]',
                          self.changed(daemon, "list"))
            self.assertEqual(
                self.change(daemon, "folder", "remove", "--path", self.folder,
                            "--scope", "global").code, 4)
            self.assertEqual(self.read(self.outside), 1)
            self.assertEqual(
                self.change(daemon, "file", "add", "--path",
                            self.outside).code, own_code)
            self.assertEqual(self.read(self.outside),
                             0 if policy == "merge" else 1)
            if policy == "merge":
                self.changed(daemon, "file", "remove", "--path", self.outside)
            self.assertEqual(daemon.stop(), 0)

    def test_a_wrong_rule_stops_the_start_and_is_named(self):
        config = os.path.join(self.base, "config.json")
        with open(config, "w") as file:
            json.dump({"antivirusEngine": {"exclusions": [
                {"$type": "excludedPath", "path": "relative"}]}}, file)
        daemon = gate.Daemon(self.base, [self.fs],
                             arguments=["--config", config])
        self.stack.callback(daemon.end)
        self.assertEqual(daemon.process.wait(gate.PATIENCE_SECONDS), 1)
        self.assertIn("antivirusEngine.exclusions[0]", daemon.log())


if __name__ == "__main__":
    gate.main()
