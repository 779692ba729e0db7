#!/usr/bin/env python3
"""Exactly one answer per permission event, judged from outside by a trace of
the system calls."""

import re
import os
import signal
import subprocess

import gate
import trace_oracle


class AnswersTest(gate.GateTest):

    def test_every_event_read_is_answered_once(self):
        clean = self.write_clean_files(20)
        gate.write_file(self.path("evil-0"), gate.eicar())
        daemon = self.start_daemon(["--no-quarantine"])
        trace_path = os.path.join(self.base, "trace")
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-x", "-s", "4096", "-e",
             "trace=read,write,close", "-o", trace_path, "-p",
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
            found = trace_oracle.judge(file)
        print(found, flush=True)
        self.assertEqual(found, {
            "events": 4 * 25, "answers": 4 * 25, "closes": 4 * 25,
            "refused": 0, "violations": 0, "left": 0, "complaints": []})


def traced_by(pid):
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"TracerPid:\t(\d+)", file.read()).group(1))


if __name__ == "__main__":
    gate.main()
