"""Runs the mdatp under test. Standard library only."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

NOBODY = 65534
TIMEOUT_SECONDS = 60

# The EICAR test string, put together at run time.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
EICAR_NAME = "Virus:DOS/EICAR_Test_File"

_program = [""]


@dataclasses.dataclass
class Finished:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


def run(*arguments, user=None, stdout=subprocess.PIPE, env=None):
    finished = subprocess.run(
        [_program[0], *arguments], stdin=subprocess.DEVNULL, stdout=stdout,
        stderr=subprocess.PIPE, timeout=TIMEOUT_SECONDS, user=user, env=env,
        group=None if user is None else NOBODY,
        extra_groups=None if user is None else [], check=False)
    return Finished(finished.returncode, (finished.stdout or b"").decode(),
                    finished.stderr.decode())


def start(*arguments, **options):
    return subprocess.Popen([_program[0], *arguments], **options)


def scan(path, *arguments, **options):
    """Keeps no compiled definitions, unless told where: they are the user's."""
    if "--definitions" in arguments and "--cache-dir" not in arguments:
        arguments += ("--cache-dir", "none")
    return run("scan", "custom", "--offline", "--path", path, *arguments,
               **options)


def scan_json(path, *arguments, **options):
    finished = scan(path, "--output", "json", *arguments, **options)
    assert finished.code == 0, finished
    return finished.json()


class Case(unittest.TestCase):
    """A test with a folder of its own that anybody may enter."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gatehouse-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def make_directory(self, *names):
        path = self.path(*names)
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, name, content=b""):
        path = os.path.join(os.fsencode(self.folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return os.fsdecode(path)


def program():
    """A copy that nobody may run too: build folders can be closed."""
    return _program[0]


def main():
    original = os.path.abspath(sys.argv.pop(1))
    with tempfile.TemporaryDirectory(prefix="gatehouse-bin-") as folder:
        os.chmod(folder, 0o755)
        _program[0] = os.path.join(folder, "mdatp")
        shutil.copy(original, _program[0])
        os.chmod(_program[0], 0o755)
        result = unittest.main(module="__main__", exit=False).result
    sys.exit(0 if result.wasSuccessful() else 1)
