#!/usr/bin/env python3
"""Runs a test of real fanotify where it can hurt nobody.

guard.py LIMIT-SECONDS COMMAND [ARGUMENT ...]

The command runs in a mount and a pid namespace of its own. This process stays
outside, holds no fanotify group, and at the limit kills everything inside with
one signal, so that no opener can be left waiting: its groups die with it. The
same happens when this process dies, of whatever.

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
    limit = float(sys.argv[1])
    command = sys.argv[2:]
    reason = reason_to_skip()
    if reason is not None:
        print("skipped:", reason)
        return SKIPPED
    mounted = mount_points()
    inside = subprocess.Popen(
        ["unshare", "--mount", "--propagation", propagation(), "--pid",
         "--fork", "--kill-child", "--mount-proc"] + command,
        stdin=subprocess.DEVNULL, start_new_session=True,
        preexec_fn=die_with_parent)
    try:
        return wait(inside, limit)
    finally:
        for point in reversed(mount_points()):
            if point not in mounted:
                subprocess.run(["umount", "--lazy", point], check=False)


if __name__ == "__main__":
    sys.exit(main())
