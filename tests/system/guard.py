#!/usr/bin/env python3
"""Runs a test of real fanotify where it can hurt nobody.

guard.py [--same-pids] LIMIT-SECONDS COMMAND [ARGUMENT ...]

The command runs in a mount and a pid namespace of its own. This process stays
outside, holds no fanotify group, and at the limit kills everything inside with
one signal, so that no opener can be left waiting: its groups die with it. The
same happens when this process dies, of whatever.

--same-pids is for tests of what the kernel tells of processes, which it does
only in its first pid namespace. There a keeper takes the place of the
namespace: it adopts whatever the command leaves behind, and kills all of it at
the end, at the limit, and when this process dies.

Exit code: that of the command; 77 (skipped) without root or without fanotify
permission events; 124 when the limit was reached.
"""

import ctypes
import os
import signal
import subprocess
import sys

SKIPPED = 77
TIMED_OUT = 124
FAN_CLASS_CONTENT = 0x4
FAN_CLOEXEC = 0x1
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)


def reason_to_skip():
    if os.geteuid() != 0:
        return "needs root"
    group = LIBC.fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, os.O_RDONLY)
    if group < 0:
        return ("needs fanotify permission events: " +
                os.strerror(ctypes.get_errno()))
    os.close(group)
    return None


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def propagation():
    """Where / is no mount point, as in a chroot, it cannot be made private:
    what is mounted inside is then seen outside too."""
    private = subprocess.run(["unshare", "--mount", "--propagation", "private",
                              "true"], stderr=subprocess.DEVNULL)
    return "private" if private.returncode == 0 else "unchanged"


def mount_points():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return [line.split()[4] for line in file]


def parents():
    """Every process by its parent, as far as they are there."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue  # Gone meanwhile.
        found.setdefault(int(fields[1]), []).append(int(name))
    return found


def kill_descendants():
    """Kills whatever was started below this process, which adopts those whose
    parent is gone, until there is nobody."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        tree = parents()
        below = list(tree.get(os.getpid(), []))
        for pid in below:  # Grows meanwhile.
            below.extend(tree.get(pid, []))
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return
        # Until one has died; who was adopted since is killed then.
        signal.sigtimedwait({signal.SIGCHLD}, 0.01)


def keep(guard, command):
    """The keeper: runs the command, and outlives nothing of it."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)

    def stop(*_):
        raise SystemExit(TIMED_OUT)
    signal.signal(signal.SIGTERM, stop)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != guard:
        return TIMED_OUT  # It died before that.
    try:
        code = subprocess.Popen(
            ["unshare", "--mount", "--propagation", propagation()] + command,
            stdin=subprocess.DEVNULL).wait()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kill_descendants()
    return code


def guard_keeper(command, limit):
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    keeper = subprocess.Popen([sys.executable, "-B", __file__, "--keep",
                               str(os.getpid())] + command, stdin=subprocess.DEVNULL,
                              start_new_session=True)
    try:
        return keeper.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        print("guard: limit of %g s reached, killing everything" % limit)
        return TIMED_OUT
    finally:
        kill_descendants()


def wait(inside, limit):
    try:
        return inside.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        print("guard: limit of %g s reached, killing everything" % limit)
        # unshare dies; its child is the init of the pid namespace, dies with
        # it, and takes every process inside along.
        os.killpg(inside.pid, signal.SIGKILL)
        inside.wait()
        return TIMED_OUT


def main():
    arguments = sys.argv[1:]
    if arguments[0] == "--keep":
        return keep(int(arguments[1]), arguments[2:])
    same_pids = arguments[0] == "--same-pids"
    if same_pids:
        arguments.pop(0)
    limit = float(arguments[0])
    command = arguments[1:]
    reason = reason_to_skip()
    if reason is not None:
        print("skipped:", reason)
        return SKIPPED
    mounted = mount_points()
    try:
        if same_pids:
            return guard_keeper(command, limit)
        inside = subprocess.Popen(
            ["unshare", "--mount", "--propagation", propagation(), "--pid",
             "--fork", "--kill-child", "--mount-proc"] + command,
            stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=die_with_parent)
        return wait(inside, limit)
    finally:
        for point in reversed(mount_points()):
            if point not in mounted:
                subprocess.run(["umount", "--lazy", point], check=False)


if __name__ == "__main__":
    sys.exit(main())
