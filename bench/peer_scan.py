#!/usr/bin/env python3
"""A folder scanned by mdatp and by clamscan, in turn, in one run, both knowing
EICAR only.

peer_scan.py FOLDER [REPEATS]; GATEHOUSE_BIN names the directory of mdatp, and
clamscan (Debian package clamav) must be on the path. Prints medians, wall and
processor time, and the ratio. See docs/benchmarks.md.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MD5_OF_EICAR = "44d88612fea8a8f36de82e1278abb02f"


def timed(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL,
                          capture_output=True)
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit("%s: exit code %d\n%s" % (command[0], done.returncode,
                                           done.stderr.decode()))
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall, cpu, done.stdout


def main():
    folder = sys.argv[1]
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    mdatp = [os.path.join(os.environ["GATEHOUSE_BIN"], "mdatp"), "scan",
             "custom", "--offline", "--path", folder, "--output", "json"]
    clamscan = shutil.which("clamscan")
    if clamscan is None:
        sys.exit("clamscan is not installed (Debian package clamav)")
    with tempfile.TemporaryDirectory() as base:
        database = os.path.join(base, "eicar.hdb")
        with open(database, "w") as file:
            file.write("%s:68:Eicar-Test-Signature\n" % MD5_OF_EICAR)
        peer = [clamscan, "--database=" + database, "--recursive",
                "--infected", "--no-summary", folder]
        # One run of each first: both find the files in the cache.
        report = json.loads(timed(mdatp)[2])
        timed(peer)
        ours, theirs = [], []
        for _ in range(repeats):
            ours.append(timed(mdatp)[:2])
            theirs.append(timed(peer)[:2])
    files = report["filesScanned"]
    megabytes = report["bytesScanned"] / 1e6
    print("%d files, %.0f MB, %d errors, %d not scanned" %
          (files, megabytes, len(report["errors"]), len(report["notScanned"])))
    print("%-9s %9s %9s %12s %9s" % ("", "wall s", "cpu s", "files/s", "MB/s"))
    medians = {}
    for name, runs in (("mdatp", ours), ("clamscan", theirs)):
        wall, cpu = (statistics.median(run[i] for run in runs)
                     for i in (0, 1))
        medians[name] = wall, cpu
        print("%-9s %9.3f %9.3f %12.0f %9.0f" %
              (name, wall, cpu, files / wall, megabytes / wall))
    print("clamscan / mdatp: %.0f wall, %.0f cpu" %
          tuple(medians["clamscan"][i] / medians["mdatp"][i]
                for i in (0, 1)))


if __name__ == "__main__":
    main()
