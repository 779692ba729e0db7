#!/usr/bin/env python3
"""`mdatp diagnostic record` against canned answers: text, JSON, exit codes, and
what becomes of the file.

    record_test.py MDATP TEST_DAEMON
"""

import json
import os
import stat

import daemon_case
import mdatp

COUNTS = "Events: 12\nAnswers: 11\nLost: 1\nBytes: 5000\n"


class Case(daemon_case.Case):
    def setUp(self):
        super().setUp()
        self.trace = os.path.join(self.folder, "a.trace")

    def start(self, *words):
        return self.run_mdatp("diagnostic", "record", "start", "--path",
                              self.trace, *words)

    def trace_text(self):
        with open(self.trace) as file:
            return file.read()


class Start(Case):
    def test_what_was_recorded(self):
        self.serve()
        finished = self.start("--duration", "1")
        self.assertEqual(finished.code, 0, finished)
        self.assertEqual(finished.out, 'Trace: "%s"\n%sEnded: as asked\n' %
                         (self.trace, COUNTS))
        self.assertEqual(finished.err, 'Recording to "%s", until Ctrl-C or '
                         'mdatp diagnostic record stop\n' % self.trace)

    def test_the_daemon_writes_to_what_was_opened_here(self):
        self.serve("full")
        self.start()
        self.assertEqual(self.trace_text(), "trace")
        self.assertEqual(stat.S_IMODE(os.stat(self.trace).st_mode), 0o600)

    def test_json_is_what_scripts_parse(self):
        self.serve()
        finished = self.start("--duration=1", "--output", "json")
        self.assertEqual((finished.code, finished.json()),
                         (0, {"path": self.trace, "events": 12, "answers": 11,
                              "lost": 1, "bytes": 5000, "reason": "stopped"}))

    def test_a_full_trace_is_an_error_that_says_what_there_is(self):
        self.serve("full")
        finished = self.start()
        self.assertEqual((finished.code, finished.out),
                         (1, 'Trace: "%s"\n%sEnded: the trace is full: 64 MiB\n'
                          % (self.trace, COUNTS)))
        self.assertIn("Error: the recording ended early: the trace is full",
                      finished.err)

    def test_as_json_it_is_one_object(self):
        self.serve("full")
        finished = self.start("--output", "json")
        self.assertEqual((finished.code, finished.json()["reason"]),
                         (1, "size_limit"))

    def test_a_daemon_that_goes_is_an_error_and_the_trace_stays(self):
        self.serve("vanishing")
        finished = self.start()
        self.assertEqual((finished.code, finished.out), (1, ""))
        self.assertIn("the daemon is gone", finished.err)
        self.assertEqual(self.trace_text(), "trace")

    def test_nothing_is_recorded_over(self):
        self.serve()
        with open(self.trace, "w") as file:
            file.write("mine")
        finished = self.start()
        self.assertEqual((finished.code, finished.out), (1, ""))
        self.assertIn("File exists", finished.err)
        self.assertEqual(self.trace_text(), "mine")

    def test_a_link_is_not_followed(self):
        self.serve()
        target = os.path.join(self.folder, "target")
        os.symlink(target, self.trace)
        self.assertEqual(self.start().code, 1)
        self.assertFalse(os.path.exists(target))

    def test_wrong_usage(self):
        for words in ((), ("--path",), ("--path", "x", "--duration", "-1"),
                      ("--path", "x", "--duration", "86401")):
            finished = self.run_mdatp("diagnostic", "record", "start", *words)
            self.assertEqual((finished.code, finished.out), (2, ""), words)


class Refusals(Case):
    """Nothing is left of a recording that did not begin."""

    def refused(self, code):
        for output in ("text", "json"):
            finished = self.start("--output", output)
            self.assertEqual(finished.code, code, finished)
            self.assertFalse(os.path.exists(self.trace))
        self.assertEqual(json.loads(finished.out)["code"], code)

    def test_who_is_not_root_gets_4(self):
        self.serve("denying")
        self.refused(4)

    def test_an_answer_that_makes_no_sense_is_1(self):
        self.serve("babbling")
        self.refused(1)

    def test_no_daemon_is_3(self):
        self.refused(3)


class Stop(Case):
    WORDS = ("diagnostic", "record", "stop")

    def test_what_was_recorded(self):
        self.serve()
        self.assertEqual(self.text(*self.WORDS), COUNTS +
                         "Ended: by mdatp diagnostic record stop\n")

    def test_json_is_what_scripts_parse(self):
        self.serve()
        self.assertEqual(
            json.loads(self.text(*self.WORDS, "--output", "json")),
            {"events": 12, "answers": 11, "lost": 1, "bytes": 5000,
             "reason": "ended_by_another"})

    def test_refusals(self):
        self.assertEqual(self.run_mdatp(*self.WORDS).code, 3)
        self.serve("denying")
        self.assertEqual(self.run_mdatp(*self.WORDS).code, 4)


if __name__ == "__main__":
    mdatp.main()
