#!/usr/bin/env python3
"""`mdatp diagnostic` against canned answers: text, JSON, exit codes.

    diagnostic_test.py MDATP TEST_DAEMON
"""

import base64
import json

import daemon_case
import mdatp

FRAME = "=" * 37 + "\n"
NETWORK_MANAGER = ('Process id: 560\nName: NetworkManager\n'
                   'Path: "/usr/sbin/\\xff\\n"\nTotal files scanned: 261\n'
                   'Scan time (ns): "3070788919"\nStatus: Active\n')
CC1 = ('Process id: 562\nName: cc1\nPath: "/usr/lib/cc1"\n'
       'Total files scanned: 262\nScan time (ns): "3070788919"\n'
       'Status: Active\n')
GONE = ('Process id: 561\nName: (ended)\nPath: unavailable\n'
        'Total files scanned: 0\nScan time (ns): "3070788919"\n'
        'Status: Inactive\n')


class Case(daemon_case.Case):
    def diagnose(self, *words):
        return self.text("diagnostic", *words)

    def diagnose_json(self, *words):
        return json.loads(self.diagnose(*words, "--output", "json"))


class RealTimeProtectionStatistics(Case):
    WORD = "real-time-protection-statistics"

    def test_a_block_per_process_that_caused_scans(self):
        self.serve()
        self.assertEqual(self.diagnose(self.WORD),
                         FRAME + NETWORK_MANAGER + FRAME + CC1 + FRAME)

    def test_all_of_them(self):
        self.serve()
        self.assertEqual(
            self.diagnose(self.WORD, "--list-all"),
            FRAME + NETWORK_MANAGER + FRAME + GONE + FRAME + CC1 + FRAME)

    def test_sorted_and_the_first(self):
        self.serve()
        self.assertEqual(self.diagnose(self.WORD, "--sort"),
                         FRAME + CC1 + FRAME + NETWORK_MANAGER + FRAME)
        self.assertEqual(self.diagnose(self.WORD, "--sort", "--top=1"),
                         FRAME + CC1 + FRAME)

    def test_top_needs_sort(self):
        self.serve()
        finished = self.run_mdatp("diagnostic", self.WORD, "--top", "1")
        self.assertEqual((finished.code, finished.out), (2, ""))
        self.assertIn("--sort", finished.err)

    def test_json_is_what_scripts_parse(self):
        self.serve()
        counters = self.diagnose_json(self.WORD)["counters"]
        self.assertEqual(counters[1], {
            "id": "562", "name": "cc1", "path": "/usr/lib/cc1",
            "totalFilesScanned": "262", "totalScanTime": "3070788919",
            "status": "Active", "authCount": "264", "notifyCount": "1",
            "missedAtMost": "3"})
        self.assertEqual(base64.b64decode(counters[0]["pathBytes"]),
                         b"/usr/sbin/\xff\n")
        gone = self.diagnose_json(self.WORD, "--list-all")["counters"][1]
        self.assertEqual(gone["name"], "(ended)")
        self.assertNotIn("path", gone)

    def test_nothing_is_an_empty_list(self):
        self.serve("empty")
        self.assertEqual(self.diagnose(self.WORD), FRAME)
        self.assertEqual(self.diagnose_json(self.WORD), {"counters": []})


class HotEventSources(Case):
    TOTAL = ("Total Events: 904 Time: 12s. Throughput: 75.3333 events/sec.\n"
             "=========== Top 3 Hot Event Sources ===========\n")

    def sources(self, *words):
        return ("hot-event-sources", *words)

    def test_files(self):
        self.serve()
        self.assertEqual(
            self.diagnose(*self.sources("files", "--time=1")),
            self.TOTAL + "count   file path\n832     /data/a b\n"
            "72      /data/\\x1b[2J\\n\n2       (ended)\n")

    def test_executables(self):
        self.serve()
        self.assertEqual(
            self.diagnose(*self.sources("executables", "--time", "0")),
            self.TOTAL + "count    executable path\n832      /data/a b\n"
            "72       /data/\\x1b[2J\\n\n2        (ended)\n")

    def test_json_is_what_scripts_parse(self):
        self.serve()
        report = self.diagnose_json(*self.sources("files", "--time", "0"))
        self.assertEqual(
            {name: report[name] for name in
             ("startTime", "endTime", "totalEvent")},
            {"startTime": "1729535104539160", "endTime": "1729535116539160",
             "totalEvent": "904"})
        self.assertEqual(report["eventSource"][0], {
            "authCount": "830", "csId": "", "notifyCount": "2",
            "path": "/data/a b", "pidCount": "1", "teamId": "",
            "missedAtMost": "0"})

    def test_another_observation_in_between_is_an_error(self):
        self.serve("interrupted")
        finished = self.run_mdatp("diagnostic",
                                  *self.sources("files", "--time", "1"))
        self.assertEqual((finished.code, finished.out), (1, ""))
        self.assertIn("cut off", finished.err)

    def test_a_time_that_is_none_is_wrong_usage(self):
        for time in ("-1", "x", "86401"):
            finished = self.run_mdatp("diagnostic", *self.sources("files"),
                                      "--time", time)
            self.assertEqual((finished.code, finished.out), (2, ""))


class EventProviderStatistics(Case):
    WORD = "event-provider-statistics"

    def test_a_line_per_number(self):
        self.serve()
        self.assertEqual(
            self.diagnose(self.WORD),
            "auth_events: 3\nnotify_close_events: 0\nunattributed_events: 1\n"
            "costs_auth_open_scan_count: 3\n"
            "costs_auth_open_scan_median_ns: 2304\nauth_allowed_clean: 3\n"
            "previous_run_unclean: 1\n")

    def test_json_has_the_histograms(self):
        self.serve()
        costs = self.diagnose_json(self.WORD)["costs"]
        self.assertEqual(costs["authOpen"]["scan"]["histogram"],
                         [{"belowNs": 4096, "count": 3}])


class Refusals(Case):
    COMMANDS = (("real-time-protection-statistics",),
                ("hot-event-sources", "files", "--time", "1"),
                ("hot-event-sources", "executables", "--time", "0"),
                ("event-provider-statistics",))

    def run_all(self, behaviour, code):
        self.serve(behaviour)
        for words in self.COMMANDS:
            for output in ("text", "json"):
                finished = self.run_mdatp("diagnostic", *words, "--output",
                                          output)
                self.assertEqual(finished.code, code, finished)
                self.assertNotEqual(finished.err, "")
                if output == "text":
                    self.assertEqual(finished.out, "")

    def test_who_is_not_root_gets_4(self):
        self.run_all("denying", 4)

    def test_answers_that_make_no_sense_are_1(self):
        self.run_all("babbling", 1)

    def test_no_daemon_is_3(self):
        for words in self.COMMANDS:
            self.assertEqual(self.run_mdatp("diagnostic", *words).code, 3)

    def test_names_of_processes_cannot_change_the_terminal(self):
        self.serve("hostile")
        for output in ("text", "json"):
            out = self.diagnose("real-time-protection-statistics", "--output",
                                output)
            self.assertNotIn("\x1b", out)


if __name__ == "__main__":
    mdatp.main()
