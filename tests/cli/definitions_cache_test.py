#!/usr/bin/env python3
"""Offline scans keep the definitions that they compiled.

    definitions_cache_test.py MDATP
"""

import os
import stat
import unittest

import mdatp

MARKER = b"a marker that nothing but this test contains"


class Cache(mdatp.Case):
    def setUp(self):
        super().setUp()
        self.write("defs/a.ndb", b"Marker:0:*:" + MARKER.hex().encode() + b"\n")
        self.target = self.write("target", b"1 " + MARKER + b" 2")
        self.cache = self.path("cache")

    def scan(self, *arguments, **options):
        finished = mdatp.scan(self.target, "--definitions", self.path("defs"),
                              *arguments, **options)
        self.assertEqual(finished.code, 0, finished)
        self.assertIn("Marker", finished.out)
        return finished

    def kept(self, folder=None):
        """{name: inode} of the artefacts."""
        with os.scandir(folder or self.cache) as entries:
            return {e.name: e.inode() for e in entries
                    if e.name.endswith(".set")}

    def test_the_second_scan_compiles_nothing(self):
        self.assertEqual(self.scan("--cache-dir", self.cache).err, "")
        first = self.kept()
        self.assertEqual(len(first), 1)
        self.assertEqual(self.scan("--cache-dir", self.cache).err, "")
        self.assertEqual(self.kept(), first)

    def test_other_definitions_are_another_set(self):
        self.scan("--cache-dir", self.cache)
        self.write("defs/b.ndb", b"Other:0:*:00112233445566778899\n")
        self.scan("--cache-dir", self.cache)
        self.assertEqual(len(self.kept()), 2)

    def test_a_damaged_one_is_replaced_and_told(self):
        self.scan("--cache-dir", self.cache)
        (name, _), = self.kept().items()
        path = os.path.join(self.cache, name)
        with open(path, "r+b") as file:
            file.seek(-9, os.SEEK_END)
            byte = file.read(1)
            file.seek(-9, os.SEEK_END)
            file.write(bytes([byte[0] ^ 1]))
        self.assertIn("not authentic", self.scan("--cache-dir", self.cache).err)
        self.assertEqual(self.scan("--cache-dir", self.cache).err, "")

    def test_none_keeps_nothing(self):
        self.scan("--cache-dir", "none")
        self.assertFalse(os.path.exists("none"))

    @unittest.skipIf(os.geteuid() != 0, "needs root to be another user")
    def test_a_users_own_are_in_his_cache_for_him_alone(self):
        home = self.make_directory("home")
        os.chown(home, mdatp.NOBODY, mdatp.NOBODY)
        finished = mdatp.run(
            "scan", "custom", "--offline", "--path", self.target,
            "--definitions", self.path("defs"), user=mdatp.NOBODY,
            env={"XDG_CACHE_HOME": home})
        self.assertIn("Marker", finished.out)
        self.assertEqual(finished.err, "")
        folder = os.path.join(home, "gatehouse")
        (name, _), = self.kept(folder).items()
        facts = os.stat(os.path.join(folder, name))
        self.assertEqual((facts.st_uid, stat.S_IMODE(facts.st_mode)),
                         (mdatp.NOBODY, 0o600))

    @unittest.skipIf(os.geteuid() != 0, "needs root to be another user")
    def test_what_belongs_to_somebody_else_is_not_used(self):
        self.scan("--cache-dir", self.cache)
        os.chown(self.cache, mdatp.NOBODY, mdatp.NOBODY)
        self.assertIn("must belong", self.scan("--cache-dir", self.cache).err)


if __name__ == "__main__":
    mdatp.main()
