#!/usr/bin/env python3
"""A file that is known to be clean, and is then made malicious in every way we
know of, is denied to whoever opens it at once afterwards.

On every file system where verdicts are remembered. The control is a daemon that
believes that nobody ever writes.
"""

import errno
import json
import os
import subprocess
import unittest

import gate

FILES = int(os.environ.get("GATEHOUSE_TEST_POISONS", "4"))
NOBODY = 65534
# As tests/system/mutations.h.
BLOCK = 4096
GAP = 16
MARKER = b"-- poison test --"[:16]
CLEAN = b"." * (BLOCK - 16) + MARKER + b"X" * GAP + b"." * (2 * BLOCK - GAP)
EVIL = CLEAN.replace(MARKER + b"X" * GAP, MARKER + bytes(GAP))

# In place, so that the mark of an ignored file goes with the write.
DIRECT = ["write", "write_still_open", "io_uring", "splice", "copy_file_range",
          "sendfile", "punch_hole", "zero_range", "clone",
          "truncate_and_rewrite", "truncate_to_same_size", "truncate"]
BY_NAME = ["rename", "exchange", "link", "symlink"]
MAPPED = ["first_touch", "first_touch_and_let_go", "touch_after_read",
          "dirty_page", "dirty_page_again"]
# Ways that a file system does not have: EOPNOTSUPP.
NOT_HERE = {"tmpfs": {"zero_range", "clone"}, "ext4": {"clone"},
            "xfs": set(), "btrfs": set()}
# Where a page of a file stays pinned, files of users are never remembered.
PINS_EVERYWHERE = tuple(map(int, os.uname().release.split(".")[:2])) < (6, 5)


def is_remembered(kind, user):
    return user is None or not (kind == "tmpfs" or PINS_EVERYWHERE)


