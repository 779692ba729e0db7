#!/usr/bin/env python3
"""A power cut in the middle of isolations loses no file and leaves none twice.

The disks are images of their own, and the cut is the kernel's: it forgets what
was not flushed (FS_IOC_SHUTDOWN, ext4).
"""

import fcntl
import hashlib
import os
import struct
import subprocess
import unittest

import gate

CUTS = int(os.environ.get("GATEHOUSE_TEST_CUTS", "8"))
FILES = 40
FS_IOC_SHUTDOWN = 0x8004587D
KEEP_NAMES = 1  # The journal is flushed, data is not.
KEEP_NOTHING = 2


def skip_without_loop_devices():
    """None, or why an image cannot be mounted here."""
    with gate.temporary_directory() as folder:
        disk = Disk(folder, "probe")
        try:
            disk.make()
            disk.mount()
        except (OSError, subprocess.CalledProcessError) as error:
            return "needs loop devices: %s" % error
        disk.unmount()
    return None


class Disk:
    """An ext4 file system in a file."""

    def __init__(self, folder, name):
        self.image = os.path.join(folder, name + ".img")
        self.path = os.path.join(folder, name)

    def make(self):
        with open(self.image, "wb") as image:
            image.truncate(400 << 20)
        subprocess.run(["mkfs.ext4", "-q", self.image], check=True,
                       capture_output=True)
        os.makedirs(self.path, exist_ok=True)

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.path],
                       check=True, capture_output=True)
        if os.stat(self.path).st_dev == os.stat("/").st_dev:
            raise RuntimeError("refusing to mark the root file system")

    def unmount(self):
        """Those who were killed may still be closing their files."""
        gate.until(lambda: subprocess.run(["umount", self.path],
                                          capture_output=True).returncode == 0,
                   "%s is unmounted" % self.path)

    def cut(self, what):
        fd = os.open(self.path, os.O_RDONLY)
        fcntl.ioctl(fd, FS_IOC_SHUTDOWN, struct.pack("I", what))
        os.close(fd)


class PowerCutTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        self.random = gate.seeded_random()
        self.out = os.path.join(self.base, "out")
        os.mkdir(self.out)
        self.files = Disk(self.base, "files")
        self.vault = Disk(self.base, "vault")
        for disk in (self.files, self.vault):
            disk.make()
            disk.mount()
            self.stack.callback(self.unmount_quietly, disk)

    @staticmethod
    def unmount_quietly(disk):
        subprocess.run(["umount", "--lazy", disk.path], capture_output=True)

    def start(self, prefix=()):
        daemon = gate.Daemon(self.base, [self.files.path], prefix=prefix,
                             state=os.path.join(self.vault.path, "state"))
        self.stack.callback(daemon.end)
        return daemon.start()

    def write_files(self):
        """EICAR files, each with an end of its own, that are on disk."""
        written = {}
        for number in range(FILES):
            path = os.path.join(self.files.path, "evil-%d" % number)
            content = gate.eicar() + b" " * number
            gate.write_file(path, content)
            written[path] = content
        os.sync()
        return written

    def cut_while_isolating(self, prefix=()):
        """Returns what was written before the lights went out."""
        written = self.write_files()
        daemon = self.start(prefix)
        opener, = self.start_openers(1)
        for path in list(written)[:self.random.randrange(1, FILES)]:
            opener.ask("open", path)
            self.assertIn(opener.answer()["errno"], (1, 2))
        self.vault.cut(KEEP_NOTHING)
        self.files.cut(KEEP_NAMES)
        opener.end()
        daemon.end()
        for disk in (self.files, self.vault):
            disk.unmount()
            disk.mount()
        return written

    def lost_and_twice(self, daemon, written):
        in_place = {path for path in written if os.path.exists(path)}
        quarantined = {threat["path"]: threat
                       for threat in gate.threats(daemon)
                       if threat["status"] == "quarantined"}
        for path in in_place:
            with open(path, "rb") as file:
                self.assertEqual(file.read(), written[path])
        for path, threat in quarantined.items():
            self.assertEqual(threat["sha256"],
                             hashlib.sha256(written[path]).hexdigest())
            self.assertEqual(gate.restored(daemon, threat, self.out),
                             written[path])
        return (set(written) - in_place - set(quarantined),
                in_place & set(quarantined))

    def after_the_cut(self, written):
        daemon = self.start()
        done = gate.mdatp(daemon, "config", "real-time-protection", "--value",
                          "disabled")  # So that this test may read.
        self.assertEqual(done.code, 0, done)
        stage = os.path.join(daemon.state, "vault", "stage")
        self.assertEqual(os.listdir(stage), [])
        result = self.lost_and_twice(daemon, written)
        self.left = [name for name in os.listdir(self.files.path)
                     if name.startswith(".gatehouse")]
        self.assertEqual(daemon.stop(), 0)
        subprocess.run(["find", self.files.path, "-mindepth", "1", "-delete"],
                       check=True)
        subprocess.run(["rm", "-rf", daemon.state], check=True)
        return result

    def test_nothing_is_lost_and_nothing_is_there_twice(self):
        for _ in range(CUTS):
            written = self.cut_while_isolating()
            lost, twice = self.after_the_cut(written)
            self.assertEqual(lost, set())
            self.assertEqual(twice, set())
            self.assertEqual(self.left, [])

    def test_without_flushes_files_are_lost(self):
        """The negative control: fsync that does nothing."""
        lost_at_all = set()
        for _ in range(5):
            written = self.cut_while_isolating(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                 "trace=fsync,fdatasync", "-e",
                 "inject=fsync,fdatasync:retval=0"])
            lost_at_all |= self.after_the_cut(written)[0]
            if lost_at_all:
                break
        self.assertNotEqual(lost_at_all, set())


if __name__ == "__main__":
    REASON = skip_without_loop_devices()
    if REASON is not None:
        print("skipped:", REASON)
        raise SystemExit(77)
    gate.main()
