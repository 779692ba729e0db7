#!/usr/bin/env python3
"""Exactly one answer per permission event, judged from outside by a trace of
the system calls."""

import re
import os
import signal
import struct
import subprocess

import gate

METADATA_BYTES = 24
OPENS = 300


class AnswersTest(gate.GateTest):

    def test_every_event_read_is_answered_once(self):
        clean = self.write_clean_files(20)
        gate.write_file(self.path("evil-0"), gate.eicar())
        daemon = self.start_daemon(["--no-quarantine"])
        trace_path = os.path.join(self.base, "trace")
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-x", "-s", "4096", "-e",
             "trace=read,write", "-o", trace_path, "-p",
             str(daemon.worker())],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.stack.callback(tracer.kill)
        gate.until(lambda: traced_by(daemon.worker()) == tracer.pid,
                   "the tracer is attached")
        openers = self.start_openers(4)
        for opener in openers:
            opener.ask("round", clean, 20, self.path("evil-0"), 5)
        for opener in openers:
            self.assertEqual(opener.answer()["evil_denied"], 5)
        daemon.settled_counters()
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        tracer.stderr.close()
        with open(trace_path) as file:
            events, answers = read_trace(file)
        print(len(events), "events", len(answers), "answers", flush=True)
        self.assertEqual(len(events), 4 * 25)
        # The number of a descriptor is used again: as often as it was read it
        # was answered.
        self.assertEqual(sorted(events), sorted(answers))


def traced_by(pid):
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"TracerPid:\t(\d+)", file.read()).group(1))


def read_trace(lines):
    """The descriptors of events read and of answers written."""
    events, answers = [], []
    pending = {}
    for line in lines:
        match = re.match(r"(\d+)\s+(.*)", line)
        thread, call = match.groups()
        if call.endswith("<unfinished ...>"):
            pending[thread] = call[:-len("<unfinished ...>")].rstrip()
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", call)
        if resumed:
            call = pending.pop(thread) + resumed.group(1)
        match = re.match(r'(read|write)\(\d+,\s*"((?:\\x..)*)", (\d+)\)\s*= '
                         r'(-?\d+)', call)
        if not match:
            continue
        data = bytes.fromhex(match.group(2).replace("\\x", ""))
        result = int(match.group(4))
        if match.group(1) == "write" and len(data) == 8 and result == 8:
            fd, response = struct.unpack("=iI", data)
            if response in (1, 2):
                answers.append(fd)
        elif match.group(1) == "read" and result >= METADATA_BYTES and \
                int(match.group(3)) % METADATA_BYTES == 0:
            for start in range(0, result, METADATA_BYTES):
                _, _, _, _, mask, fd, _ = struct.unpack_from(
                    "=IBBHQii", data, start)
                if mask & 0x10000:
                    events.append(fd)
    return events, answers


if __name__ == "__main__":
    gate.main()
