"""File systems whose server does not answer, and how to be rid of them.

Only for use below guard.py, by tests and benchmarks.
"""

import contextlib
import os
import select
import stat
import subprocess
import threading

import gate

NOBODY = 65534


def reason_to_skip():
    """The module may be absent; whoever may not mount at all has no root."""
    return None if os.path.exists("/dev/fuse") else "needs /dev/fuse"


def let_everybody_use_the_device(base):
    """As udev does on any desktop; here for this mount namespace only."""
    facts = os.stat("/dev/fuse")
    if stat.S_IMODE(facts.st_mode) & 0o006 == 0o006:
        return
    node = os.path.join(base, "fuse")
    os.mknod(node, stat.S_IFCHR, facts.st_rdev)
    os.chmod(node, 0o666)
    subprocess.run(["mount", "--bind", node, "/dev/fuse"], check=True)


class HangingFuse:
    """A mount of fuse_server.cc: by any user, or by root for everybody."""

    def __init__(self, how, directory):
        os.makedirs(directory, exist_ok=True)
        as_user = {}
        if how == "user":
            os.chown(directory, NOBODY, NOBODY)
            as_user = dict(user=NOBODY, group=NOBODY, extra_groups=[])
        self.directory = directory
        self.server = subprocess.Popen(
            [os.path.join(gate.BIN, "gatehouse_test_fuse"), how, directory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, **as_user)
        self.told = b""
        self.wait_for("ready")
        self.device = device_of(directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def wait_for(self, word):
        """Until the server has said `word`; whatever came before is over."""
        wanted = word.encode() + b"\n"
        while wanted not in self.told:
            ready, _, _ = select.select([self.server.stdout], [], [],
                                        gate.PATIENCE_SECONDS)
            data = os.read(self.server.stdout.fileno(), 4096) if ready else b""
            if not data:
                raise AssertionError("no '%s' from the FUSE server, but %r" %
                                     (word, self.told))
            self.told += data
        self.told = self.told.partition(wanted)[2]

    def hang(self):
        """From now on nothing at all is answered."""
        self.server.stdin.write(b"\n")
        self.server.stdin.flush()
        self.wait_for("hanging")

    def abort(self, connections):
        """Releases everybody whom the server has left waiting."""
        number = self.device.partition(":")[2]
        with contextlib.suppress(FileNotFoundError):  # It is gone already.
            gate.write_file(os.path.join(connections, number, "abort"), b"1")

    def end(self):
        self.server.kill()
        self.server.wait()
        self.server.stdin.close()
        self.server.stdout.close()
        subprocess.run(["umount", "--lazy", self.directory], check=False,
                       stderr=subprocess.DEVNULL)


class Watchdog:
    """Aborts connections: at the end, and whenever it takes too long, so that
    nothing that runs here can be left in a wait that no signal ends."""

    def __init__(self, base, limit):
        self.mounts = []
        self.connections = os.path.join(base, "connections")
        os.makedirs(self.connections, exist_ok=True)
        let_everybody_use_the_device(base)
        subprocess.run(["mount", "-t", "fusectl", "none", self.connections],
                       check=True)
        self.timer = threading.Timer(limit, self.abort_all)
        self.timer.daemon = True
        self.timer.start()

    def mount(self, how, directory):
        self.mounts.append(HangingFuse(how, directory))
        return self.mounts[-1]

    def abort_all(self):
        for mount in self.mounts:
            mount.abort(self.connections)

    def end(self):
        self.timer.cancel()
        self.abort_all()
        for mount in self.mounts:
            mount.end()
        subprocess.run(["umount", "--lazy", self.connections], check=True)


def device_of(directory):
    """As mountinfo knows it: a stat would ask the server."""
    with open("/proc/self/mountinfo") as file:
        for line in reversed(file.read().splitlines()):
            if line.split()[4] == directory:
                return line.split()[2]
    raise AssertionError("'%s' is not mounted" % directory)


def left_waiting():
    """Threads of this pid namespace in state D, with what they wait in."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for thread in os.listdir("/proc/%s/task" % pid):
                with contextlib.suppress(OSError):
                    if gate.state_of(int(pid), thread) != "D":
                        continue
                    found.append((pid, thread,
                                  gate.wait_of(int(pid), thread)))
    return found
