#!/usr/bin/env python3
"""Exactly one answer per permission event, many times: by the openers' own
counts, by a trace of the system calls, and by the kernel's watchdog."""

import collections
import contextlib
import json
import os
import subprocess
import sys
import time

import gate
import trace_oracle

# docs/long-runs.md has the runs of 10 million and of 1 million.
EVENTS = int(os.environ.get("GATEHOUSE_TEST_EVENTS", "100000"))
TRACED_EVENTS = int(os.environ.get("GATEHOUSE_TEST_TRACED_EVENTS", "10000"))
SECONDS_MAX = int(os.environ.get("GATEHOUSE_TEST_SECONDS_MAX", "60"))
OPENERS = 16
CLEAN_FILES = 200
EVIL_FILES = 10
EVIL_EVERY = 50
WATCHDOG = "/proc/sys/fs/fanotify/watchdog_timeout"
# A process that is traced cannot look for leaks.
TRACER = ["env", "ASAN_OPTIONS=detect_leaks=0",
          "strace", "-D", "-f", "--seccomp-bpf", "-qq", "-x", "-s", "65536",
          "-e", "trace=read,write,close", "-e", "signal=none"]
# Each is an event that had no answer of ours, or not the one it should.
NEVER = ("allowedOwnProcess", "allowedDeadline", "deniedDeadline",
         "allowedUnanswered", "allowedNoWorker", "answersWithoutWaiter",
         "answersFailed", "queueOverflows", "readErrors")


class KernelWatchdog:
    """The kernel's own complaints about listeners that do not answer."""

    def __enter__(self):
        self.kmsg = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.kmsg, 0, os.SEEK_END)
        with open(WATCHDOG) as file:
            self.before = file.read()
        gate.write_file(WATCHDOG, b"1")
        return self

    def __exit__(self, *_):
        gate.write_file(WATCHDOG, self.before.encode())
        os.close(self.kmsg)

    def complaints(self):
        found = []
        while True:
            try:
                line = os.read(self.kmsg, 8192).decode(errors="replace")
            except BlockingIOError:
                return found
            except BrokenPipeError:  # The log has been overwritten.
                found.append("messages were lost")
                continue
            if "fanotify" in line:
                found.append(line)


class AnswersStormTest(gate.GateTest):

    def setUp(self):
        super().setUp()
        self.clean = self.write_clean_files(CLEAN_FILES)
        for index in range(EVIL_FILES):
            gate.write_file(self.path("evil-%d" % index), gate.eicar())
        # Whatever anybody may change the kernel is not told to ignore: each
        # open is an event.
        os.chmod(self.fs, 0o1777)
        for name in os.listdir(self.fs):
            os.chmod(self.path(name), 0o666)

    def storm(self, daemon, count):
        """Opens until the daemon has had `count` events; what they saw."""
        begin = time.monotonic()
        openers = self.start_openers(OPENERS)
        for opener in openers:
            opener.ask("loop", self.clean, CLEAN_FILES, self.path("evil-"),
                       EVIL_FILES, EVIL_EVERY)
        gate.until(lambda: daemon.counters()["eventSource"]["authEvents"] >=
                   count, "%d events" % count, SECONDS_MAX)
        for opener in openers:
            opener.ask("stop")
        totals, slowest = collections.Counter(), 0
        for opener in openers:
            answer = opener.answer()
            slowest = max(slowest, answer.pop("slowest_ms"))
            totals.update(answer)
        seconds = time.monotonic() - begin
        opens = totals["clean_opened"] + totals["evil_denied"]
        print("%d opens in %.1f s, %d/s, %d denied, slowest %d ms" %
              (opens, seconds, opens / seconds, totals["evil_denied"],
               slowest), flush=True)
        for name in ("clean_refused", "evil_opened", "evil_gone",
                     "other_errors"):
            self.assertEqual(totals[name], 0, name)
        return totals

    def check_counters(self, daemon, totals):
        counters = daemon.settled_counters()
        source = counters["eventSource"]
        opens = totals["clean_opened"] + totals["evil_denied"]
        self.assertEqual(source["authEvents"], opens)
        self.assertEqual(source["allowed"], totals["clean_opened"])
        self.assertEqual(source["denied"], totals["evil_denied"])
        for name in NEVER:
            self.assertEqual(source[name], 0, name)
        self.assertEqual(counters["auth"]["ticketsDropped"], 0)
        self.assertEqual(counters["auth"]["responsesRefused"], 0)

    def test_each_open_is_answered_once_by_the_openers_counts(self):
        daemon = self.start_daemon(["--no-quarantine"])
        with self.kernel_watchdog() as watchdog:
            totals = self.storm(daemon, EVENTS)
            if watchdog is not None:
                self.assertEqual(watchdog.complaints(), [])
        self.check_counters(daemon, totals)
        self.assertEqual(daemon.stop(), 0)

    def kernel_watchdog(self):
        if os.path.exists(WATCHDOG):
            return KernelWatchdog()
        print("this kernel has no watchdog of fanotify", flush=True)
        return contextlib.nullcontext()

    def test_each_event_has_one_answer_then_one_close_by_the_trace(self):
        # Not on what is protected; a file would have the size of the run.
        fifo = os.path.join(self.base, "trace")
        os.mkfifo(fifo)
        oracle = subprocess.Popen(
            [sys.executable, "-B", trace_oracle.__file__, fifo],
            stdout=subprocess.PIPE)
        self.addCleanup(oracle.stdout.close)
        self.addCleanup(oracle.wait)
        self.addCleanup(oracle.kill)
        daemon = self.start_daemon(["--no-quarantine"],
                                   prefix=TRACER + ["-o", fifo])
        totals = self.storm(daemon, TRACED_EVENTS)
        self.check_counters(daemon, totals)
        self.assertEqual(daemon.stop(), 0)
        out, _ = oracle.communicate(timeout=gate.PATIENCE_SECONDS)
        found = json.loads(out)
        print(found, flush=True)
        opens = totals["clean_opened"] + totals["evil_denied"]
        self.assertEqual(found, {
            "events": opens, "answers": opens, "closes": opens, "refused": 0,
            "violations": 0, "left": 0, "complaints": []})


