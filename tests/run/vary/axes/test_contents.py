"""Each axis of contents, made in a real folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import file
from lab.run.vary.axes.contents import changed_byte
from lab.run.vary.axis import NotHereError
from tests.run.vary.axes.making import listing, make, project, scene_of, variant


def test_line_ends_of_one_file(tmp_path: Path) -> None:
    context = project(tmp_path)
    make(context, variant("crlf", scene_of(context)))
    assert (context / "src" / "a.txt").read_bytes() == b"a\r\nb\r\n"


def test_another_order_changes_no_object(tmp_path: Path) -> None:
    context = project(tmp_path)
    (context / "src" / "it's a name").write_text("x")
    before = listing(context)
    make(context, variant("file-order", scene_of(context)))
    assert listing(context) == before and sorted(path.name for path in tmp_path.iterdir()) == ["config", "context"]


def test_twins_become_one_file(tmp_path: Path) -> None:
    context = project(tmp_path)
    make(context, variant("hard-links", scene_of(context)))
    assert (context / "src" / "a.txt").samefile(context / "src" / "b.txt")


def test_a_lone_file_gets_a_second_name_outside(tmp_path: Path) -> None:
    context = project(tmp_path)
    for name in ("b.txt", "c.txt"):
        (context / "src" / name).unlink()
    make(context, variant("hard-links", scene_of(context)))
    assert (tmp_path / "lab-second-name").samefile(context / "src" / "a.txt")


@pytest.mark.parametrize("name", ["git", "untracked", "untracked-below", "dockerignore"])
def test_a_new_object(tmp_path: Path, name: str) -> None:
    context = project(tmp_path)
    made = variant(name, scene_of(context))
    assert made.shows is not None
    before = {entry.path for entry in listing(context).entries}
    make(context, made)
    assert made.shows[0] in {entry.path for entry in listing(context).entries} - before


def test_a_git_file_of_a_worktree_is_no_folder(tmp_path: Path) -> None:
    context = project(tmp_path)
    (context / ".git").write_text("gitdir: elsewhere\n")
    with pytest.raises(NotHereError, match="worktree"):
        variant("git", scene_of(context))


@pytest.mark.parametrize(("before", "after"), [(b"abc", b"Xbc"), (b"X", b"Y"), (b"", b"X")])
def test_the_deliberate_miss_changes_one_byte(tmp_path: Path, before: bytes, after: bytes) -> None:
    context = project(tmp_path)
    (context / "one").write_bytes(before)
    make(context, changed_byte(file("one", before)))
    assert (context / "one").read_bytes() == after
