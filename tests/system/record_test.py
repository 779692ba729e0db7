#!/usr/bin/env python3
"""A session of the daemon is recorded, and replayed with the same answers in
the same order."""

import os
import re
import signal
import subprocess

import gate


def replay(*arguments):
    """Ends with 0 if each open was answered once, and as it was recorded."""
    done = subprocess.run([os.path.join(gate.BIN, "gatehouse-replay"),
                           *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout, flush=True)
    return done.returncode, done.stdout


def count(text, name):
    return int(re.search(r"(?m)^%s +(\d+)" % name, text).group(1))


class RecordTest(gate.GateTest):

    def test_a_replay_answers_as_it_was_recorded(self):
        trace = os.path.join(self.base, "session.trace")
        clean = self.write_clean_files(20)
        gate.write_file(self.path("evil-0"), gate.eicar())
        daemon = self.start_daemon(["--no-quarantine", "--record", trace])
        openers = self.start_openers(4)
        for opener in openers:
            opener.ask("round", clean, 20, self.path("evil-0"), 5)
        for opener in openers:
            self.assertEqual(opener.answer()["evil_denied"], 5)
        gate.write_file(self.path("written"), b"harmless")
        counters = daemon.settled_counters()["eventSource"]
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(counters["recordLost"], 0)
        self.assertEqual(counters["recordingsFailed"], 0)
        self.assertLess(os.stat(trace).st_size, 32 * 1024)
        with open(trace, "rb") as file:
            self.assertNotIn(gate.eicar(), file.read())

        again = os.path.join(self.base, "again.trace")
        answers = [os.path.join(self.base, name) for name in "ab"]
        code, text = replay(trace, "--mode", "virtual", "--record", again,
                            "--answers", answers[0])
        self.assertEqual(code, 0)
        self.assertEqual(count(text, "held"), counters["authEvents"] -
                         counters["allowedOwnProcess"])
        self.assertEqual(count(text, "denied"), 20)
        # As in production: what is known to be clean is not scanned again.
        self.assertGreater(count(text, "cache hits"), 0)
        # Recorded again, it is the same session: events and answers, in their
        # order and at their times.
        code, _ = replay(again, "--mode", "virtual", "--answers", answers[1])
        self.assertEqual(code, 0)
        with open(answers[0]) as first, open(answers[1]) as second:
            self.assertEqual(first.read(), second.read())
        for mode in (["--mode", "fast", "--repeat", "20"],
                     ["--mode", "paced", "--speed", "10"]):
            self.assertEqual(replay(trace, *mode)[0], 0)

    def test_a_worker_that_is_killed_leaves_a_trace_that_goes_on(self):
        trace = os.path.join(self.base, "session.trace")
        clean = self.write_clean_files(20)
        daemon = self.start_daemon(["--no-quarantine", "--record", trace])
        opener, = self.start_openers(1)
        for _ in range(2):
            opener.ask("round", clean, 20, clean, 0)
            opener.answer()
            gate.until(lambda size=os.stat(trace).st_size:
                       os.stat(trace).st_size > size,
                       "a block is written")
            os.kill(daemon.worker(), signal.SIGKILL)
            daemon.wait_for_log("worker died")
        opener.ask("round", clean, 20, clean, 0)
        opener.answer()
        self.assertEqual(daemon.stop(), 0)
        code, text = replay(trace)
        self.assertEqual(code, 0)
        self.assertIn("3 sessions (1 ended)", text)
        # The last block of a worker that was killed may be missing.
        self.assertGreaterEqual(count(text, "held"), 22)

    def test_what_is_there_is_not_recorded_over(self):
        trace = os.path.join(self.base, "session.trace")
        gate.write_file(trace, b"mine")
        daemon = gate.Daemon(self.base, [self.fs],
                             arguments=["--record", trace])
        self.stack.callback(daemon.end)
        self.assertEqual(daemon.process.wait(), 1)
        self.assertIn("record to '%s': File exists" % trace, daemon.log())
        with open(trace, "rb") as file:
            self.assertEqual(file.read(), b"mine")


if __name__ == "__main__":
    gate.main()
