"""How the producer's symbolic links were stored."""

from __future__ import annotations

from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry, Kind, file
from tests.explain.search.trees import PROJECT, checkout, look, ordered, whole


def test_links_as_text_files_have_the_mode_of_the_other_files() -> None:
    group = [replace(entry, mode=0o664) if entry.mode == 0o644 else entry for entry in PROJECT]
    theirs = [file("latest", b"src", 0o664) if entry.path == "latest" else entry for entry in group]
    assert whole(look(theirs, ordered(group))) == ("symbolic links as text files",)


def test_only_tracked_links_as_text_files() -> None:
    ours = [*PROJECT, Entry("own", Kind.SYMLINK, 0o777, linkname="x")]
    theirs = [file("latest", b"src") if entry.path == "latest" else entry for entry in ours]
    assert whole(look(theirs, ordered(ours), checkout(PROJECT))) == ("tracked symbolic links as text files",)


def test_links_where_this_side_has_text_files() -> None:
    ours = [file("latest", b"src") if entry.path == "latest" else entry for entry in PROJECT]
    names = whole(look(PROJECT, ordered(ours), checkout(PROJECT)))
    assert names == ("symbolic links where this side has text files",)


def test_modes_of_links_as_macos_creates_them() -> None:
    theirs = [replace(entry, mode=0o755) if entry.kind is Kind.SYMLINK else entry for entry in PROJECT]
    assert whole(look(theirs, ordered(PROJECT))) == ("symbolic links with mode 0755, as macOS creates them",)
    assert whole(look(PROJECT, ordered(theirs))) == ("symbolic links with mode 0777, as Linux creates them",)
