#!/usr/bin/env python3
"""Judges by a trace of system calls, and by nothing that the product says,
whether each permission event had exactly one answer before its descriptor was
closed.

trace_oracle.py FILE reads what
    strace -f -x -s 65536 -e trace=read,write,close -o FILE
writes, as long as it comes, and prints what it found as one JSON object. FILE
may be a FIFO.
"""

import collections
import json
import re
import struct
import sys

METADATA_BYTES = 24
METADATA_VERSION = 3
FAN_OPEN_PERM = 0x10000
FAN_OPEN_EXEC_PERM = 0x40000
RESPONSES = (1, 2)  # Allow, deny.
COMPLAINTS_MAX = 20
CALL = re.compile(r"(read|write|close)\((\d+)(.*)")
DATA = re.compile(r',\s*"((?:\\x[0-9a-f]{2})*)", (\d+)\)\s*= (-?\d+)(?: (\w+))?')


class Oracle:
    """What is known of each number: not there (no event's), "held" since it
    was read, "answered" since a response was taken."""

    def __init__(self):
        self.state = {}
        self.unfinished = {}
        self.counts = collections.Counter(
            {name: 0 for name in ("events", "answers", "closes", "refused",
                                  "violations")})
        self.complaints = []

    def complain(self, what, fd):
        self.counts["violations"] += 1
        if len(self.complaints) < COMPLAINTS_MAX:
            self.complaints.append("%s: %d" % (what, fd))

    def feed(self, line):
        thread, _, call = line.rstrip("\n").partition(" ")
        call = call.lstrip()
        if call.endswith("<unfinished ...>"):
            call = call[:-len("<unfinished ...>")].rstrip()
            self.unfinished[thread] = call
            # Before it ends the kernel may give the number to a newer event.
            if call.startswith("close("):
                self.closed(int(call[len("close("):]))
            return
        if call.startswith("<... "):
            begin = self.unfinished.pop(thread, "")
            if begin.startswith("close("):
                return
            call = begin + call.partition("resumed>")[2]
        match = CALL.match(call)
        if not match:
            return
        name, fd, rest = match.groups()
        if name == "close":
            self.closed(int(fd))
            return
        data = DATA.match(rest)
        if data:
            content = bytes.fromhex(data.group(1).replace("\\x", ""))
            if name == "read":
                self.was_read(content, int(data.group(3)))
            else:
                self.was_written(content, int(data.group(3)), data.group(4))

    def was_read(self, content, result):
        """Whatever looks like events: whole records of the known version."""
        if result < METADATA_BYTES or result % METADATA_BYTES or \
                len(content) < result:
            return
        for start in range(0, result, METADATA_BYTES):
            size, version, _, header, mask, fd, _ = struct.unpack_from(
                "=IBBHQii", content, start)
            if (size, version, header) != (METADATA_BYTES, METADATA_VERSION,
                                           METADATA_BYTES):
                return
            if mask & (FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM) == 0:
                continue
            self.counts["events"] += 1
            if fd in self.state:
                self.complain("read while an older event has the number", fd)
            self.state[fd] = "held"

    def was_written(self, content, result, error):
        if len(content) != 8:
            return
        fd, response = struct.unpack("=iI", content)
        if response not in RESPONSES or (result != 8 and result >= 0):
            return
        if result < 0:
            if error in ("ENOENT", "EINVAL"):
                self.counts["refused"] += 1
            return
        self.counts["answers"] += 1
        if self.state.get(fd) != "held":
            self.complain("answered while %s" % self.state.get(fd), fd)
        self.state[fd] = "answered"

    def closed(self, fd):
        state = self.state.pop(fd, None)
        if state is None:
            return  # Of something else.
        self.counts["closes"] += 1
        if state != "answered":
            self.complain("closed while %s" % state, fd)

    def result(self):
        """After the end of the trace."""
        return dict(self.counts, left=len(self.state),
                    complaints=self.complaints)


def judge(lines):
    oracle = Oracle()
    for line in lines:
        oracle.feed(line)
    return oracle.result()


if __name__ == "__main__":
    with open(sys.argv[1]) as trace:
        print(json.dumps(judge(trace)))
