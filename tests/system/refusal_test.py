#!/usr/bin/env python3
"""What the daemon refuses, it refuses at once and says why."""

import os
import signal
import subprocess

import gate


class RefusalTest(gate.GateTest):

    def refused(self, arguments, *words):
        """Runs a daemon that must end by itself with code 1 and say why."""
        gate.approve(os.path.join(self.base, "state"))
        done = subprocess.run(
            [os.path.join(gate.BIN, "wdavdaemon"), "--state-dir",
             os.path.join(self.base, "state"), "--run-dir",
             os.path.join(self.base, "run")] + arguments,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=gate.PATIENCE_SECONDS)
        self.assertEqual(done.returncode, 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_folder_that_is_no_mount_point(self):
        folder = self.path("folder")
        os.mkdir(folder)
        self.refused(["--protect", folder], folder, "not a mount point")

    def test_a_file(self):
        gate.write_file(self.path("file"), b"x")
        self.refused(["--protect", self.path("file")], "not a directory")

    def test_a_missing_path(self):
        self.refused(["--protect", self.path("missing")],
                     "missing", "No such file")

    def test_the_root_file_system(self):
        self.refused(["--protect", "/"], "root file system",
                     "--allow-root-file-system")

    def test_a_bind_mount_of_the_root_file_system(self):
        folder = os.path.join(self.base, "bind")
        os.mkdir(folder)
        subprocess.run(["mount", "--bind", self.base, folder], check=True)
        self.stack.callback(subprocess.run, ["umount", "--lazy", folder])
        self.refused(["--protect", folder], "root file system")

    def test_a_file_system_that_cannot_be_asked(self):
        self.refused(["--protect", "/proc"], "protect '/proc' (proc)")

    def test_such_a_file_system_below_a_protected_path_is_left_out(self):
        below = self.path("proc")
        os.mkdir(below)
        subprocess.run(["mount", "-t", "proc", "proc", below], check=True)
        self.stack.callback(subprocess.run, ["umount", "--lazy", below])
        gate.write_file(self.path("evil"), gate.eicar())
        daemon = self.start_daemon()
        daemon.wait_for_log("not protected")
        opener, = self.start_openers(1)
        self.assertEqual(opener.open(self.path("evil"))["errno"], 1)

    def test_definitions_without_a_usable_line(self):
        definitions = os.path.join(self.base, "definitions")
        os.mkdir(definitions)
        gate.write_file(os.path.join(definitions, "bad.ndb"),
                        b"Name:0:*:zz\n\x1b[31m:0:*:??\n")
        self.refused(["--protect", self.fs, "--definitions", definitions],
                     "no usable signature", "bad.ndb", "line=\"1\"",
                     "line=\"2\"")

    def test_definitions_that_are_a_fifo(self):
        definitions = os.path.join(self.base, "definitions")
        os.mkdir(definitions)
        os.mkfifo(os.path.join(definitions, "fifo.ndb"))
        self.refused(["--protect", self.fs, "--definitions", definitions],
                     "fifo.ndb")

    def test_a_configuration_that_is_no_json(self):
        config = os.path.join(self.base, "config.json")
        gate.write_file(config, b"{")
        self.refused(["--config", config], config, "JSON")

    def test_a_configuration_with_a_wrong_value(self):
        config = os.path.join(self.base, "config.json")
        gate.write_file(
            config, b'{"antivirusEngine": {"enforcementLevel": "sometimes"}}')
        self.refused(["--config", config], "enforcementLevel", "sometimes")

    def test_a_second_daemon_on_one_state_directory(self):
        daemon = self.start_daemon()
        self.refused(["--protect", self.fs], "in use by another daemon")
        self.assertEqual(daemon.stop(), 0)

    def test_unknown_configuration_keys_are_told_and_ignored(self):
        config = os.path.join(self.base, "config.json")
        gate.write_file(config, b'{"cloudService": {"enabled": true}}')
        daemon = self.start_daemon(["--config", config])
        daemon.wait_for_log("cloudService")

    def test_on_demand_enforcement_marks_nothing(self):
        config = os.path.join(self.base, "config.json")
        gate.write_file(
            config, b'{"antivirusEngine": {"enforcementLevel": "on_demand"}}')
        gate.write_file(self.path("evil"), gate.eicar())
        self.start_daemon(["--config", config])
        opener, = self.start_openers(1)
        self.assertEqual(opener.open(self.path("evil"))["bytes"], 68)


class OddFilesTest(gate.GateTest):

    def test_odd_names_are_denied_and_logged_harmlessly(self):
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        for name in (b"new\nline", b"\x1b[31mred", b"\xff\xfe bad utf-8",
                     b"quote\"", b" spaces ", "ü€".encode()):
            path = os.fsencode(self.fs) + b"/" + name
            gate.write_file(path, gate.eicar())
            with self.assertRaises(PermissionError, msg=name):
                with open(path, "rb"):
                    pass
        daemon.wait_for_log("new\\nline")
        daemon.wait_for_log("\\x1b[31mred")
        daemon.wait_for_log("\\xff\\xfe bad utf-8")
        self.assertNotIn("\x1b", daemon.log())
        self.assertEqual(opener.open(self.path("none"))["errno"], 2)

    def test_special_files_pass(self):
        daemon = self.start_daemon()
        os.mkfifo(self.path("fifo"))
        gate.write_file(self.path("empty"), b"")
        keep = os.open(self.path("fifo"), os.O_RDWR | os.O_NONBLOCK)
        os.close(keep)
        with open(self.path("empty"), "rb") as file:
            self.assertEqual(file.read(), b"")
        os.mknod(self.path("null"), 0o666 | 0o020000, os.makedev(1, 3))
        with open(self.path("null"), "rb") as file:
            self.assertEqual(file.read(), b"")
        self.assertEqual(os.listdir(self.fs).sort(),
                         ["empty", "fifo", "null"].sort())
        counters = daemon.settled_counters()
        self.assertGreater(counters["auth"]["allowedEmpty"], 0)
        self.assertEqual(counters["auth"]["deniedInfected"], 0)

    def test_a_file_that_vanishes_while_it_is_opened_is_judged_all_the_same(
            self):
        daemon = self.start_daemon(["--no-quarantine"])
        opener, = self.start_openers(1)
        gate.write_file(self.path("evil"), gate.eicar())
        worker = daemon.stop_worker()
        opener.ask("open", self.path("evil"))
        gate.until(lambda: "fanotify" in opener.where(), "the open is held")
        os.unlink(self.path("evil"))
        os.kill(worker, signal.SIGCONT)
        self.assertEqual(opener.answer()["errno"], 1)

    def test_an_unmounted_file_system_leaves_nothing_marked(self):
        """The path is on the root file system then, which nobody named."""
        daemon = self.start_daemon()
        gate.write_file(self.path("clean"), b"harmless")
        daemon.settled_counters()
        subprocess.run(["umount", self.fs], check=True)
        try:
            os.kill(daemon.worker(), signal.SIGKILL)
            gate.until(lambda: gate.marks(daemon) == 0, "no mark is left")
            gate.write_file(self.path("evil"), gate.eicar())
            opener, = self.start_openers(1)
            self.assertEqual(opener.open(self.path("evil"))["bytes"], 68)
            self.assertFalse(gate.health(daemon)["healthy"])
            self.assertEqual(gate.marks(daemon), 0)
            os.unlink(self.path("evil"))
        finally:
            subprocess.run(["mount", "-t", "tmpfs", "none", self.fs],
                           check=True)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    gate.main()
