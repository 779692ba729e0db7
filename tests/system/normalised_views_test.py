#!/usr/bin/env python3
"""The normalised views of texts and HTML are those that the peer makes."""

import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
SEED = int(os.environ.get("GATEHOUSE_SEED", "20240717"))
FILES = int(os.environ.get("GATEHOUSE_FILES", "600"))
LONG_FILES = 25

HTML_PARTS = (
    b"a", b"B", b" ", b"  ", b"\n", b"\t", b"\r\n", b"<", b">", b'"', b"'",
    b"=", b"/", b"&", b";", b"#", b"!", b"-", b"?", b"%", b"\0", b"\1",
    b"\x7f", b"\x0b", b"\xe4", b"\xc3\xa4", b"\xe2\x82\xac", b"\xe3\x80\x82",
    b"\xf0\x9f\x98\x80", b"<b>", b"</b>", b'<B C="D e">', b"<i j='K'>",
    b'<a href="Http://X.y/Z">', b"<a href=Foo>", b"</a>", b"<a href='x y z'>",
    b'<img src="Q r.png" alt="x>y">', b"<script>", b"</script>", b"<style>",
    b'<SCRIPT language="x">', b"</style>", b"<!--", b"-->", b"<br/>",
    b"<!DOCTYPE html>", b"&amp;", b"&lt;", b"&nbsp;", b"&#65;", b"&#x41;",
    b"&eacute;", b"&euro;", b"&foo;", b"&#300;", b"&#", b"&#x", b"Word",
    b"some text", b"var X = \"a\" + 'b';", b"function F() { return 1; }",
    b"<?php", b"?>", b"<%", b"%>", b'<td width=10 height = "20">', b"<br />",
    b"<p class=x>", b' id="a b c"', b" id='x>y'", b"href", b"src", b"script",
    b"/script", b"http://www.Example.com/?a=1&b=2")
TEXT_PARTS = (b"Word", b"word and More", b" ", b"   ", b"\r\n", b"\n\t", b"\0",
              b"\1\2", b"\x1b[1m", b"\x7f", b"\xc3\xa4", b"\xe2\x82\xac",
              b"\xff\xfe", b" \0 ", b"$x = 'Y';", b"\x0b\x0c")


def generated(chance, parts, count_max):
    count = chance.randint(1, chance.choice((3, 8, count_max)))
    return b"".join(chance.choice(parts) for _ in range(count))


def scattered(chance):
    """Bytes that mean something to HTML, behind something that is open."""
    start = chance.choice((b"", b"<b c=", b'<b c="', b"<a href=", b"<script>",
                           b"&#", b"&", b"<style>", b'<a href="', b"<"))
    alphabet = b"ab <>'\"=/&;#!\n\t \xe4\xf6\0-x1 >< \"'="
    return start + bytes(chance.choice(alphabet)
                         for _ in range(chance.randint(1, 40)))


class Peer:
    """What the peer makes of a file."""

    def __init__(self, base):
        self.base = base

    def views(self, option, content, names):
        folder = tempfile.mkdtemp(dir=self.base)
        with open(os.path.join(folder, "file"), "wb") as file:
            file.write(content)
        # It aborts on some files, after it has written the views.
        subprocess.run(["sigtool", option + "=file"], cwd=folder, check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        views = []
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                views.append(file.read())
        shutil.rmtree(folder)
        return views

    def text(self, content):
        return self.views("--ascii-normalise", content, ["normalised_text"])

    def html(self, content):
        return self.views("--html-normalise", content,
                          ["nocomment.html", "notags.html"])


def our_views(form, files, views_per_file):
    program = os.path.join(os.environ["GATEHOUSE_BIN"],
                           "gatehouse_test_normaliser")
    done = subprocess.run(
        [program], check=True, stdout=subprocess.PIPE,
        input=b"".join(form + struct.pack("<I", len(file)) + file
                       for file in files))
    output = done.stdout
    position = 0
    made = []
    for _ in files:
        views = []
        for _ in range(views_per_file):
            (size,) = struct.unpack_from("<I", output, position)
            position += 4
            views.append(output[position:position + size])
            position += size
        made.append(views)
    return made


class NormalisedViewsTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gatehouse-views-")
        self.addCleanup(folder.cleanup)
        self.peer = Peer(folder.name)
        self.chance = random.Random(SEED)

    def compare(self, form, files, peer_views):
        views_per_file = 2 if form == b"h" else 1
        made = our_views(form, files, views_per_file)
        for file, views in zip(files, made):
            self.assertEqual(views, peer_views(file),
                             "seed %d, file %r" % (SEED, file[:500]))

    def test_texts_are_normalised_alike(self):
        self.compare(b"t", [generated(self.chance, TEXT_PARTS, 60)
                            for _ in range(FILES // 2)], self.peer.text)

    def test_every_byte_of_a_text_is_normalised_alike(self):
        pairs = [bytes((a, b)) for a in range(256) for b in (32, 65, 0, 0xff)]
        self.compare(b"t", [b"x".join(pairs)], self.peer.text)

    def test_html_is_normalised_alike(self):
        self.compare(b"h", [generated(self.chance, HTML_PARTS, 25)
                            for _ in range(FILES)], self.peer.html)

    def test_scattered_marks_of_html_are_normalised_alike(self):
        self.compare(b"h", [scattered(self.chance) for _ in range(FILES)],
                     self.peer.html)

    def test_long_html_is_normalised_alike(self):
        # Without scripts, which take the peer seconds.
        parts = [part for part in HTML_PARTS if b"cript" not in part.lower()]
        self.compare(b"h", [b"".join(self.chance.choice(parts)
                                     for _ in range(9000))
                            for _ in range(LONG_FILES)], self.peer.html)


if __name__ == "__main__":
    if shutil.which("sigtool") is None:
        print("needs sigtool, of the package clamav")
        sys.exit(SKIPPED)
    unittest.main()
