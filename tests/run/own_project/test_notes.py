"""Sentences on a context: links that lead out of it, and files that a checkout does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.run.own_project.notes import note_on_frontend, notes_on
from lab.run.own_project.sending.checkout import Head

HEAD = Head(Path("/p"), "", "0123456789abcdef", ())


def link(path: str, target: str) -> Entry:
    return Entry(path, Kind.SYMLINK, linkname=target)


@pytest.mark.parametrize(
    ("objects", "unsent", "head", "notes"),
    [
        ([link("a/b", "../c"), Entry("c")], (), None, ()),
        ([link("a/b", "../../c")], (), None, ("a/b leads out of the context",)),
        ([link("a", "/etc"), link("b", "../x"), link("c", "/x")], (), None, ("a and 2 other links lead out",)),
        ([], ("a",), HEAD, ("1 file differs from the commit 0123456789ab,",)),
        ([link("l", "/")], ("a", "b"), HEAD, ("2 files differ from the commit", "l leads out")),
        ([], (), HEAD, ()),
    ],
)
def test_notes(objects: list[Entry], unsent: tuple[str, ...], head: Head | None, notes: tuple[str, ...]) -> None:
    found = list(notes_on(objects, unsent, head))
    assert len(found) == len(notes) and all(map(str.startswith, found, notes))


def test_a_frontend_that_stays_is_told_with_the_option() -> None:
    text = "# syntax=docker/dockerfile:1\nFROM a\n"
    (found,) = note_on_frontend(text, {"*": "busybox"})
    assert "--base docker/dockerfile:1=builtin" in found
    assert not list(note_on_frontend(text, {"*": "busybox", "docker/dockerfile:1": "builtin"}))
    assert not list(note_on_frontend(text, {})) and not list(note_on_frontend("RUN x\n", {"*": "busybox"}))
