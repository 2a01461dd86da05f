"""Remedies for objects that one side alone has: lines of .dockerignore, read again from disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.explain.remedies.ignore import IGNORE, patterns, with_lines
from lab.explain.remedies.offer import remedies
from lab.explain.remedies.remedy import Place
from tests.explain.remedies.contexts import OURS, both, offered, read, refused, write
from tests.explain.search.trees import ordered, record

LEFTOVERS = [
    file(".DS_Store", b"1"),
    file("d/.DS_Store", b"2"),
    Entry("d/__pycache__", Kind.DIR, 0o755),
    file("d/__pycache__/a.pyc", b"3"),
    file("d/[x]?", b"4"),
]
LINES = ["**/.DS_Store", "d/\\[x\\]\\?", "d/__pycache__"]
TRACKED = {entry.path: False for entry in OURS if entry.kind is Kind.FILE}


@pytest.mark.parametrize("source", [".", "d"])
def test_lines_that_keep_leftovers_out_of_the_context(tmp_path: Path, source: str) -> None:
    ours = ordered([*OURS, *LEFTOVERS])
    kept = [entry for entry in OURS if source == "." or entry.path.startswith("d")]
    [remedy] = remedies(both(ours, OURS, source, tracked=TRACKED))
    assert remedy.steps[0].place is Place.HERE
    assert remedy.text.startswith("the lines `") and remedy.text.endswith("in .dockerignore (here)")
    write(tmp_path, ours)
    assert record(read(tmp_path), source) != record(kept, source)
    lines = patterns([entry.path for entry in ours if entry not in OURS])
    assert lines == LINES
    (tmp_path / IGNORE).write_text("".join(f"{line}\n" for line in [*lines, IGNORE]), encoding="utf-8")
    assert record(read(tmp_path), source) == record(kept, source)


@pytest.mark.parametrize("content", [b"", b"*.log\n", b"*.log", b"*.log\r\n"])
def test_a_dockerignore_that_is_copied_too_is_changed_on_both_sides(tmp_path: Path, content: bytes) -> None:
    theirs = ordered([*OURS, file(IGNORE, content)])
    ours = ordered([*theirs, *LEFTOVERS])
    [remedy] = remedies(both(ours, theirs, tracked=TRACKED))
    assert remedy.steps[0].place is Place.BOTH
    end = b"\r\n" if b"\r\n" in content else b"\n"
    made = {}
    for name, side in (("ours", ours), ("theirs", theirs)):
        write(tmp_path / name, side)
        old = (tmp_path / name / IGNORE).read_bytes()
        old += b"" if old.endswith(b"\n") or not old else end
        (tmp_path / name / IGNORE).write_bytes(old + b"".join(line.encode() + end for line in LINES))
        made[name] = record(read(tmp_path / name))
        assert made[name] == record(remedy.steps[0].change(side))
    assert made["ours"] == made["theirs"]


def test_a_file_that_git_tracks_is_not_ignored() -> None:
    theirs = [entry for entry in OURS if entry.path != "d/a.txt"]
    assert not any(IGNORE in text for text, _ in offered(OURS, theirs, tracked=TRACKED))


def test_a_file_with_another_name_is_not_ignored() -> None:
    theirs = [file("d/z.txt", b"one\ntwo\n") if entry.path == "d/a.txt" else entry for entry in OURS]
    assert offered(OURS, ordered(theirs)) == []


def test_lines_that_do_not_lead_to_the_digest_are_refused() -> None:
    theirs = [entry.but(mode=0o600) if entry.path == "d/a.txt" else entry for entry in OURS]
    pair = both(ordered([*OURS, *LEFTOVERS]), theirs, tracked=TRACKED)
    assert [text for text in refused(pair) if IGNORE in text] != []
    assert all(len(remedy.steps) > 1 for remedy in remedies(pair))


def test_a_submodule_is_fetched_where_it_is_missing() -> None:
    theirs = [entry for entry in OURS if not entry.path.startswith("d/sub/")]
    found = offered(OURS, theirs, tracked=TRACKED)
    assert found == [("git submodule update --init --recursive, and git sparse-checkout disable", Place.THERE)]
    wrong = [entry for entry in theirs if entry.path != "d/b.sh"] + [file("d/b.sh", b"other")]
    assert found[0][0] in refused(both(OURS, ordered(wrong), tracked=TRACKED))


def test_exceptions_that_stand_before_do_not_win() -> None:
    entries = [file(IGNORE, b"*.tmp\n!keep.tmp\n"), file("keep.tmp", b"1"), file("x", b"1")]
    left = with_lines(["keep.tmp"])(entries)
    assert [entry.path for entry in left] == [IGNORE, "x"]
