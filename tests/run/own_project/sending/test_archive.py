"""An archive of a context, read back by tarfile: names, links, times and attributes to the bit."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Chunk, Entry, Kind
from lab.errors import ContextError
from lab.run.own_project.sending.archive import archive

STRANGE = os.fsdecode(b"d/\xff\n name")


def members(objects: list[Entry], *, plain: bool = False) -> dict[str, tuple[tarfile.TarInfo, bytes | None]]:
    """The members of an archive by name, each with its content."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive(objects, plain=plain))), errors="surrogateescape") as packed:
        files = {item.name: packed.extractfile(item) if item.isreg() else None for item in packed.getmembers()}
        return {item.name: (item, found.read() if (found := files[item.name]) else None) for item in packed}


def test_every_kind_of_object() -> None:
    objects = [
        Entry("d", Kind.DIR, 0o2775, mtime_ns=1_700_000_000_123_456_789),
        Entry("d/a", mode=0o4640, size=3, content=b"abc", xattrs={"user.x": b"\xff\0", "security.selinux": b"l\0"}),
        Entry(STRANGE, size=0, content=b""),
        Entry("d/hard", mode=0o4640, size=3, linkname="d/a"),
        Entry("d/link", Kind.SYMLINK, 0o777, linkname="../" * 60 + "etc/x"),
        Entry("d/pipe", Kind.FIFO, 0o600),
        Entry("x/" * 80 + "long", size=600, content=b"y" * 600),
    ]
    found = members(objects)
    assert list(found) == [f"./{entry.path}" for entry in objects]
    folder, (file, content) = found["./d"][0], found["./d/a"]
    assert (folder.mode, folder.pax_headers["mtime"]) == (0o2775, "1700000000.123456789")
    assert (file.mode, content) == (0o4640, b"abc")
    assert file.pax_headers["SCHILY.xattr.user.x"].encode("utf-8", "surrogateescape") == b"\xff\0"
    assert not any("selinux" in name for name in file.pax_headers)  # the box's own policy labels its files
    assert found["./d/hard"][0].islnk() and found["./d/hard"][0].linkname == "./d/a"
    assert found["./d/link"][0].linkname == "../" * 60 + "etc/x" and found["./d/pipe"][0].isfifo()
    assert found["./" + "x/" * 80 + "long"][1] == b"y" * 600


def test_a_plain_archive_has_no_attributes_and_no_hard_links() -> None:
    objects = [Entry("a", size=3, content=b"abc", xattrs={"user.x": b"1"}), Entry("b", size=3, linkname="a")]
    found = members(objects, plain=True)
    assert [content for _, content in found.values()] == [b"abc", b"abc"]
    assert all("SCHILY.xattr.user.x" not in item.pax_headers for item, _ in found.values())


def test_a_file_that_grows_while_it_is_read_is_an_error() -> None:
    def grown() -> Iterator[Chunk]:
        yield b"abcd"

    with pytest.raises(ContextError, match="cannot send a: it changed while it was read"):
        list(archive([Entry("a", size=3, content=grown)]))


def test_each_object_is_counted(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    objects = [Entry("a", size=3, content=b"abc"), Entry("b", size=3, linkname="a"), Entry("c", Kind.DIR)]
    list(archive(objects, seen=lambda entry, size: seen.append((entry.path, size))))
    assert seen == [("a", 3), ("b", 0), ("c", 0)]
