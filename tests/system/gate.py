"""What the system tests share: a file system of their own, a daemon that
protects it, and programs that open files on it.

Only for use below guard.py.
"""

import collections
import contextlib
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BIN = os.environ.get("GATEHOUSE_BIN", "")
# Marks only what a test has made: see watch_confined.cc.
CONFINED = "wdavdaemon_confined"
# Sanitizer builds are several times slower; limits, not results, grow.
PATIENCE_SECONDS = 60
# 1 says that nothing else runs on this machine: what the product promises in
# seconds is then asserted, and not only reported.
PROMISES = os.environ.get("GATEHOUSE_TEST_PROMISES") == "1"


def eicar():
    """The 68 bytes, put together here so that no file of ours has them."""
    head = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EIC"
    return head + b"AR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def write_file(path, data):
    with open(path, "wb") as file:
        file.write(data)


@contextlib.contextmanager
def temporary_directory():
    path = tempfile.mkdtemp(prefix="gatehouse-test-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def tmpfs(directory):
    """Mounts a file system that nobody else uses, and makes sure of that."""
    os.makedirs(directory, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g", "none",
                    directory], check=True)
    try:
        if os.stat(directory).st_dev == os.stat("/").st_dev:
            raise RuntimeError("refusing to mark the root file system")
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


