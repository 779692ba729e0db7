#!/usr/bin/env python3
"""Tests of tools/, with stand-ins for apt, CMake and CTest on the PATH."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Answers like dpkg-query; knows a package once $STATE/installed names it.
DPKG_QUERY = """#!/bin/sh
while read -r name; do echo "$name installed"; done <"$STATE/installed"
exit 1
"""
APT_GET = """#!/bin/sh
echo "$*" >>"$STATE/apt-calls"
case "$*" in *" install "*)
  for word; do echo "$word"; done >>"$STATE/installed" ;;
esac
"""
CTEST = """#!/bin/sh
while [ $# -gt 0 ]; do
  [ "$1" = --output-junit ] && cp "$STATE/junit" "$2"
  shift
done
exit "$(cat "$STATE/ctest-status")"
"""
JUNIT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="x" tests="5">
\t<testcase name="good" classname="good" time="0.1" status="run">
\t\t<system-out>[  SKIPPED ] MountTest.NeedsRoot (0 ms)
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] MountTest.NeedsRoot
</system-out>
\t</testcase>
%s</testsuite>
"""
SKIPPED = """\t<testcase name="kill" classname="kill" time="0" status="notrun">
\t\t<skipped message="SKIP_RETURN_CODE=77"/>
\t</testcase>
"""
MISSING = """\t<testcase name="gone" classname="gone" time="0" status="notrun">
\t\t<skipped message="Unable to find executable"/>
\t</testcase>
"""
FAILED = """\t<testcase name="bad" classname="bad" time="1" status="fail">
\t\t<failure message="Failed"/>
\t</testcase>
"""


class ToolsTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.state = pathlib.Path(self._folder.name)
        self.bin = self.state / "bin"
        self.bin.mkdir()
        for name, text in {"dpkg-query": DPKG_QUERY, "apt-get": APT_GET,
                           "ctest": CTEST, "cmake": "#!/bin/sh\n",
                           "id": "#!/bin/sh\necho ${FAKE_UID:-0}\n"}.items():
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        self.write("installed", "")
        self.write("ctest-status", "0")

    def write(self, name, text):
        (self.state / name).write_text(text)

    def run_tool(self, *command, **environment):
        environment = {**os.environ, "STATE": str(self.state),
                       "PATH": f"{self.bin}:{os.environ['PATH']}",
                       **environment}
        return subprocess.run([ROOT / "tools" / command[0], *command[1:]],
                              cwd=self.state, env=environment, text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)

    def install_everything(self):
        listed = self.run_tool("install-deps", "--list").stdout
        names = [line.split()[0] for line in listed.splitlines()]
        self.write("installed", "\n".join(names) + "\n")
        return names

    def apt_calls(self):
        calls = self.state / "apt-calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def test_installs_what_is_missing_once(self):
        names = self.install_everything()
        self.write("installed", "\n".join(names[2:]) + "\n")
        first = self.run_tool("install-deps")
        self.assertEqual(first.returncode, 0, first.stdout)
        self.assertIn(f"installing {names[0]} {names[1]}\n", first.stdout)
        update, install = self.apt_calls()
        self.assertTrue(update.endswith(" update"))
        self.assertIn("--no-install-recommends", install)
        self.assertTrue(install.endswith(f"{names[0]} {names[1]}"))
        second = self.run_tool("install-deps")
        self.assertEqual((second.returncode, second.stdout), (0, ""))
        self.assertEqual(len(self.apt_calls()), 2)

    def test_names_what_is_missing_to_those_who_cannot_install(self):
        names = self.install_everything()
        self.write("installed", "\n".join(names[1:]) + "\n")
        result = self.run_tool("install-deps", FAKE_UID="1000")
        self.assertEqual(result.returncode, 1)
        self.assertIn("not root", result.stdout)
        self.assertIn(names[0], result.stdout)
        self.assertEqual(self.apt_calls(), [])

    def test_needs_no_root_when_nothing_is_missing(self):
        self.install_everything()
        result = self.run_tool("install-deps", FAKE_UID="1000")
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_refuses_a_system_without_apt(self):
        # A PATH with nothing but what the script itself calls.
        bare = self.state / "bare"
        bare.mkdir()
        for name in ("bash", "env", "grep", "id"):
            (bare / name).symlink_to(shutil.which(name))
        result = self.run_tool("install-deps", PATH=str(bare))
        self.assertEqual(result.returncode, 1)
        self.assertIn("no apt", result.stdout)
        self.assertIn("libhyperscan-dev", result.stdout)

    def summary(self, cases, ctest_status):
        self.install_everything()
        self.write("junit", JUNIT % cases)
        self.write("ctest-status", str(ctest_status))
        return self.run_tool("test", "dev")

    def test_counts_and_names_what_was_skipped(self):
        result = self.summary(SKIPPED, 0)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("skipped: kill\n", result.stdout)
        self.assertIn("skipped: MountTest.NeedsRoot in good\n", result.stdout)
        self.assertRegex(result.stdout.splitlines()[-1],
                         r"^tools/test: dev: 1 passed, 0 failed, 2 skipped in "
                         r"\d+ min \d+ s$")

    def test_fails_when_a_test_fails_or_could_not_run(self):
        result = self.summary(FAILED + MISSING, 8)
        self.assertEqual(result.returncode, 8)
        self.assertIn("failed: bad\n", result.stdout)
        self.assertIn("failed: gone (not run)\n", result.stdout)
        self.assertIn("1 passed, 2 failed, 1 skipped", result.stdout)

    def test_says_so_when_the_build_fails(self):
        self.install_everything()
        (self.bin / "cmake").write_text(
            '#!/bin/sh\n[ "$1" != --build ] || exit 3\n')
        result = self.run_tool("test")
        self.assertEqual(result.returncode, 3)
        self.assertIn("release: build failed, no test was run",
                      result.stdout.splitlines()[-1])

    def test_leaves_nothing_behind(self):
        self.summary("", 0)
        self.assertEqual(self.run_tool("test", TMPDIR=str(self.bin.parent))
                         .returncode, 0)
        self.assertEqual(list(self.state.glob("tmp.*")), [])

    def test_explains_itself(self):
        for name in ("test",):
            self.assertEqual(self.run_tool(name, "--help").returncode, 0)
        for command in (("test", "bench"), ("test", "dev", "x"),
                        ("install-deps", "x"), ("format", "x"),
                        ("tidy", "--x")):
            result = self.run_tool(*command)
            self.assertEqual(result.returncode, 2, command)
            self.assertIn("usage:", result.stdout)

    def test_ci_runs_the_same(self):
        self.assertIn("exec ./tools/test\n",
                      (ROOT / ".ci" / "run").read_text())


if __name__ == "__main__":
    unittest.main()
