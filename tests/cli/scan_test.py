#!/usr/bin/env python3
"""mdatp scan custom --offline: text, JSON, exit codes, hostile input.

    scan_test.py MDATP
"""

import base64
import hashlib
import os
import signal
import subprocess
import time
import unittest

import mdatp
from mdatp import EICAR, EICAR_NAME

IS_ROOT = os.geteuid() == 0
NDB = "Test.Marker:0:*:6d61726b2d6d65\n"  # "mark-me"


class Text(mdatp.Case):
    def test_a_clean_folder(self):
        self.write("clean", b"nothing")
        finished = mdatp.scan(self.folder)
        self.assertEqual(finished.code, 0)
        self.assertEqual(finished.out, "Scan has finished\n"
                                       "\t1 file(s) scanned\n"
                                       "\t0 threat(s) detected\n")
        self.assertEqual(finished.err, "")

    def test_every_kind_of_finding(self):
        threat = self.write("eicar.com", EICAR)
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        finished = mdatp.scan(self.folder)
        self.assertEqual(finished.code, 0)
        self.assertEqual(
            sorted(finished.out.splitlines()),
            sorted([f"{threat}: {EICAR_NAME} FOUND",
                    f"{fifo}: not_regular_file NOT SCANNED",
                    "Scan has finished", "\t1 file(s) scanned",
                    "\t1 threat(s) detected", "\t1 file(s) not scanned"]))

    def test_names_cannot_forge_lines_or_colours(self):
        self.write(b"a\nb: Fake FOUND\x1b[31m\xff\\", EICAR)
        finished = mdatp.scan(self.folder)
        self.assertEqual(
            finished.out.splitlines()[0],
            self.folder + "/a\\nb: Fake FOUND\\x1b[31m\\xff\\\\: "
            + EICAR_NAME + " FOUND")

    def test_signature_names_are_escaped_too(self):
        definitions = self.write("defs/a.ndb", b"\x1b[31m\xff:0:*:6d61726b\n")
        self.write("tree/file", b"mark")
        finished = mdatp.scan(self.path("tree"), "--definitions",
                              os.path.dirname(definitions))
        self.assertIn("\\x1b[31m\\xff FOUND\n", finished.out)

    def test_statistics_go_to_standard_error(self):
        finished = mdatp.scan(self.folder, "--statistics")
        self.assertRegex(finished.err, r"\AStatistics: [\d.]+ seconds, "
                                       r"\d+ files/s, [\d.]+ MB/s\n\Z")
        self.assertNotIn("Statistics", finished.out)

    def test_lines_of_different_threads_never_mix(self):
        for number in range(2000):
            self.write(f"{number % 40}/{number}", EICAR)
        finished = mdatp.scan(self.folder, "--threads", "8")
        expected = {f"{self.folder}/{n % 40}/{n}: {EICAR_NAME} FOUND"
                    for n in range(2000)}
        self.assertEqual(set(finished.out.splitlines()[:2000]), expected)


class Json(mdatp.Case):
    def test_one_object_with_typed_values(self):
        before = time.time() * 1000
        self.write("b/eicar", EICAR)
        self.write("a", EICAR)
        os.mkfifo(self.path("fifo"))
        os.symlink("a", self.path("link"))
        scan = mdatp.scan_json(self.folder)
        self.assertEqual(scan["type"], "custom")
        self.assertEqual(scan["path"], self.folder)
        self.assertEqual(scan["state"], "Succeeded")
        self.assertIsInstance(scan["startTime"], int)
        self.assertLessEqual(before - 1, scan["startTime"])
        self.assertLessEqual(scan["startTime"], scan["endTime"])
        self.assertEqual(scan["filesScanned"], 2)
        self.assertEqual(scan["bytesScanned"], 2 * len(EICAR))
        self.assertEqual(scan["threats"], [
            {"path": self.path(name), "name": EICAR_NAME, "type": "virus",
             "status": "detected"} for name in ("a", "b/eicar")])
        self.assertEqual(scan["notScanned"], [
            {"path": self.path("fifo"), "reason": "not_regular_file"}])
        self.assertEqual(scan["errors"], [])
        self.assertEqual(scan["symbolicLinksSkipped"], 1)
        self.assertEqual(scan["definitions"]["lines"], 0)

    def test_names_that_are_not_text_are_given_exactly(self):
        name = b"not\xffutf8\x1b\n\""
        self.write(name, EICAR)
        self.write("t\u00e4xt", EICAR)
        by_bytes = {}
        for threat in mdatp.scan_json(self.folder)["threats"]:
            exact = threat.get("pathBytes")
            by_bytes[base64.b64decode(exact) if exact
                     else threat["path"].encode()] = threat["path"]
        folder = self.folder.encode()
        self.assertEqual(by_bytes[folder + b"/" + name],
                         f"{self.folder}/not\ufffdutf8\x1b\n\"")
        self.assertIn(f"{self.folder}/t\u00e4xt".encode(), by_bytes)

    def test_base64_of_every_length(self):
        for length in range(1, 8):
            self.write(b"\xff" * length, EICAR)
        threats = mdatp.scan_json(self.folder)["threats"]
        self.assertEqual(
            sorted(base64.b64decode(t["pathBytes"], validate=True)
                   for t in threats),
            [self.folder.encode() + b"/" + b"\xff" * n for n in range(1, 8)])

    def test_the_report_on_definitions(self):
        self.write("defs/a.ndb", (NDB + "# comment\nBad:0:*:xx\n"
                                  "Later:1:*:aabb:300\n").encode())
        self.write("defs/notes.txt", b"x")
        report = mdatp.scan_json(self.folder, "--definitions",
                                 self.path("defs"))["definitions"]
        self.assertEqual(report["directory"], self.path("defs"))
        self.assertEqual((report["lines"], report["loaded"],
                          report["skipped"], report["malformed"]),
                         (3, 1, 1, 1))
        self.assertEqual(report["files"][0]["file"], "a.ndb")
        self.assertEqual(report["problems"][0],
                         {"file": "a.ndb", "line": 3,
                          "reason": "not a hexadecimal digit or operator"})
        self.assertEqual(report["ignoredFiles"], [{"file": "notes.txt"}])

    def test_errors_are_an_object(self):
        finished = mdatp.scan(self.path("none"), "--output", "json")
        self.assertEqual(finished.code, 5)
        error = finished.json()
        self.assertEqual((error["$type"], error["code"]), ("error", 5))
        self.assertEqual(finished.err, f"Error: {error['message']}\n")


