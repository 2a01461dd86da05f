"""A folder with all that a name and an object of a build context can be, for tests of what records it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.rulebook import Rulebook
from lab.results.sides import SentContext
from tests.conftest import ROOT

BOOK = Rulebook(ROOT / "boxes")
RULE_SETS = list(BOOK.rule_sets.values())


def odd_folder(root: Path) -> Path:
    """Make the folder: odd names, links, a socket, a pipe, a sparse file, modes, and
    an ignore file that ends without a line feed."""
    (root / "d" / "e").mkdir(parents=True)
    (root / "bar").write_bytes(b"the content of the file bar\n")
    (root / "sp ace").write_bytes(b"x")
    (root / "new\nline").write_bytes(b"y")
    (root / "tab\tx").write_bytes(b"z")
    (root / "quo'te\"$x`*").write_bytes(b"q")
    (root / "é").write_bytes(b"u")
    (root / "-rf").write_bytes(b"")
    (root / "li nk").symlink_to("bar")
    (root / "away").symlink_to("/etc/../nowhere")
    (root / "lines").symlink_to("a\nb\n")
    os.link(root / "bar", root / "hard")
    os.mkfifo(root / "fifo")
    Path(os.fsdecode(os.fsencode(root) + b"/bad\xff")).write_bytes(b"1")
    with (root / "sparse").open("wb") as file:
        file.truncate(3 << 20)
        file.seek(1 << 20)
        file.write(b"!")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(root)  # a socket's path may have 107 bytes
        server.bind("sock")
        os.chdir(here)
    (root / ".dockerignore").write_bytes(b"*.o\r\n# none\n!sp ace")
    (root / "left.o").write_bytes(b"")
    (root / "d" / "e").chmod(0o2775)
    (root / "bar").chmod(0o4711)
    return root


def context(*entries: Entry, attributes_known: bool = True) -> SentContext:
    """A context in memory."""
    return SentContext(entries, {}, tuple(RULE_SETS), attributes_known)
