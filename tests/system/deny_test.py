#!/usr/bin/env python3
"""An opened EICAR file is denied, a clean one never is."""

import os
import unittest

import gate

PROCESSES = 8
CLEAN_FILES = 100
ROUNDS = int(os.environ.get("GATEHOUSE_TEST_ROUNDS", "200"))


class DenyTest(gate.GateTest):

    def test_eicar_is_denied_while_its_writer_has_it_open(self):
        clean = self.write_clean_files(CLEAN_FILES)
        daemon = self.start_daemon(["--no-quarantine"])
        openers = self.start_openers(PROCESSES)
        totals = {}
        for round_number in range(ROUNDS):
            evil = self.path("evil-%d" % round_number)
            with open(evil, "wb", buffering=0) as writer:
                writer.write(gate.eicar())
                for opener in openers:
                    opener.ask("round", clean, CLEAN_FILES, evil, 2)
                for opener in openers:
                    for key, value in opener.answer().items():
                        totals[key] = max(totals.get(key, 0), value) \
                            if key == "slowest_ms" \
                            else totals.get(key, 0) + value
            os.unlink(evil)
        print(totals, flush=True)
        self.assertEqual(totals["evil_opened"], 0)
        self.assertEqual(totals["clean_refused"], 0)
        self.assertEqual(totals["other_errors"], 0)
        self.assertEqual(totals["evil_denied"], ROUNDS * PROCESSES * 2)
        self.assertEqual(totals["clean_opened"],
                         ROUNDS * PROCESSES * CLEAN_FILES)
        counters = daemon.settled_counters()
        self.assertEqual(counters["auth"]["deniedInfected"],
                         ROUNDS * PROCESSES * 2)
        self.assertEqual(counters["auth"]["ticketsDropped"], 0)
        self.assertEqual(counters["auth"]["responsesRefused"], 0)
        self.assertEqual(sum(counters["auth"]["allowedNotScanned"].values()),
                         0)
        self.assertEqual(counters["eventSource"]["answersFailed"], 0)
        self.assertEqual(daemon.stop(), 0)

    def test_without_the_daemon_eicar_is_read(self):
        """The negative control of every other test here."""
        gate.write_file(self.path("evil"), gate.eicar())
        opener, = self.start_openers(1)
        self.assertEqual(opener.open(self.path("evil"))["bytes"], 68)
        daemon = self.start_daemon(["--no-quarantine"])
        self.assertEqual(opener.open(self.path("evil"))["errno"], 1)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(opener.open(self.path("evil"))["bytes"], 68)

    def test_a_written_file_is_scanned_when_it_is_closed(self):
        daemon = self.start_daemon(["--no-quarantine"])
        gate.write_file(self.path("evil"), gate.eicar())
        gate.write_file(self.path("clean"), b"harmless")
        gate.until(lambda: daemon.counters()["sink"]["detectionsOnClose"] == 1,
                   "the closed file is found")
        self.assertEqual(daemon.counters()["auth"]["deniedInfected"], 0)

    def test_every_way_to_open_is_denied(self):
        gate.write_file(self.path("evil"), gate.eicar())
        os.link(self.path("evil"), self.path("link"))
        os.symlink("evil", self.path("symlink"))
        self.start_daemon(["--no-quarantine"])
        for name in ("evil", "link", "symlink"):
            for flags in (os.O_RDONLY, os.O_RDWR, os.O_WRONLY,
                          os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND):
                with self.subTest(name=name, flags=flags):
                    with self.assertRaises(PermissionError):
                        os.close(os.open(self.path(name), flags))
        self.assertEqual(os.stat(self.path("evil")).st_size, 68)
        with self.assertRaises(PermissionError):
            os.execv(self.path("evil"), ["evil"])


if __name__ == "__main__":
    gate.main()
