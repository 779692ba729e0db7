#!/usr/bin/env python3
"""A folder scanned by mdatp and by others, whole processes in turn, in one run,
with the same signatures; and whether they find the same files.

    peer_scan.py FOLDER [--definitions DIR] [--literals N]... [--repeats N]

Without options, with EICAR only: clamscan and clamd (--multiscan). With
--definitions, a folder of signature files: the same two. With --literals, N
printable literals made by seed, some of which stand in files of FOLDER: yara -p 2
and rg -F, too. GATEHOUSE_BIN names the directory of mdatp; `tools/install-deps
--peers` installs the others. Prints medians of wall and processor time (where
both differ, believe the latter) and the ratio to mdatp's.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import socket
import statistics
import string
import subprocess
import sys
import tempfile
import time

MD5_OF_EICAR = "44d88612fea8a8f36de82e1278abb02f"
PATIENCE_SECONDS = 600
LITERAL_BYTES = (8, 40)
PLANTED = 20
SEED = 20261127


def require(program):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if path is None:
        sys.exit("%s is not installed: tools/install-deps --peers" % program)
    return path


class Command:
    """A process that scans; its exit code may say that it found something."""

    def __init__(self, name, arguments, found, codes=(0,)):
        self.name = name
        self.arguments = arguments
        self.found = found  # The files that its output names.
        self.codes = codes

    def run(self):
        """(wall, processor time), and the output."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.monotonic()
        done = subprocess.run(self.arguments, stdin=subprocess.DEVNULL,
                              capture_output=True)
        wall = time.monotonic() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in self.codes:
            sys.exit("%s: exit code %d\n%s" % (self.name, done.returncode,
                                               done.stderr.decode()[-2000:]))
        cpu = (after.ru_utime - before.ru_utime +
               after.ru_stime - before.ru_stime)
        return (wall, cpu), done.stdout


class Asking(Command):
    """One that has a server do it, whose processor time counts."""

    def __init__(self, name, arguments, found, codes, server):
        super().__init__(name, arguments, found, codes)
        self.server = server

    def run(self):
        before = self.ticks()
        (wall, cpu), out = super().run()
        served = (self.ticks() - before) / os.sysconf("SC_CLK_TCK")
        return (wall, cpu + served), out

    def ticks(self):
        with open("/proc/%d/stat" % self.server.pid) as file:
            fields = file.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])


def lines(out):
    return set(out.decode(errors="surrogateescape").splitlines())


def found_by_mdatp(out):
    report = json.loads(out)
    return {os.fsencode(threat["path"]).decode(errors="surrogateescape")
            for threat in report["threats"]}


def found_by_clam(out):
    return {line.rpartition(": ")[0] for line in lines(out)
            if line.endswith(" FOUND")}


def found_by_yara(out):
    return {line.partition(" ")[2] for line in lines(out)}


def mdatp(folder, definitions, cache, threads):
    arguments = [os.path.join(os.environ["GATEHOUSE_BIN"], "mdatp"), "scan",
                 "custom", "--offline", "--path", folder, "--output", "json",
                 "--threads", str(threads)]
    if definitions:
        arguments += ["--definitions", definitions, "--cache-dir", cache]
    return Command("mdatp, %d" % threads, arguments, found_by_mdatp)


def clamscan(folder, database):
    return Command("clamscan", [
        require("clamscan"), "--database=" + database, "--recursive",
        "--infected", "--no-summary", "--stdout", folder], found_by_clam,
        (0, 1, 2))


