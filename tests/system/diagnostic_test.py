#!/usr/bin/env python3
"""`mdatp diagnostic` shows who causes events, how many, and what they cost."""

import os
import shutil
import signal
import subprocess
import unittest

import gate

NOBODY = 65534
HOT_OPENS = 300
WARM_OPENS = 40
COLD_OPENS = 20
COMMANDS = (("real-time-protection-statistics",),
            ("hot-event-sources", "files", "--time", "0"),
            ("hot-event-sources", "executables", "--time", "0"),
            ("event-provider-statistics",))


class DiagnosticTest(gate.GateTest):

    def ask(self, daemon, *words):
        answer = gate.mdatp(daemon, "diagnostic", *words, "--output", "json")
        self.assertEqual(answer.code, 0, answer)
        return answer.json()

    def process(self, daemon, pid):
        """The row of a process, {} if there is none."""
        rows = self.ask(daemon, "real-time-protection-statistics",
                        "--list-all")["counters"]
        return next((row for row in rows if row["id"] == str(pid)), {})

    def sources(self, daemon, what):
        return self.ask(daemon, "hot-event-sources", what, "--time", "0")

    def open_often(self, opener, path, times):
        for _ in range(times):
            self.assertEqual(opener.open(path)["errno"], 0)

    def wait_for_opens(self, daemon, pid, count):
        """An answer goes out before it is counted. Who must not wait counts
        an event as unattributed while somebody else is counting."""
        def counted():
            row = self.process(daemon, pid)
            provider = self.ask(daemon, "event-provider-statistics")
            missed = provider["unattributedEvents"]
            return row and int(row["authCount"]) + missed >= count and \
                (row, missed)
        row, missed = gate.until(counted, "%d opens by %d" % (count, pid))
        self.assertLessEqual(int(row["authCount"]), count)
        self.assertLessEqual(missed, count // 20 + 1)
        return row, missed

    def assert_counted(self, count, really, missed):
        self.assertLessEqual(int(count), really)
        self.assertGreaterEqual(int(count), really - missed)

    def test_a_known_opener_is_at_the_top_with_its_counts(self):
        gate.write_file(self.path("hot"), b"hot" * 100)
        gate.write_file(self.path("warm"), b"warm" * 100)
        self.write_clean_files(COLD_OPENS)
        daemon = self.start_daemon()
        busy, idle = self.start_openers(2)
        self.open_often(idle, self.path("warm"), 2)
        self.open_often(busy, self.path("hot"), HOT_OPENS)
        self.open_often(busy, self.path("warm"), WARM_OPENS)
        for index in range(COLD_OPENS):
            self.open_often(busy, self.path("clean-%d" % index), 1)
        pid = busy.process.pid
        opens = HOT_OPENS + WARM_OPENS + COLD_OPENS
        row, missed = self.wait_for_opens(daemon, pid, opens)
        program = os.path.realpath(os.path.join(gate.BIN,
                                                "gatehouse_test_opener"))
        self.assertEqual(
            {key: row[key] for key in ("name", "path", "status",
                                       "notifyCount", "missedAtMost")},
            {"name": "gatehouse_test_", "path": program, "status": "Active",
             "notifyCount": "0", "missedAtMost": "0"})
        self.assert_counted(row["authCount"], opens, missed)
        # What is known to be clean is not scanned again.
        self.assertIn(int(row["totalFilesScanned"]),
                      range(COLD_OPENS, opens + 1))
        self.assertGreater(int(row["totalScanTime"]), 0)
        top, = self.ask(daemon, "real-time-protection-statistics", "--sort",
                        "--top", "1")["counters"]
        self.assertEqual(top["id"], str(pid))
        files = self.sources(daemon, "files")
        hot, warm, *cold = files["eventSource"]
        # Each was scanned, so that none is unattributed.
        self.assertEqual({(row["path"], row["authCount"]) for row in cold},
                         {(self.path("clean-%d" % index), "1")
                          for index in range(COLD_OPENS)})
        for row, name, really, pids in ((hot, "hot", HOT_OPENS, "1"),
                                        (warm, "warm", WARM_OPENS + 2, "2")):
            self.assertEqual((row["path"], row["notifyCount"],
                              row["pidCount"]), (self.path(name), "0", pids))
            self.assert_counted(row["authCount"], really, missed)
        self.assert_counted(files["totalEvent"], opens + 2, missed)
        row, = self.sources(daemon, "executables")["eventSource"]
        self.assertEqual((row["path"], row["pidCount"]), (program, "2"))
        self.assert_counted(row["authCount"], opens + 2, missed)

    def test_counts_change_while_one_looks(self):
        gate.write_file(self.path("file"), b"content")
        gate.write_file(self.path("empty"), b"")
        daemon = self.start_daemon()
        opener, = self.start_openers(1)
        for times in (1, 2, 3):
            self.open_often(opener, self.path("file"), 1)
            self.wait_for_opens(daemon, opener.process.pid, times)
        # Events that need no scan are counted too, but not as scans.
        scans = self.process(daemon, opener.process.pid)["totalFilesScanned"]
        self.open_often(opener, self.path("empty"), 5)
        self.wait_for_opens(daemon, opener.process.pid, 8)
        self.assertEqual(self.process(daemon, opener.process.pid)
                         ["totalFilesScanned"], scans)
        with open(self.path("written"), "wb") as file:
            file.write(b"by the test")
        row = gate.until(
            lambda: next((row for row in
                          self.sources(daemon, "files")["eventSource"]
                          if row["path"] == self.path("written") and
                          row["notifyCount"] == "1"), None),
            "the close of a written file is counted")
        self.assertEqual(row["authCount"], "1")  # It was created by an open.
        opener.end()
        gate.until(lambda: self.process(daemon, opener.process.pid)["status"]
                   == "Inactive", "it is seen to be gone")

    def test_an_observation_begins_with_nothing(self):
        gate.write_file(self.path("before"), b"before")
        gate.write_file(self.path("meanwhile"), b"meanwhile")
        daemon = self.start_daemon()
        opener, = self.start_openers(1)
        self.open_often(opener, self.path("before"), 9)
        self.wait_for_opens(daemon, opener.process.pid, 9)
        observer = subprocess.Popen(
            [os.path.join(gate.BIN, "mdatp"), "--run-dir", daemon.run,
             "diagnostic", "hot-event-sources", "files", "--time", "3600"],
            stdout=subprocess.PIPE, text=True)
        self.stack.callback(observer.kill)
        gate.until(lambda: self.sources(daemon, "files")["totalEvent"] == "0",
                   "the observation begins")
        self.open_often(opener, self.path("meanwhile"), 1)
        self.wait_for_opens(daemon, opener.process.pid, 10)
        observer.send_signal(signal.SIGINT)  # Ctrl-C ends it early.
        out, _ = observer.communicate(timeout=gate.PATIENCE_SECONDS)
        self.assertEqual(observer.returncode, 0)
        total, head, column, row = out.splitlines()
        self.assertRegex(total, r"^Total Events: 1 Time: \d+s\. "
                                r"Throughput: [0-9.e+-]+ events/sec\.$")
        self.assertEqual(
            [head, column, row],
            ["=========== Top 1 Hot Event Sources ===========",
             "count   file path", "1       " + self.path("meanwhile")])

    def test_a_program_that_is_gone_keeps_its_name(self):
        program = self.path("short-lived")
        shutil.copy("/bin/true", program)
        daemon = self.start_daemon()
        for _ in range(3):
            subprocess.run([program], check=True)
        row = gate.until(
            lambda: next((row for row in self.ask(
                daemon, "real-time-protection-statistics")["counters"]
                if row["name"] == "short-lived"), None),
            "a program that has ended has a name")
        self.assertEqual((row["path"], row["status"]), (program, "Inactive"))
        programs = {row["path"]: row["pidCount"] for row in
                    self.sources(daemon, "executables")["eventSource"]}
        self.assertEqual(programs[program], "3")

    def test_what_events_cost_by_kind(self):
        self.write_clean_files(20)
        daemon = self.start_daemon()
        opener, = self.start_openers(1)
        for index in range(20):
            self.open_often(opener, self.path("clean-%d" % index), 1)
        provider = gate.until(
            lambda: (answer := self.ask(daemon, "event-provider-statistics"))
            ["costs"].get("authOpen", {}).get("total", {}).get("count") == 20
            and answer, "20 scans are timed")
        self.assertEqual(provider["events"]["authOpenEvents"], 20)
        opens = provider["costs"]["authOpen"]
        self.assertEqual(list(opens), ["queueWait", "scan", "answer", "total"])
        for phase, cost in opens.items():
            self.assertEqual(cost["count"], 20, phase)
            self.assertEqual(sum(step["count"] for step in cost["histogram"]),
                             20, phase)
            self.assertGreater(cost["medianNs"], 0, phase)
            self.assertLessEqual(cost["medianNs"], cost["p99Ns"], phase)
        self.assertEqual(provider["counters"]["auth"]["allowedClean"], 20)
        text = gate.mdatp(daemon, "diagnostic", "event-provider-statistics")
        lines = dict(line.split(": ") for line in text.out.splitlines())
        self.assertEqual(lines["auth_open_events"], "20")
        self.assertEqual(lines["costs_auth_open_scan_count"], "20")
        self.assertEqual(lines["auth_allowed_clean"], "20")
        self.assertTrue(all(number.isdigit() for number in lines.values()),
                        text)

    def test_only_root_sees_what_others_open(self):
        os.chmod(self.base, 0o755)
        # The folder of the build may be closed to others.
        program = shutil.copy(os.path.join(gate.BIN, "mdatp"), self.base)
        os.chmod(program, 0o755)
        daemon = self.start_daemon()
        for words in COMMANDS:
            refused = gate.mdatp(daemon, "diagnostic", *words, user=NOBODY,
                                 program=program)
            self.assertEqual(refused.code, 4, refused)
            self.assertEqual(refused.out, "", refused)
            self.assertEqual(gate.mdatp(daemon, "diagnostic", *words).code, 0)


if __name__ == "__main__":
    gate.main()
