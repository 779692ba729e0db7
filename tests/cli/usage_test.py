#!/usr/bin/env python3
"""The words of mdatp: help, version, wrong usage.

    usage_test.py MDATP
"""

import re

import mdatp

VERSION = re.compile(r"\AGatehouse \d+\.\d+\.\d+ \(mdatp-compatible\)\n")


class Usage(mdatp.Case):
    def test_version_is_the_first_line(self):
        for arguments in (["version"], ["--version"]):
            finished = mdatp.run(*arguments)
            self.assertEqual(finished.code, 0)
            self.assertRegex(finished.out, VERSION)
            self.assertEqual(finished.err, "")

    def test_version_as_json(self):
        version = mdatp.run("version", "--output", "json").json()
        self.assertEqual(version["product"], "Gatehouse")
        self.assertRegex(version["version"], r"\A\d+\.\d+\.\d+\Z")

    def test_a_bare_group_prints_its_sub_commands(self):
        for arguments, word in (([], "scan"), (["scan"], "custom")):
            finished = mdatp.run(*arguments)
            self.assertEqual(finished.code, 0)
            self.assertRegex(finished.out, rf"Subcommands:\n(.*\n)*  {word} ")

    def test_help_is_no_error(self):
        for arguments in (["help"], ["--help"], ["scan", "--help"],
                          ["scan", "custom", "--help"]):
            finished = mdatp.run(*arguments)
            self.assertEqual(finished.code, 0, arguments)
            self.assertIn("Usage:", finished.out)
            self.assertEqual(finished.err, "")

    def test_the_help_of_a_scan_names_every_option(self):
        text = mdatp.run("scan", "custom", "--help").out
        for option in ("--path", "--offline", "--definitions", "--threads",
                       "--fail-on-threat", "--statistics"):
            self.assertIn(option, text)

    def test_wrong_usage_is_code_2_and_one_line(self):
        for arguments in (["nonsense"], ["scan", "nonsense"], ["--nonsense"],
                          ["scan", "custom"], ["scan", "custom", "--path"],
                          ["scan", "custom", "--path", "/", "--threads", "x"],
                          ["scan", "custom", "--path", "/", "--threads", "-1"],
                          ["scan", "custom", "--path", "/", "--threads", "257"],
                          ["version", "--output", "xml"],
                          ["version", "scan"]):
            finished = mdatp.run(*arguments)
            self.assertEqual(finished.code, 2, arguments)
            self.assertEqual(finished.out, "")
            self.assertRegex(finished.err, r"\AError: [^\n]+\n\Z")

    def test_wrong_usage_as_json(self):
        error = mdatp.run("--output", "json", "scan", "nonsense").json()
        self.assertEqual(error["$type"], "error")
        self.assertEqual(error["code"], 2)
        self.assertIn("nonsense", error["message"])

    def test_output_may_stand_anywhere(self):
        for arguments in (["--output", "json", "version"],
                          ["version", "--output", "json"],
                          ["version", "--output=json"]):
            self.assertIn("version", mdatp.run(*arguments).json())

    def test_without_offline_the_daemon_is_unreachable(self):
        finished = mdatp.run("scan", "custom", "--path", self.folder)
        self.assertEqual(finished.code, 3)
        self.assertEqual(finished.out, "")
        self.assertIn("--offline", finished.err)


if __name__ == "__main__":
    mdatp.main()
