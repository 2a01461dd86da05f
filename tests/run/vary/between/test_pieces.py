"""The pieces of a difference as changes, made in a real folder."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.context import read_context
from lab.run.vary.between.batching import Batch
from lab.run.vary.between.pieces import pieces, with_contents


def made(folder: Path, second: list[Entry]) -> list[Entry]:
    """The objects of a folder after all pieces that lead to the second side were made in it."""
    first = read_context(folder)
    batch = Batch(tuple(change for piece in pieces(first, second) for change in piece.made()))
    for command in batch.commands():
        subprocess.run(command.argv, cwd=folder, check=True)
    return read_context(folder)


def test_a_folder_becomes_the_second_side(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "x").write_text("x")
    (tmp_path / "kind").write_text("file")
    second = [
        file("a", b"it's\nanother\0", 0o640),
        Entry("d", Kind.DIR, 0o750),
        file("d/-n", b"new", 0o604),
        Entry("kind", Kind.SYMLINK, 0o777, linkname="a"),
    ]
    found = made(tmp_path, second)
    assert pieces(found, second) == []


def test_a_large_content_is_written_in_parts(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    mode = (tmp_path / "a").stat().st_mode & 0o7777
    content = bytes(range(256)) * 1000
    made(tmp_path, [file("a", content, mode)])
    assert (tmp_path / "a").read_bytes() == content


def test_a_content_is_found_by_its_sum_or_stands_in_for_it() -> None:
    sums = [hashlib.sha256(text).hexdigest() for text in (b"a", b"b")]
    records = [Entry(name, size=1, sha256=number) for name, number in zip("xyz", [*sums, sums[1]], strict=True)]
    found, stand_ins = with_contents(records, [file("other", b"a")])
    assert stand_ins == 2
    assert found[0].content == b"a" and found[1].content == found[2].content != b"b"
    assert pieces(found, with_contents(records, [file("other", b"a")])[0]) == []