class Mutator:
    """FILES files that one way makes malicious."""

    def __init__(self, mount, way, user):
        self.way = way
        self.directory = os.path.join(mount, way)
        self.paths = [os.path.join(self.directory, str(index))
                      for index in range(FILES)]
        os.mkdir(self.directory)
        for path in self.paths:
            gate.write_file(path, CLEAN)
            gate.write_file(path + ".evil", EVIL)
        gate.write_file(os.path.join(self.directory, "zeros"), bytes(BLOCK))
        if user is not None:
            for name in os.listdir(self.directory):
                os.chown(os.path.join(self.directory, name), user, user)
            os.chown(self.directory, user, user)
        self.user = user
        self.process = None

    def prepare(self):
        self.process = subprocess.Popen(
            [os.path.join(gate.BIN, "gatehouse_test_mutator"), self.way,
             self.directory, str(FILES)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [])
        assert self.process.stdout.readline() == "ready\n", self.way

    def run(self):
        out, _ = self.process.communicate("now\n",
                                          timeout=gate.PATIENCE_SECONDS)
        return json.loads(out)

    def end(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class PoisonTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        os.chmod(self.base, 0o755)
        definitions = os.path.join(self.base, "definitions")
        os.mkdir(definitions)
        gate.write_file(
            os.path.join(definitions, "one.ndb"),
            b"Test.Poison:0:*:" + (MARKER + bytes(GAP)).hex().encode())
        self.arguments = ["--no-quarantine", "--definitions", definitions]

    def warm_up(self, daemon, paths):
        """Opens the files until each is known to be clean, or not asked about
        any more; returns how many of the last opens were not."""
        opener = self.start_openers(1)[0]
        unseen = []

        def all_known():
            before = daemon.settled_counters()
            for path in paths:
                self.assertEqual(opener.open(path)["errno"], 0, path)
            after = daemon.settled_counters()
            unseen[:] = [len(paths) - (after["eventSource"]["authEvents"] -
                                       before["eventSource"]["authEvents"])]
            return after["verdictCache"]["hits"] + unseen[0] - \
                before["verdictCache"]["hits"] == len(paths)
        gate.until(all_known, "%d files are known" % len(paths))
        return unseen[0]

    def open_often(self, daemon, paths, reason="refusedPinnable"):
        """As warm_up, where nothing is to be remembered."""
        opener = self.start_openers(1)[0]
        for path in paths * 3:
            self.assertEqual(opener.open(path)["errno"], 0, path)
        counters = daemon.settled_counters()["verdictCache"]
        self.assertEqual((counters["hits"], counters["insertions"]), (0, 0))
        self.assertGreater(counters[reason], 0)

    def prepare(self, kind, user, ways):
        """(mount point, mutators, their files) on a new file system."""
        mount = self.stack.enter_context(gate.file_system(kind, self.base))
        os.chmod(mount, 0o755)
        mutators = [Mutator(mount, way, user) for way in ways]
        for mutator in mutators:
            self.stack.callback(mutator.end)
            mutator.prepare()
        return mount, mutators, [path for mutator in mutators
                                 for path in mutator.paths]

    def mutate(self, kind, user, mutators):
        """What every way led to: {way: {denied, opened, errno}}."""
        results = {mutator.way: mutator.run() for mutator in mutators}
        print("%s, %s: denied %d, opened %d, not here %s" % (
            kind, "root" if user is None else "user",
            sum(one["denied"] for one in results.values()),
            sum(one["opened"] for one in results.values()),
            {way: one["errno"] for way, one in results.items()
             if one["errno"]}), flush=True)
        return results

    def assert_denied(self, kind, results):
        for way, result in results.items():
            if way in NOT_HERE[kind]:
                self.assertEqual(result["errno"], errno.EOPNOTSUPP, way)
            elif way == "pinned_page" and result["errno"] == errno.EFAULT:
                print("the kernel pins no page of %s" % kind, flush=True)
            else:
                self.assertEqual(result, {"denied": FILES, "opened": 0,
                                          "errno": 0}, way)

    def poison(self, kind, user):
        ways = DIRECT + BY_NAME + MAPPED
        # Root can do what he likes with the memory of his files.
        if user is not None:
            ways.append("pinned_page")
        mount, mutators, paths = self.prepare(kind, user, ways)
        daemon = self.start_daemon(self.arguments, protect=[mount])
        if is_remembered(kind, user):
            self.assertEqual(self.warm_up(daemon, paths), 0)
        else:
            self.open_often(daemon, paths)
        self.assert_denied(kind, self.mutate(kind, user, mutators))
        self.assertEqual(daemon.stop(), 0)

    def test_a_page_that_is_dirty_and_mapped_is_never_believed(self):
        for kind in NOT_HERE:
            with self.subTest(kind):
                mount, mutators, paths = self.prepare(kind, NOBODY,
                                                      ["held_mapping"])
                daemon = self.start_daemon(self.arguments, protect=[mount])
                self.open_often(daemon, paths, "withWriter")
                self.assert_denied(kind, self.mutate(kind, NOBODY, mutators))
                self.assertEqual(daemon.stop(), 0)
                daemon.end()

    def test_a_daemon_without_the_probe_believes_what_is_stale(self):
        """The negative control of all others."""
        self.PROGRAM = "wdavdaemon_without_probe"
        for kind in NOT_HERE:
            with self.subTest(kind):
                mount, mutators, paths = self.prepare(kind, None,
                                                      ["held_mapping"])
                daemon = self.start_daemon(self.arguments, protect=[mount])
                self.warm_up(daemon, paths)
                results = self.mutate(kind, None, mutators)
                self.assertEqual(results["held_mapping"]["opened"], FILES)
                self.assertEqual(daemon.stop(), 0)
                daemon.end()

    def ignored(self, kind, ways, arguments=(), prepare=lambda path: None):
        """Files that the kernel does not ask about any more."""
        mount, mutators, paths = self.prepare(kind, None, ways)
        for path in paths:
            prepare(path)
        daemon = self.start_daemon([*self.arguments, *arguments],
                                   protect=[mount])
        gate.until(lambda: self.warm_up(daemon, paths) > 0,
                   "the kernel ignores opens")
        self.assertGreater(daemon.counters()["eventSource"]["ignored"], 0)
        return daemon, mutators, paths

    def test_an_immutable_file_is_ignored_until_it_is_not(self):
        daemon, mutators, paths = self.ignored("ext4", ["write"],
                                               prepare=make_immutable)
        for path in paths:
            subprocess.run(["chattr", "-i", path], check=True)
        self.assert_denied("ext4", self.mutate("ext4", None, mutators))
        self.assertEqual(daemon.stop(), 0)

    def test_files_of_root_are_asked_about_by_default(self):
        mount, _, paths = self.prepare("ext4", None, ["write"])
        daemon = self.start_daemon(self.arguments, protect=[mount])
        self.warm_up(daemon, paths)
        self.assertEqual(self.warm_up(daemon, paths), 0)
        self.assertEqual(daemon.counters()["eventSource"]["ignored"], 0)


def make_immutable(path):
    subprocess.run(["chattr", "+i", path], check=True)


def cases():
    """One test per file system and owner."""
    for kind in NOT_HERE:
        for user in (None, NOBODY):
            def test(self, kind=kind, user=user):
                self.poison(kind, user)
            who = "root" if user is None else "a_user"
            setattr(PoisonTest, "test_files_of_%s_on_%s" % (who, kind), test)


cases()

if __name__ == "__main__":
    gate.main()
