"""Combinations of rules: any of them is found again, whatever tree it was applied to, and the result names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.contenthash.query import Query
from lab.explain.search.checkout import NO_CHECKOUT
from lab.explain.search.compound import Compound
from lab.explain.search.finding import record_of
from lab.explain.search.lines import is_binary, with_crlf
from lab.explain.search.world import Choice
from tests.explain.search.trees import (
    LEFTOVERS,
    PROJECT,
    R1,
    R9,
    USUAL,
    checkout,
    look,
    ordered,
    record,
    whole,
    world_of,
)

NAMES = st.sampled_from(["a", "b.py", "c.sh", "d e", "\xe4.txt", ".DS_Store", "x.pyc", "y.log", "README"])
CONTENTS = st.sampled_from([b"", b"x", b"one\ntwo\n", b"one\r\ntwo\r\n", b"#!/bin/sh\n", b"\0\n", b"mixed\n\r\n"])


@st.composite
def trees(draw: st.DrawFn) -> list[Entry]:
    """A tree of up to three levels, as a client lists it."""
    entries: dict[str, Entry] = {}
    folders = [""]
    for _ in range(draw(st.integers(2, 10))):
        path = draw(st.sampled_from(folders)) + draw(NAMES)
        if path in entries:
            continue
        kind = draw(st.sampled_from([Kind.FILE, Kind.FILE, Kind.FILE, Kind.DIR, Kind.SYMLINK]))
        if kind is Kind.FILE:
            xattrs = {"user.x": b"1"} if draw(st.integers(0, 5)) == 0 else {}
            entries[path] = file(path, draw(CONTENTS), draw(st.sampled_from([0o644, 0o755])), xattrs)
        elif kind is Kind.SYMLINK:
            entries[path] = Entry(path, kind, 0o777, linkname=draw(st.sampled_from(["a", "../b", "none"])))
        else:
            entries[path] = Entry(path, kind, 0o755)
            if path.count("/") < 2:
                folders.append(path + "/")
    return ordered(list(entries.values()))


def tracked_only(entries: Sequence[Entry], kept: set[str]) -> list[Entry]:
    return [
        entry
        for entry in entries
        if entry.path in kept or (entry.kind is Kind.DIR and any(path.startswith(entry.path + "/") for path in kept))
    ]


def with_umask(entries: Sequence[Entry], umask: int) -> list[Entry]:
    full = {Kind.DIR: 0o777, Kind.SYMLINK: 0o777}
    return [
        entry
        if entry.kind is Kind.SYMLINK
        else replace(entry, mode=full.get(entry.kind, 0o777 if entry.mode & 0o100 else 0o666) & ~umask)
        for entry in entries
    ]


def with_one_mode(entries: Sequence[Entry], mode: int) -> list[Entry]:
    return [entry if entry.kind is Kind.SYMLINK else replace(entry, mode=mode) for entry in entries]


def crlf(entries: Sequence[Entry]) -> list[Entry]:
    return [
        replace(entry, content=with_crlf(entry.content), size=len(with_crlf(entry.content)))
        if isinstance(entry.content, bytes) and not is_binary(entry.content) and entry.kind is Kind.FILE
        else entry
        for entry in entries
    ]


def bare(entries: Sequence[Entry]) -> list[Entry]:
    return [replace(entry, xattrs={}) for entry in entries]


def as_texts(entries: Sequence[Entry]) -> list[Entry]:
    return [
        file(entry.path, entry.linkname.encode(), 0o644) if entry.kind is Kind.SYMLINK else entry for entry in entries
    ]


MODES: dict[str, Callable[[Sequence[Entry]], list[Entry]]] = {
    "0002": lambda entries: with_umask(entries, 0o002),
    "0077": lambda entries: with_umask(entries, 0o077),
    "0027": lambda entries: with_umask(entries, 0o027),
    "0777": lambda entries: with_one_mode(entries, 0o777),
    "0755": lambda entries: [replace(entry, mode=0o755) for entry in entries],
}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    trees(),
    st.sets(st.sampled_from(["links", "tracked", "crlf", "bare"])),
    st.sampled_from(["", *MODES]),
    st.data(),
)
def test_any_composition_is_found_again(entries: list[Entry], chosen: set[str], mode: str, data: st.DataObject) -> None:
    files = [entry for entry in entries if entry.kind is not Kind.DIR]
    kept = {entry.path for entry in files if data.draw(st.booleans(), label=entry.path)}
    changes: dict[str, Callable[[Sequence[Entry]], list[Entry]]] = {
        "tracked": lambda listed: tracked_only(listed, kept),
        "links": as_texts,
        "crlf": crlf,
        "bare": bare,
    }
    theirs = list(entries)
    for name, change in changes.items():
        theirs = change(theirs) if name in chosen else theirs
    theirs = MODES[mode](theirs) if mode else theirs
    if not theirs:
        return  # the digest of an empty context is that of no file
    known = checkout([entry for entry in entries if entry.path in kept])
    result = look(theirs, entries, known)
    assert result.finding and record(result.finding.theirs) == record(theirs)
    # no rule more than were applied, and none where nothing was changed
    assert len(result.finding.whole) <= len(chosen) + bool(mode)
    assert bool(result.finding.differences) == (record(theirs) != record(entries))


@pytest.mark.parametrize("source", [".", "src", "src/*"])
@pytest.mark.parametrize("rules", [R1, R9], ids=lambda rules: rules.name)
def test_the_record_of_a_combination_is_that_of_its_objects(source: str, rules: object) -> None:
    """The quick way, which hashes only what a rule changes, and the way that builds the whole tree agree."""
    entries = ordered([*PROJECT, *LEFTOVERS])
    known = checkout(PROJECT, ignored=["src/__pycache__/app.pyc"])
    used = R1 if rules is R1 else R9
    compound = Compound(world_of(entries, known), USUAL, [Query(source)], used)
    candidates = list(compound.candidates(0, 6))
    assert len(candidates) > 100
    for found, combination in candidates[:: len(candidates) // 150]:
        assert found == record_of(combination.applied(entries), [Query(source)], used), combination.names


def test_combinations_of_few_and_likely_rules_come_first() -> None:
    compound = Compound(world_of(ordered([*PROJECT, *LEFTOVERS]), checkout(PROJECT)), USUAL, [Query(".")], R9)
    first = [combination.names for _, combination in compound.candidates(0, 1)]
    assert ("only what git tracks",) in first and ("modes of git's index with umask 0002",) in first
    assert all(len(names) == 1 for names in first)
    assert compound.likely(3, 5) == [Choice(), *compound.likely(3, 5)[1:]]


def test_a_fresh_clone_of_windows_is_named_with_every_rule() -> None:
    entries = ordered([*PROJECT, *LEFTOVERS])
    theirs = MODES["0755"](crlf(PROJECT))
    assert whole(look(theirs, entries, checkout(PROJECT))) == (
        "only what git tracks",
        "contents as git checks them out with core.autocrlf=true",
        "mode 0755 for everything, as a client on Windows sends it",
    )


def test_without_git_the_leftovers_are_found_by_their_names() -> None:
    entries = ordered([*PROJECT, *LEFTOVERS])
    theirs = with_umask(PROJECT, 0o002)
    names = whole(look(theirs, entries, NO_CHECKOUT))
    # the folder bin looks like build output, so not all families of leftovers are absent
    assert names == (
        "without files of macOS, Python's caches, files of editors and local settings",
        "modes with umask 0002",
    )
