"""Trees for tests of the search, with what git knows of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lab.buildkit.contenthash.entry import Entry, Kind, file, name_bytes
from lab.buildkit.contenthash.query import Query, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.explain.search.case import begin
from lab.explain.search.checkout import NO_CHECKOUT, Checkout, Tracked, object_name
from lab.explain.search.compound import used_by
from lab.explain.search.search import Result, search
from lab.explain.search.usual import load_usual
from lab.explain.search.world import World, world
from tests.conftest import ROOT
from tests.digests import content_digest
from tests.vectors import RULES

USUAL = load_usual(ROOT / "boxes")
R1, R5, R9 = (RULES[name] for name in ("R1", "R5", "R9"))
PROJECT = [
    Entry("bin", Kind.DIR, 0o755),
    file("bin/run", b"#!/bin/sh\nexec app\n", 0o755),
    Entry("latest", Kind.SYMLINK, 0o777, linkname="src"),
    file("README.md", b"# app\n\ntext\n"),
    Entry("src", Kind.DIR, 0o755),
    file("src/app.py", b"print(1)\nprint(2)\n"),
    file("src/logo.png", b"\x89PNG\r\n\x1a\n\0\0"),
    Entry("src/sub", Kind.DIR, 0o755),
    file("src/sub/util.py", b"import os\n"),
]
LEFTOVERS = [
    file(".DS_Store", b"\0\0\0\1Bud1"),
    file(".env", b"A=1\n", 0o600),
    file("src/.DS_Store", b"\0\0\0\1Bud2"),
    Entry("src/__pycache__", Kind.DIR, 0o755),
    file("src/__pycache__/app.pyc", b"\x0f\r\r\n\0", 0o644),
    file("src/app.py~", b"print(0)\n"),
]


def checkout(
    entries: Sequence[Entry], attributes: dict[str, dict[str, str]] | None = None, ignored: Collection[str] = ()
) -> Checkout:
    """A checkout that tracks these files and links with their contents."""
    named = attributes or {}
    contents = {entry.path: content_of(entry) for entry in entries if entry.kind is not Kind.DIR}
    tracked = {
        entry.path: Tracked(_mode(entry), object_name(contents[entry.path], "0" * 40), named.get(entry.path, {}))
        for entry in entries
        if entry.kind is not Kind.DIR
    }
    by_name = {item.name: contents[path] for path, item in tracked.items()}
    return Checkout(
        tracked,
        ignored=frozenset(ignored),
        blobs=lambda names: {name: by_name[name] for name in names if name in by_name},
    )


def content_of(entry: Entry) -> bytes:
    """The content that git would store for a file or a link."""
    if entry.kind is Kind.SYMLINK:
        return name_bytes(entry.linkname)
    assert isinstance(entry.content, bytes)
    return entry.content


def _mode(entry: Entry) -> int:
    return 0o120000 if entry.kind is Kind.SYMLINK else 0o100755 if entry.mode & 0o100 else 0o100644


def ordered(entries: Sequence[Entry]) -> list[Entry]:
    """The objects in the order of their paths."""
    return sorted(entries, key=lambda entry: entry.path)


def world_of(entries: Sequence[Entry], known: Checkout = NO_CHECKOUT) -> World:
    """The world of `COPY .`."""
    case = begin(entries, [Query(".")], R9)
    return world(case.entries, used_by(case), known)


def record(entries: Sequence[Entry], *sources: str, rules: Rules = R9) -> str:
    """The record of a COPY of these sources; of all if none is named."""
    return content_record(content_digest(Tree.read(entries, rules), list(sources) or ["."], rules))


def look(
    producer: Sequence[Entry],
    consumer: Sequence[Entry],
    known: Checkout = NO_CHECKOUT,
    source: str = ".",
    rules: Rules = R9,
    limit: float = 60,
) -> Result:
    """Search for the producer's files of one COPY."""
    wanted = {record(producer, source, rules=rules), "sha256:" + "0" * 64}
    return search(consumer, [Query(source)], rules, wanted, USUAL, limit=limit, checkout=lambda: known)


def whole(result: Result) -> tuple[str, ...]:
    """The names of the rules that a search found."""
    assert result.finding, f"nothing found after {result.tried}"
    return result.finding.whole