class ExitCodes(mdatp.Case):
    def code(self, *arguments):
        return mdatp.scan(self.folder, *arguments).code

    def test_fail_on_threat(self):
        self.assertEqual(self.code("--fail-on-threat"), 0)
        os.mkfifo(self.path("fifo"))
        self.assertEqual(self.code("--fail-on-threat"), 11)
        self.write("eicar", EICAR)
        self.assertEqual(self.code("--fail-on-threat"), 10)
        self.assertEqual(self.code(), 0)

    def test_a_missing_path_is_5(self):
        for path in (self.path("none"), ""):
            finished = mdatp.scan(path)
            self.assertEqual(finished.code, 5)
            self.assertRegex(finished.err, r"\AError: scan '.*': No such file")

    def test_missing_definitions_are_5(self):
        self.assertEqual(self.code("--definitions", self.path("none")), 5)

    def test_definitions_without_a_usable_line_are_1_and_named(self):
        empty = self.make_directory("empty")
        finished = mdatp.scan(self.folder, "--definitions", empty)
        self.assertEqual(finished.code, 1)
        self.assertIn("no usable signature", finished.err)
        self.write("bad/x.ndb", b"nonsense\n")
        self.write("bad/y.hdb", b"# only a comment\n")
        finished = mdatp.scan(self.folder, "--definitions", self.path("bad"))
        self.assertEqual(finished.code, 1)
        self.assertIn("x.ndb: 1 malformed and 0 skipped of 1", finished.err)
        self.assertIn("y.hdb: 0 malformed", finished.err)
        self.assertEqual(finished.out, "")

    def test_bad_lines_warn_and_the_rest_is_used(self):
        self.write("defs/a.ndb", ("bad\n" + NDB).encode())
        self.write("tree/file", b".. mark-me ..")
        finished = mdatp.scan(self.path("tree"), "--definitions",
                              self.path("defs"))
        self.assertEqual(finished.code, 0)
        self.assertIn("Test.Marker FOUND", finished.out)
        self.assertEqual(finished.err, "Warning: a.ndb:1: expected 4 to 6 "
                                       "fields, found 1\n")

    def test_a_full_or_closed_standard_output_is_1(self):
        self.write("eicar", EICAR)
        with open("/dev/full", "wb") as full:
            finished = mdatp.scan(self.folder, stdout=full)
        self.assertEqual(finished.code, 1)
        self.assertIn("write standard output: No space", finished.err)
        read_end, write_end = os.pipe()
        os.close(read_end)
        finished = mdatp.scan(self.folder, stdout=write_end)
        os.close(write_end)
        self.assertEqual(finished.code, 1)
        self.assertIn("Broken pipe", finished.err)
        # The first file opened then would get descriptor 1.
        shell = subprocess.run(
            ["sh", "-c", 'exec "$0" scan custom --offline --path "$1" >&-',
             mdatp.program(), self.folder], stderr=subprocess.PIPE,
            timeout=mdatp.TIMEOUT_SECONDS, check=False)
        self.assertEqual(shell.returncode, 1)
        self.assertIn(b"write standard output", shell.stderr)