@contextlib.contextmanager
def clamd(folder, database, base):
    """clamd on a socket of its own, and who asks it."""
    config = os.path.join(base, "clamd.conf")
    path = os.path.join(base, "clamd.sock")
    with open(config, "w") as file:
        file.write("LocalSocket %s\nDatabaseDirectory %s\nForeground yes\n"
                   "MaxThreads 2\nUser root\nConcurrentDatabaseReload no\n"
                   # Else it would only remember what it scanned before.
                   "DisableCache yes\n"
                   % (path, database))
    server = subprocess.Popen([require("clamd"), "-c", config],
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while not answers(path):
            if server.poll() is not None or time.monotonic() > end:
                sys.exit("clamd does not answer")
            time.sleep(0.1)
        yield Asking("clamd -m", [
            require("clamdscan"), "--config-file=" + config, "--multiscan",
            "--infected", "--no-summary", "--stdout", folder], found_by_clam,
            (0, 1, 2), server)
    finally:
        server.terminate()
        server.wait()


def answers(path):
    with contextlib.suppress(OSError), \
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.connect(path)
        asked.sendall(b"nPING\n")
        return asked.recv(16) == b"PONG\n"
    return False


def files_of(folder):
    for directory, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def make_literals(folder, count, chance):
    """Printable ones, of which PLANTED are taken from files of the folder.

    Each has a capital letter and no space: mdatp looks at texts in lower case and
    with single spaces, too, and the others do not.
    """
    alphabet = string.ascii_letters + string.digits + "_-."
    literals = set()
    while len(literals) < count - PLANTED:
        size = chance.randint(*LITERAL_BYTES)
        literals.add("A" + "".join(chance.choice(alphabet)
                                   for _ in range(size)))
    paths = sorted(files_of(folder))
    while len(literals) < count:
        with open(chance.choice(paths), "rb") as file:
            content = file.read(1 << 20)
        start = chance.randrange(max(1, len(content) - 40))
        part = content[start:start + 14]
        if (len(part) == 14 and all(32 < byte < 127 for byte in part) and
                any(65 <= byte <= 90 for byte in part)):
            literals.add(part.decode())
    return sorted(literals)


def write_literals(literals, base):
    """The same literals in the form of each program."""
    database = os.path.join(base, "literals")
    os.mkdir(database)
    rules, patterns = (os.path.join(base, name) for name in ("yar", "txt"))
    with open(os.path.join(database, "literals.ndb"), "w") as file:
        for index, literal in enumerate(literals):
            file.write("L%d:0:*:%s\n" % (index, literal.encode().hex()))
    with open(rules, "w") as file:
        for index, literal in enumerate(literals):
            file.write("rule L%d { strings: $a = { %s } condition: $a }\n" %
                       (index, literal.encode().hex(" ")))
    with open(patterns, "w") as file:
        file.write("\n".join(literals) + "\n")
    return database, rules, patterns


def compare(what, commands, repeats):
    """One run of each first: all find the files in the cache."""
    print("%s" % what)
    found = {command.name: command.found(command.run()[1])
             for command in commands}
    times = {command.name: [] for command in commands}
    for _ in range(repeats):
        for command in commands:
            times[command.name].append(command.run()[0])
    ours = commands[0].name
    medians = {name: [statistics.median(run[i] for run in runs)
                      for i in (0, 1)] for name, runs in times.items()}
    print("  %-12s %9s %9s %11s %11s  %s" %
          ("", "wall s", "cpu s", "wall ratio", "cpu ratio", "found"))
    for name, (wall, cpu) in medians.items():
        base_wall, base_cpu = medians[ours]
        same = "" if found[name] == found[ours] else \
            ", only mdatp: %s, only this: %s" % tuple(
                (len(a - b), sorted(a - b)[:3]) for a, b in
                ((found[ours], found[name]), (found[name], found[ours])))
        print("  %-12s %9.3f %9.3f %11.2f %11.2f  %d%s" %
              (name, wall, cpu, wall / base_wall, cpu / base_cpu,
               len(found[name]), same))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--definitions")
    parser.add_argument("--literals", type=int, action="append", default=[])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    folder = options.folder
    with tempfile.TemporaryDirectory() as base:
        cache = os.path.join(base, "cache")
        eicar = os.path.join(base, "eicar")
        os.mkdir(eicar)
        with open(os.path.join(eicar, "eicar.hdb"), "w") as file:
            file.write("%s:68:Eicar-Test-Signature\n" % MD5_OF_EICAR)
        sets = [("EICAR only", None, eicar)]
        if options.definitions:
            sets.append((options.definitions, options.definitions,
                         options.definitions))
        for what, definitions, database in sets:
            with clamd(folder, database, base) as asking:
                compare(what, [mdatp(folder, definitions, cache, 2),
                               mdatp(folder, definitions, cache, 1),
                               clamscan(folder, database), asking],
                        options.repeats)
        for count in options.literals:
            literals = make_literals(folder, count, random.Random(SEED))
            with tempfile.TemporaryDirectory(dir=base) as inner:
                database, rules, patterns = write_literals(literals, inner)
                compare("%d literals" % count, [
                    mdatp(folder, database, cache, 2),
                    Command("yara -p 2", [require("yara"), "-p", "2", "-r",
                                          "-w", "-N", rules, folder],
                            found_by_yara),
                    Command("rg -F", [require("rg"), "-F", "-a", "-l", "-uuu",
                                      "-j", "2", "--no-messages", "-f",
                                      patterns, folder], lines, (0, 1))],
                    options.repeats)


if __name__ == "__main__":
    main()
