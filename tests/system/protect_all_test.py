#!/usr/bin/env python3
"""--protect-all: what is mounted anywhere is protected, in foreign mount
namespaces, too.

Only the program that marks nothing but the devices of the test runs here: see
watch_confined.cc. Before and after each test the kernel's own list of marks is
compared with those devices.
"""

import contextlib
import os
import subprocess
import sys

import fuse
import gate
import guard

EPERM = 1
# Mounts a tmpfs where nobody else sees it, and opens files on it when asked.
FOREIGN = """
import os, subprocess, sys
place = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place],
               check=True)
device = os.stat(place).st_dev
print("%d:%d" % (os.major(device), os.minor(device)), flush=True)
for line in sys.stdin:
    word, name, content = line.rstrip("\\n").split("\\t")
    path = os.path.join(place, name)
    if word == "write":
        with open(path, "wb") as file:
            file.write(bytes.fromhex(content))
        print("written", flush=True)
        continue
    try:
        os.close(os.open(path, os.O_RDONLY))
        print("0", flush=True)
    except OSError as error:
        print(error.errno, flush=True)
"""


class ForeignNamespace:
    """A process with a mount that is in no other mount namespace."""

    def __init__(self, place):
        os.makedirs(place, exist_ok=True)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", guard.propagation(),
             sys.executable, "-c", FOREIGN, place],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1)
        self.device = self.process.stdout.readline().strip()

    def ask(self, *words):
        self.process.stdin.write("\t".join(words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def write(self, name, content):
        self.ask("write", name, content.hex())

    def open(self, name):
        return int(self.ask("open", name, ""))

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def device_of(directory):
    device = os.stat(directory).st_dev
    return "%d:%d" % (os.major(device), os.minor(device))


class ProtectAllTest(gate.GateTest):

    PROGRAM = gate.CONFINED

    def setUp(self):
        super().setUp()
        self.list = os.path.join(self.base, "devices")
        self.devices = set()
        before = os.environ.get("GATEHOUSE_TEST_DEVICES")
        os.environ["GATEHOUSE_TEST_DEVICES"] = self.list
        self.stack.callback(self.restore, before)
        self.may_mark(device_of(self.fs))
        self.elsewhere = self.stack.enter_context(
            gate.tmpfs(os.path.join(self.base, "elsewhere")))
        self.may_mark(device_of(self.elsewhere))

    @staticmethod
    def restore(before):
        os.environ.pop("GATEHOUSE_TEST_DEVICES")
        if before is not None:
            os.environ["GATEHOUSE_TEST_DEVICES"] = before

    def may_mark(self, device):
        self.assertNotEqual(device, device_of("/"))
        self.devices.add(device)
        gate.write_file(self.list + ".new",
                        "".join(one + "\n" for one in self.devices).encode())
        os.rename(self.list + ".new", self.list)

    def start_all(self, arguments=()):
        return self.start_daemon(["--protect-all", "--no-quarantine",
                                  *arguments], protect=[])

    def start_foreign(self, name):
        foreign = ForeignNamespace(os.path.join(self.base, name))
        self.stack.callback(foreign.end)
        return foreign

    def marked_become(self, daemon, devices):
        gate.until(lambda: gate.marked_devices(daemon) == set(devices),
                   "%s are marked" % sorted(devices))

    def details(self, daemon):
        told = gate.mdatp(daemon, "health", "--details", "left_out",
                          "--output", "json")
        self.assertEqual(told.code, 0, told)
        return told.json()["leftOut"]

    def test_what_is_mounted_anywhere_is_protected(self):
        daemon = self.start_all()
        self.marked_become(daemon, self.devices)
        opener, = self.start_openers(1)
        for place in (self.fs, self.elsewhere):
            path = os.path.join(place, "evil")
            gate.write_file(path, gate.eicar())
            self.assertEqual(opener.open(path)["errno"], EPERM)
        with gate.tmpfs(os.path.join(self.base, "later")) as later:
            self.may_mark(device_of(later))
            # Something else is mounted: the list was not complete before.
            with gate.tmpfs(os.path.join(self.base, "other")):
                self.marked_become(daemon, self.devices)
            path = os.path.join(later, "evil")
            gate.write_file(path, gate.eicar())
            self.assertEqual(opener.open(path)["errno"], EPERM)

    def test_a_mount_of_a_foreign_namespace_is_protected(self):
        foreign = self.start_foreign("foreign")
        foreign.write("before", gate.eicar())
        self.assertEqual(foreign.open("before"), 0)
        self.may_mark(foreign.device)
        daemon = self.start_all()
        self.marked_become(daemon, self.devices)
        self.assertEqual(foreign.open("before"), EPERM)

    def test_a_namespace_that_is_made_later_is_found(self):
        daemon = self.start_all()
        self.marked_become(daemon, self.devices)
        foreign = self.start_foreign("foreign")
        foreign.write("evil", gate.eicar())
        self.assertEqual(foreign.open("evil"), 0)  # The test does not allow it.
        self.may_mark(foreign.device)
        second = self.start_foreign("second")
        self.may_mark(second.device)
        self.marked_become(daemon, self.devices)
        self.assertEqual(foreign.open("evil"), EPERM)
        second.write("evil", gate.eicar())
        self.assertEqual(second.open("evil"), EPERM)
        # With its last process the namespace ends, and what is mounted there.
        self.devices.discard(foreign.device)
        foreign.end()
        self.marked_become(daemon, self.devices)
        gate.until(lambda: not any("not there any more" in issue for issue in
                                   gate.health(daemon)["healthIssues"]),
                   "nothing is missed")

    def test_the_root_file_system_is_left_out_and_told(self):
        daemon = self.start_all()
        self.marked_become(daemon, self.devices)
        told = "\n".join(self.details(daemon))
        self.assertIn("--allow-root-file-system", told)
        self.assertNotIn("(proc)", told)

    def test_a_server_that_may_hang_is_left_out_and_told(self):
        reason = fuse.reason_to_skip()
        if reason is not None:
            self.fail(reason)
        watchdog = fuse.Watchdog(self.base, gate.PATIENCE_SECONDS)
        self.stack.callback(watchdog.end)
        mount = watchdog.mount("root", os.path.join(self.base, "server"))
        mount.hang()
        daemon = self.start_all()
        self.marked_become(daemon, self.devices)
        self.assertIn("'%s' (%s): its server may hang" %
                      (mount.directory, "fuse"), self.details(daemon))

    def test_a_new_worker_goes_on(self):
        foreign = self.start_foreign("foreign")
        foreign.write("evil", gate.eicar())
        self.may_mark(foreign.device)
        daemon = self.start_all()
        self.marked_become(daemon, self.devices)
        worker = daemon.worker()
        os.kill(worker, 9)
        gate.until(lambda: daemon.worker() not in (0, worker), "a new worker")
        self.assertEqual(foreign.open("evil"), EPERM)
        second = self.start_foreign("second")
        self.may_mark(second.device)
        self.marked_become(daemon, self.devices)


class ConfinedTest(gate.GateTest):
    """What keeps these tests from marking anything else."""

    def test_the_daemon_of_these_tests_does_not_start_without_a_list(self):
        environment = dict(os.environ)
        environment.pop("GATEHOUSE_TEST_DEVICES", None)
        done = subprocess.run(
            [os.path.join(gate.BIN, gate.CONFINED), "--version"],
            env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("GATEHOUSE_TEST_DEVICES", done.stderr)

    def test_what_is_not_listed_is_not_marked(self):
        os.environ["GATEHOUSE_TEST_DEVICES"] = os.path.join(self.base, "none")
        self.stack.callback(os.environ.pop, "GATEHOUSE_TEST_DEVICES")
        daemon = self.start_daemon(["--protect-all"], protect=[],
                                   program=gate.CONFINED)
        self.assertEqual(gate.marked_devices(daemon), set())
        told = gate.health(daemon)
        self.assertFalse(told["healthy"])
        self.assertEqual(told["realTimeProtectionSubsystem"], "unavailable")

    def test_no_other_daemon_is_started_with_it(self):
        with self.assertRaises(RuntimeError):
            self.start_daemon(["--protect-all"], protect=[],
                              program="wdavdaemon")

    def test_it_goes_with_no_path(self):
        with contextlib.ExitStack() as stack:
            os.environ["GATEHOUSE_TEST_DEVICES"] = os.path.join(self.base, "x")
            stack.callback(os.environ.pop, "GATEHOUSE_TEST_DEVICES")
            done = subprocess.run(
                [os.path.join(gate.BIN, gate.CONFINED), "--protect-all",
                 "--protect", self.fs], capture_output=True, text=True,
                check=False)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    gate.main()
