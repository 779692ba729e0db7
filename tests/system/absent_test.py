#!/usr/bin/env python3
"""When no worker can be started, policy answers, and what was let through is
looked at as soon as there is one again."""

import os
import signal

import gate

EPERM = 1


class AbsentTest(gate.GateTest):

    def test_policy_answers_until_a_worker_can_start_again(self):
        config = os.path.join(self.base, "config.json")
        hidden = os.path.join(self.base, "hidden")
        gate.write_file(config, b"{}")
        gate.write_file(self.path("evil"), gate.eicar())
        gate.write_file(self.path("clean"), b"harmless")
        daemon = self.start_daemon(["--config", config,
                                    "--no-quarantine"])
        opener, = self.start_openers(1)
        self.assertEqual(opener.open(self.path("evil"))["errno"], EPERM)

        # Without its configuration no successor can start.
        os.rename(config, hidden)
        os.kill(daemon.worker(), signal.SIGKILL)
        answer = opener.open(self.path("evil"))
        print("waited", answer["wait_ms"], "ms", flush=True)
        self.assertEqual(answer["errno"], 0)
        # More openers than slots must not be held either.
        for _ in range(100):
            self.assertEqual(opener.open(self.path("clean"))["errno"], 0)

        os.rename(hidden, config)
        gate.until(lambda: opener.open(self.path("evil"))["errno"] == EPERM,
                   "a worker judges again")
        counters = daemon.settled_counters()
        print(counters["supervisor"], counters["sink"], flush=True)
        self.assertGreaterEqual(counters["eventSource"]["allowedNoWorker"],
                                101)
        self.assertEqual(counters["eventSource"]["rescansLost"], 0)
        gate.until(
            lambda: daemon.counters()["sink"]["detectionsOnRescan"] >= 1,
            "what was let through is found")
        self.assertEqual(daemon.stop(), 0)

    def test_a_first_worker_that_cannot_start_ends_the_daemon(self):
        daemon = gate.Daemon(self.base, [self.fs],
                             arguments=["--definitions",
                                        os.path.join(self.base, "missing")])
        self.stack.callback(daemon.end)
        self.assertEqual(
            daemon.process.wait(timeout=gate.PATIENCE_SECONDS), 1)
        self.assertIn("missing", daemon.log())


if __name__ == "__main__":
    gate.main()