class OracleTest(gate.unittest.TestCase):
    """The control: what the oracle must not let through."""

    READ = ('7 read(5, "\\x18\\x00\\x00\\x00\\x03\\x00\\x18\\x00\\x00\\x00'
            '\\x01\\x00\\x00\\x00\\x00\\x00\\x11\\x00\\x00\\x00\\x08\\x00\\x00'
            '\\x00", 4096) = 24')
    WRITE = '7 write(5, "\\x11\\x00\\x00\\x00\\x01\\x00\\x00\\x00", 8) = '
    CLOSE = "7 close(17) = 0"

    def judge(self, *lines):
        return trace_oracle.judge(lines)

    def test_it_lets_one_answer_and_one_close_pass(self):
        found = self.judge(self.READ, self.WRITE + "8", self.CLOSE)
        self.assertEqual((found["events"], found["answers"], found["closes"],
                          found["violations"], found["left"]), (1, 1, 1, 0, 0))

    def test_it_notices_a_close_without_an_answer(self):
        self.assertEqual(self.judge(self.READ, self.CLOSE)["violations"], 1)

    def test_it_notices_a_second_answer(self):
        self.assertEqual(self.judge(self.READ, self.WRITE + "8",
                                    self.WRITE + "8", self.CLOSE)
                         ["violations"], 1)
        self.assertEqual(self.judge(
            self.READ, self.WRITE + "8", self.WRITE + "-1 ENOENT (No such "
            "file or directory)", self.CLOSE)["refused"], 1)

    def test_it_notices_an_answer_after_the_close(self):
        self.assertEqual(self.judge(self.READ, self.CLOSE, self.WRITE + "8")
                         ["violations"], 2)

    def test_it_notices_what_is_never_answered(self):
        self.assertEqual(self.judge(self.READ)["left"], 1)

    def test_it_follows_calls_that_were_interrupted(self):
        found = self.judge(
            self.READ, '8 write(5, "\\x11\\x00\\x00\\x00\\x01\\x00\\x00\\x00"'
            ', 8 <unfinished ...>', "9 close(3) = 0",
            "8 <... write resumed>) = 8", "8 close(17 <unfinished ...>",
            self.READ, "8 <... close resumed>) = 0")
        self.assertEqual((found["events"], found["answers"], found["closes"],
                          found["violations"], found["left"]), (2, 1, 1, 0, 1))


if __name__ == "__main__":
    gate.main()