@contextlib.contextmanager
def file_system(kind, base):
    """Mounts a new file system, BASE/KIND: ext4, xfs, btrfs or tmpfs."""
    path = os.path.join(base, kind)
    if kind == "tmpfs":
        with tmpfs(path):
            yield path
        return
    image = path + ".img"
    with open(image, "wb") as file:
        file.truncate(400 << 20)
    subprocess.run(["mkfs." + kind, "-q", image], check=True,
                   capture_output=True)
    os.mkdir(path)
    subprocess.run(["mount", "-o", "loop", image, path], check=True)
    try:
        if os.stat(path).st_dev == os.stat("/").st_dev:
            raise RuntimeError("refusing to mark the root file system")
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def approve(state):
    """As `mdatp system-extension approve`, for a daemon that does not run."""
    os.makedirs(state, mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        with open(os.path.join(state, "system-extension.json"), "x") as file:
            file.write('{"approved":true}\n')


class Daemon:
    """A wdavdaemon on state and run directories of its own."""

    def __init__(self, base, protect, program="wdavdaemon", arguments=(),
                 prefix=(), state=None, approved=True):
        if "--protect-all" in arguments and program != CONFINED:
            raise RuntimeError("refusing to mark everything")
        self.state = state or os.path.join(base, "state")
        if approved:
            approve(self.state)
        self.run = os.path.join(base, "run")
        self.log_path = os.path.join(base, "daemon.log")
        notify_path = os.path.join(base, "notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(notify_path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(notify_path)
        protected = ["--protect"] + list(protect) if protect else []
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, os.path.join(BIN, program), "--state-dir", self.state,
                 "--run-dir", self.run] + protected + list(arguments),
                env=dict(os.environ, NOTIFY_SOCKET=notify_path),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.ended = os.pidfd_open(self.process.pid)  # Readable at its end.

    @property
    def pid(self):
        return self.process.pid

    def wait_for(self, text):
        """Waits for a notification of the supervisor that contains `text`."""
        while True:
            ready, _, _ = select.select([self.notify, self.ended], [], [],
                                        PATIENCE_SECONDS)
            if self.notify not in ready:
                raise AssertionError("no '%s' from the daemon:\n%s" %
                                     (text, self.log()))
            if text in self.notify.recv(4096).decode():
                return

    def start(self):
        self.wait_for("READY=1")
        return self

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def wait_for_log(self, text):
        """A thread of its own writes the log, a moment later."""
        until(lambda: text in self.log(), "'%s' in the log" % text)

    def stop_worker(self):
        """Stops every thread of the worker; returns its pid."""
        pid = self.worker()
        os.kill(pid, signal.SIGSTOP)
        until(lambda: all(state_of(pid, thread) == "T"
                          for thread in os.listdir("/proc/%d/task" % pid)),
              "the worker has stopped")
        return pid

    def worker(self):
        """The pid of the worker, 0 while there is none."""
        for pid in children_of(self.pid):
            with contextlib.suppress(OSError):
                if state_of(pid, pid) != "Z":
                    return pid
        return 0

    def counters(self):
        """Counters that were taken after this call."""
        path = os.path.join(self.run, "counters.json")
        begin = time.monotonic_ns()

        def taken():
            os.kill(self.pid, signal.SIGUSR1)
            with contextlib.suppress(FileNotFoundError):
                with open(path) as file:
                    counters = json.load(file)
                if counters["takenAtMonotonicNs"] >= begin:
                    return counters
            return None
        return until(taken, "counters are written")

    def settled_counters(self):
        """Counters taken when no event was in work: an answer goes out before
        it is counted."""
        def settled():
            counters = self.counters()
            return counters if counters["eventSource"]["pending"] == 0 else None
        return until(settled, "no event is in work")

    def descriptors(self):
        """What both processes have open, counted by name; without the file of
        counters, which may just be being written. A worker's files in /proc
        are named after it: the next worker's count as the same."""
        open_files = []
        for name in os.listdir("/proc/%d/fd" % self.pid):
            with contextlib.suppress(FileNotFoundError):
                open_files.append(
                    os.readlink("/proc/%d/fd/%s" % (self.pid, name)))
        return collections.Counter(re.sub(r"^/proc/\d+/", "/proc/*/", name)
                                   for name in open_files
                                   if not name.startswith(self.run))

    def stop(self):
        """Asks for an orderly end; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def end(self):
        """Ends it in any case; for clean-up. Again: nothing."""
        if self.ended is None:
            return
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
        self.notify.close()
        os.close(self.ended)
        self.ended = None


class Finished:
    """What a command of mdatp said."""

    def __init__(self, process, arguments):
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        self.code = process.returncode
        self.out = out.decode(errors="surrogateescape")
        self.err = err.decode(errors="surrogateescape")
        self.arguments = arguments

    def __repr__(self):
        return "mdatp %s: %d\n%s%s" % (" ".join(self.arguments), self.code,
                                       self.out, self.err)

    def json(self):
        return json.loads(self.out)


def mdatp(daemon, *arguments, user=None, program=None):
    """Runs mdatp against `daemon`; as another user, if one is given."""
    process = subprocess.Popen(
        [program or os.path.join(BIN, "mdatp"), "--run-dir", daemon.run,
         *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, user=user, group=user,
        extra_groups=None if user is None else [])
    return Finished(process, arguments)


def threats(daemon, **options):
    """Every threat of `mdatp threat list`: id, path, status and more."""
    listed = mdatp(daemon, "threat", "list", "--output", "json", **options)
    if listed.code != 0:
        raise AssertionError(listed)
    found = []
    for scan in listed.json()["threats"]["scans"]:
        for entry in scan["threats"]:
            newest = max(entry["history"], key=lambda change: int(change["key"]))
            found.append(dict(entry["threat"], status=newest["value"],
                              scan=scan))
    return found


def restored(daemon, threat, out):
    """Restores into a new folder below `out`; returns the content."""
    folder = os.path.join(out, threat["tracking_id"])
    os.mkdir(folder)
    done = mdatp(daemon, "threat", "quarantine", "restore", "threat-id",
                 "--id", threat["tracking_id"], "--destination-path", folder)
    names = os.listdir(folder)
    if done.code != 0 or names != [os.path.basename(threat["path"])]:
        raise AssertionError("%r left %r" % (done, names))
    with open(os.path.join(folder, names[0]), "rb") as file:
        return file.read()


def health(daemon, **options):
    """The health object; {} while no daemon answers."""
    answer = mdatp(daemon, "health", "--output", "json", **options)
    return answer.json() if answer.code == 0 else {}


def marks(daemon):
    """Marks of the daemon by the kernel's own list: two per file system."""
    count = 0
    folder = "/proc/%d/fd" % daemon.pid
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # It was closed just now.
            if "fanotify" not in os.readlink(os.path.join(folder, name)):
                continue
            with open("/proc/%d/fdinfo/%s" % (daemon.pid, name)) as facts:
                count += facts.read().count("fanotify sdev:")
    return count


def marked_devices(daemon):
    """The devices ("0:51") of those marks."""
    devices = set()
    folder = "/proc/%d/fd" % daemon.pid
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # It was closed just now.
            if "fanotify" not in os.readlink(os.path.join(folder, name)):
                continue
            with open("/proc/%d/fdinfo/%s" % (daemon.pid, name)) as facts:
                for line in facts:
                    if line.startswith("fanotify sdev:"):
                        number = int(line.split()[1].partition(":")[2], 16)
                        devices.add("%d:%d" % (number >> 20, number & 0xfffff))
    return devices


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


def state_of(pid, thread):
    with open("/proc/%d/task/%s/stat" % (pid, thread)) as file:
        return file.read().rpartition(")")[2].split()[0]


def wait_of(pid, thread):
    """The function of the kernel that a thread waits in."""
    with open("/proc/%d/task/%s/wchan" % (pid, thread)) as file:
        return file.read()


def pause(seconds):
    """Lets real time pass: for random moments, never to wait for a result."""
    select.select([], [], [], seconds)


def promised(seconds):
    """The limit that a test sets to a promise of that many seconds."""
    return seconds if PROMISES else PATIENCE_SECONDS


def until(condition, what, limit=PATIENCE_SECONDS):
    """Asks again and again, within a limit, until `condition()` is true."""
    end = time.monotonic() + limit
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError("not within %g s: %s" % (limit, what))
        pause(0.01)


class Opener:
    """A program of its own that opens files; see opener.cc."""

    def __init__(self, prefix=(), **as_user):
        self.process = subprocess.Popen(
            [*prefix, os.path.join(BIN, "gatehouse_test_opener")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1, **as_user)

    def ask(self, *words):
        self.process.stdin.write("\t".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def answer(self, limit=PATIENCE_SECONDS):
        ready, _, _ = select.select([self.process.stdout], [], [], limit)
        if not ready:
            raise AssertionError("an opener hangs: %s" % self.where())
        return json.loads(self.process.stdout.readline())

    def where(self):
        with contextlib.suppress(OSError):
            with open("/proc/%d/wchan" % self.process.pid) as file:
                return file.read()
        return "gone"

    def open(self, path):
        self.ask("open", path)
        return self.answer()

    def start(self, path):
        """Starts the program there; errno 0 if it ran."""
        self.ask("start", path)
        return self.answer()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class GateTest(unittest.TestCase):
    """A test with a protected file system and clean-up of what it started."""

    PROGRAM = "wdavdaemon"

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.base = self.stack.enter_context(temporary_directory())
        self.fs = self.stack.enter_context(
            tmpfs(os.path.join(self.base, "protected")))

    def path(self, name):
        return os.path.join(self.fs, name)

    def start_daemon(self, arguments=(), protect=None, base=None, program=None,
                     **options):
        daemon = Daemon(base or self.base,
                        [self.fs] if protect is None else protect,
                        program or self.PROGRAM, arguments, **options)
        self.stack.callback(daemon.end)
        return daemon.start()

    def start_openers(self, count, **options):
        openers = [Opener(**options) for _ in range(count)]
        for opener in openers:
            self.stack.callback(opener.end)
        return openers

    def write_clean_files(self, count):
        for index in range(count):
            write_file(self.path("clean-%d" % index),
                       b"harmless %d\n" % index * 37)
        return self.path("clean-")


def seeded_random():
    seed = int(os.environ.get("GATEHOUSE_TEST_SEED", "0")) or \
        random.SystemRandom().randrange(1, 1 << 31)
    print("seed: GATEHOUSE_TEST_SEED=%d" % seed, flush=True)
    return random.Random(seed)


def main():
    if not BIN:
        sys.exit("GATEHOUSE_BIN must name the directory of the programs")
    unittest.main(verbosity=2)