class Rights(mdatp.Case):
    user = mdatp.NOBODY if IS_ROOT else None

    def test_any_user_scans_what_he_may_read(self):
        threat = self.write("eicar", EICAR)
        secret = self.write("secret", EICAR)
        os.chmod(secret, 0)
        closed = self.make_directory("closed")
        os.chmod(closed, 0)
        self.addCleanup(os.chmod, closed, 0o755)
        finished = mdatp.scan(self.folder, user=self.user)
        self.assertEqual(
            set(finished.out.splitlines()),
            {f"{threat}: {EICAR_NAME} FOUND",
             f"{secret}: Permission denied ERROR",
             f"{closed}: Permission denied ERROR", "Scan has finished",
             "\t1 file(s) scanned", "\t1 threat(s) detected",
             "\t2 error(s)"})
        os.unlink(threat)
        finished = mdatp.scan(self.folder, "--fail-on-threat", user=self.user)
        self.assertEqual(finished.code, 11)

    def test_a_path_without_permission_is_4(self):
        closed = self.make_directory("closed")
        os.chmod(closed, 0)
        self.addCleanup(os.chmod, closed, 0o755)
        finished = mdatp.scan(closed, user=self.user)
        self.assertEqual(finished.code, 4)
        self.assertIn("Permission denied", finished.err)

    def test_documentation_of_the_system_has_no_errors(self):
        scan = mdatp.scan_json("/usr/share/doc", user=self.user)
        self.assertGreater(scan["filesScanned"], 0)
        self.assertEqual(scan["threats"], [])
        self.assertEqual(scan["errors"], [])
        self.assertEqual(scan["notScanned"], [])

    def test_device_files_and_pseudo_file_systems(self):
        scan = mdatp.scan_json("/dev", user=self.user)
        reasons = {entry["path"]: entry["reason"]
                   for entry in scan["notScanned"]}
        self.assertEqual(reasons["/dev/null"], "not_regular_file")
        self.assertEqual(reasons["/dev/zero"], "not_regular_file")
        if os.path.ismount("/dev/pts"):
            self.assertIn(reasons["/dev/pts"], ["pseudo_file_system"])
        self.assertEqual(mdatp.scan_json("/proc")["notScanned"],
                         [{"path": "/proc", "reason": "pseudo_file_system"}])


class Behaviour(mdatp.Case):
    def test_a_scan_changes_nothing(self):
        self.write("a/eicar", EICAR)
        before = snapshot(self.folder)
        mdatp.scan(self.folder)
        self.assertEqual(snapshot(self.folder), before)

    def test_hash_signatures_of_each_algorithm(self):
        self.make_directory("defs")
        for extension, algorithm in (("hdb", "md5"), ("hsb", "sha1"),
                                     ("HSB", "sha256")):
            content = algorithm.encode() * 1000
            self.write("tree/" + algorithm, content)
            digest = hashlib.new(algorithm, content).hexdigest()
            self.write(f"defs/{algorithm}.{extension}",
                       f"{digest}:{len(content)}:Hash.{algorithm}\n".encode())
        scan = mdatp.scan_json(self.path("tree"), "--definitions",
                               self.path("defs"))
        self.assertEqual([t["name"] for t in scan["threats"]],
                         ["Hash.md5", "Hash.sha1", "Hash.sha256"])

    def test_an_interrupt_cancels(self):
        # 1 TiB of nothing: cannot end by itself within this test.
        with open(self.path("sparse"), "wb") as sparse:
            sparse.truncate(1 << 40)
        process = mdatp.start("scan", "custom", "--offline", "--path",
                              self.folder, "--output", "json",
                              stdout=subprocess.PIPE, text=True)
        wait_until_open(process.pid, self.path("sparse"))
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=mdatp.TIMEOUT_SECONDS)
        self.assertEqual(process.returncode, 1)
        scan = mdatp.Finished(0, out, "").json()
        self.assertEqual(scan["state"], "Cancelled")
        self.assertEqual(scan["notScanned"],
                         [{"path": self.path("sparse"),
                           "reason": "cancelled"}])

    def test_the_binary_holds_no_eicar_string(self):
        with open(mdatp.program(), "rb") as file:
            binary = file.read()
        self.assertEqual(binary.find(EICAR[:20]), -1)
        self.assertEqual(binary.find(EICAR[-20:]), -1)


def snapshot(folder):
    state = []
    for parent, _, files in os.walk(folder):
        for path in [parent, *(os.path.join(parent, f) for f in files)]:
            status = os.lstat(path)
            state.append((path, status.st_mode, status.st_size,
                          status.st_mtime_ns, status.st_ctime_ns,
                          status.st_ino))
    return sorted(state)


def wait_until_open(pid, path):
    deadline = time.monotonic() + mdatp.TIMEOUT_SECONDS
    folder = f"/proc/{pid}/fd"
    while time.monotonic() < deadline:
        for number in os.listdir(folder):
            try:
                if os.readlink(os.path.join(folder, number)) == path:
                    return
            except FileNotFoundError:
                pass  # Closed meanwhile.
    raise AssertionError(f"{path} was never opened")


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    mdatp.main()
