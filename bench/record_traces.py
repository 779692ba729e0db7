#!/usr/bin/env python3
"""Records the traces in bench/data/: real fanotify, real work, a tmpfs.

    GATEHOUSE_BIN=build/release/bin tests/system/guard.py 300 \\
        python3 -B bench/record_traces.py bench/data

  compiler   gcc compiles twelve files of C
  unpack     dpkg-deb -x of Debian's package nano, which apt-get downloads
  browser    four processes open three hundred small files each, at once;
             among them is an EICAR file

Everything that is opened lies below /mnt/gatehouse-trace, so that no trace
names a path of the machine it was recorded on.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "system"))

import gate  # noqa: E402

ROOT = pathlib.Path("/mnt/gatehouse-trace")
ALLOWED = (str(ROOT).encode(), b"/usr/")
BYTES_MAX = 100 * 1024
HEADERS = ("stdio.h", "stdlib.h", "string.h", "unistd.h", "errno.h", "time.h",
           "signal.h", "fcntl.h", "sys/stat.h", "pthread.h", "math.h",
           "inttypes.h")


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def prepare_compiler():
    """Returns the commands to be recorded, as a script for sh."""
    programs = ROOT / "bin"
    for name in ("gcc", "cc1", "as"):
        found = name if name == "gcc" else \
            output_of("gcc", "-print-prog-name=" + name)
        shutil.copy(os.path.realpath(shutil.which(found) or found),
                    programs / name)
    (ROOT / "tmp").mkdir()
    lines = ["export TMPDIR=%s/tmp" % ROOT, "cd %s" % ROOT]
    folders = ["/usr/lib/gcc/x86_64-linux-gnu/12/include",
               "/usr/include/x86_64-linux-gnu", "/usr/include"]
    for number, header in enumerate(HEADERS):
        source = ROOT / ("part%d.c" % number)
        source.write_text("#include <%s>\n#include <stddef.h>\n"
                          "size_t part%d(void) { return %d; }\n"
                          % (header, number, number))
        for used in output_of("gcc", "-O1", "-M", str(source)).split():
            if used.startswith("/usr/"):
                copy = ROOT / used[1:]
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(used, copy)
        lines.append("bin/gcc -B%s/bin/ -nostdinc %s -O1 -c %s" %
                     (ROOT, " ".join("-isystem %s%s" % (ROOT, folder)
                                     for folder in folders), source.name))
    return lines


def prepare_unpack():
    subprocess.run(["apt-get", "download", "nano"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    package, = ROOT.glob("nano_*.deb")
    package.rename(ROOT / "nano.deb")
    return ["cd %s" % ROOT, "dpkg-deb -x nano.deb unpacked"]


def prepare_browser():
    shutil.copy(os.path.join(gate.BIN, "gatehouse_test_opener"),
                ROOT / "bin" / "browser")
    cache = ROOT / "cache"
    cache.mkdir()
    for number in range(300):
        (cache / ("entry-%d" % number)).write_bytes(
            b"%d\n" % number * (50 + number * 37 % 2000))
    gate.write_file(str(cache / "download-0"), gate.eicar())
    asked = ROOT / "asked"
    asked.write_text("\t".join(["round", "%s/entry-" % cache, "300",
                                "%s/download-0" % cache, "1"]) + "\n")
    return ["cd %s" % ROOT] + ["bin/browser < asked > /dev/null &"] * 4 + \
        ["wait"]


def check(trace):
    content = trace.read_bytes()
    if len(content) > BYTES_MAX:
        raise SystemExit("%s has %d bytes" % (trace, len(content)))
    for path in re.findall(rb"/[\w./+-]{3,}", content):
        if not path.startswith(ALLOWED):
            raise SystemExit("%s names %r" % (trace, path))
    if gate.eicar() in content:
        raise SystemExit("%s holds the EICAR test file" % trace)
    subprocess.run([os.path.join(gate.BIN, "gatehouse-replay"), "--mode",
                    "virtual", str(trace)], check=True)


def record(name, prepare, target):
    base = tempfile.mkdtemp(prefix="gatehouse-trace-", dir="/tmp")
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m",
                        "gatehouse-trace", str(ROOT)], check=True)
        (ROOT / "bin").mkdir()
        script = os.path.join(base, "work.sh")
        pathlib.Path(script).write_text("\n".join(prepare()) + "\n")
        trace = pathlib.Path(base, name + ".trace")
        daemon = gate.Daemon(base, [str(ROOT)], arguments=[
            "--no-quarantine", "--record", str(trace)])
        try:
            daemon.start()
            subprocess.run(["sh", script], check=True,
                           stdin=subprocess.DEVNULL)
            daemon.settled_counters()
            daemon.stop()
        finally:
            daemon.end()
        check(trace)
        shutil.copy(trace, target / trace.name)
        print(name, trace.stat().st_size, "bytes", flush=True)
    finally:
        subprocess.run(["umount", "--lazy", str(ROOT)], check=False)
        shutil.rmtree(base)


def main():
    target = pathlib.Path(sys.argv[1]).resolve()
    ROOT.mkdir(parents=True, exist_ok=True)
    if os.stat(ROOT).st_dev != os.stat(ROOT.parent).st_dev:
        raise SystemExit("%s is in use" % ROOT)
    try:
        record("compiler", prepare_compiler, target)
        record("unpack", prepare_unpack, target)
        record("browser", prepare_browser, target)
    finally:
        ROOT.rmdir()


if __name__ == "__main__":
    main()
