#!/usr/bin/env python3
"""Runs a test of real fanotify where it can hurt nobody.

guard.py LIMIT-SECONDS COMMAND [ARGUMENT ...]

The command runs in a mount and a pid namespace of its own. This process stays
outside, holds no fanotify group, and at the limit kills everything inside with
one signal, so that no opener can be left waiting: its groups die with it.

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


def reason_to_skip():
    if os.geteuid() != 0:
        return "needs root"
    libc = ctypes.CDLL(None, use_errno=True)
    group = libc.fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, os.O_RDONLY)
    if group < 0:
        return ("needs fanotify permission events: " +
                os.strerror(ctypes.get_errno()))
    os.close(group)
    return None


def main():
    limit = float(sys.argv[1])
    command = sys.argv[2:]
    reason = reason_to_skip()
    if reason is not None:
        print("skipped:", reason)
        return SKIPPED
    inside = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "--pid", "--fork",
         "--kill-child", "--mount-proc"] + command,
        stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return inside.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        print("guard: limit of %g s reached, killing everything" % limit)
        # unshare dies; its child is the init of the pid namespace, dies with
        # it, and takes every process inside along.
        os.killpg(inside.pid, signal.SIGKILL)
        inside.wait()
        return TIMED_OUT


if __name__ == "__main__":
    sys.exit(main())
