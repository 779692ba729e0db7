"""Debian's clamonacc with clamd, as something to compare with: watching one file
system that a benchmark has made, with prevention, and nothing else.

Needs the packages clamav-daemon and clamdscan, which no test needs.
"""

import contextlib
import os
import re
import shutil
import subprocess

import gate

CONFIGURATION = """
LocalSocket {base}/clamd.sock
LocalSocketMode 666
DatabaseDirectory {base}/database
TemporaryDirectory {base}
Foreground yes
MaxThreads 16
SelfCheck 0
User clamav
OnAccessIncludePath {directory}
OnAccessPrevention yes
OnAccessExcludeUname clamav
"""
# The same as the product: the test file, and what the benchmark generates.
EICAR_SIGNATURE = b"Eicar:0:0:"


def is_installed():
    return all(shutil.which(name) for name in ("clamd", "clamonacc"))


class Clamonacc:

    def __init__(self, base, directory, literals=b"", prefix=()):
        """`literals`: lines of an .ndb file. Returns when the root of the file
        system and each folder of it is watched."""
        self.base = os.path.join(base, "clamav")
        os.makedirs(os.path.join(self.base, "database"))
        shutil.chown(self.base, "clamav")
        gate.write_file(os.path.join(self.base, "database", "bench.ndb"),
                        EICAR_SIGNATURE + gate.eicar().hex().encode() + b"\n" +
                        literals)
        configuration = os.path.join(self.base, "clamd.conf")
        gate.write_file(configuration, CONFIGURATION.format(
            base=self.base, directory=directory).encode())
        arguments = ["--config-file", configuration]
        self.clamd = subprocess.Popen([*prefix, "clamd", *arguments],
                                      stdout=subprocess.DEVNULL)
        self.clamonacc = None
        gate.until(lambda: os.path.exists(os.path.join(self.base,
                                                       "clamd.sock")),
                   "clamd listens")
        self.clamonacc = subprocess.Popen(
            [*prefix, "clamonacc", *arguments, "--foreground", "--fdpass"],
            stdout=subprocess.DEVNULL)
        folders = sum(len(names) for _, names, _ in os.walk(directory)) + 1
        device = os.stat(directory).st_dev
        gate.until(lambda: self.marks_only(device) == folders,
                   "clamonacc watches")

    def marks_only(self, device):
        """How many marks it has. Each must be on a folder of our own: were one
        on another file system or on a mount, we would end it at once."""
        count = 0
        folder = "/proc/%d/fd" % self.clamonacc.pid
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                if "fanotify" not in os.readlink(os.path.join(folder, name)):
                    continue
                with open("/proc/%d/fdinfo/%s" %
                          (self.clamonacc.pid, name)) as file:
                    facts = file.read()
                for mark in re.findall(r"^fanotify (?!flags).*", facts, re.M):
                    found = re.match(r"fanotify ino:\w+ sdev:(\w+) ", mark)
                    number = int(found.group(1), 16) if found else 0
                    if os.makedev(number >> 20, number & 0xfffff) != device:
                        self.end()
                        raise RuntimeError("clamonacc marks more than ours: " +
                                           mark)
                    count += 1
        return count

    def end(self):
        for process in filter(None, (self.clamonacc, self.clamd)):
            process.kill()
            process.wait()
        shutil.rmtree(self.base)
