"""Which objects the producer had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.explain.search.checkout import Checkout, Tracked
from lab.explain.search.rules import presence
from lab.explain.search.world import World
from tests.explain.search.trees import LEFTOVERS, PROJECT, USUAL, checkout, look, ordered, whole, world_of

ALL = ordered([*PROJECT, *LEFTOVERS])


def absent(world: World) -> dict[str, list[str]]:
    return {
        rule.name: sorted(world.objects[number].path for number in rule.absent) for rule in presence.rules(world, USUAL)
    }


def test_only_what_git_tracks() -> None:
    found = absent(world_of(ALL, checkout(PROJECT)))
    assert found["only what git tracks"] == sorted(entry.path for entry in LEFTOVERS)


def test_what_git_ignores_and_the_folders_that_are_empty_then() -> None:
    found = absent(world_of(ALL, checkout(PROJECT, ignored=["src/__pycache__/app.pyc"])))
    assert found["without what git ignores"] == ["src/__pycache__", "src/__pycache__/app.pyc"]


def test_families_of_leftovers_and_several_of_them() -> None:
    found = absent(world_of(ALL, checkout(PROJECT)))
    assert found["without files of macOS"] == [".DS_Store", "src/.DS_Store"]
    assert found["without Python's caches"] == ["src/__pycache__", "src/__pycache__/app.pyc"]
    assert found["without any leftovers of programs"] == sorted(entry.path for entry in LEFTOVERS)
    assert found["without files of macOS and local settings"] == [".DS_Store", ".env", "src/.DS_Store"]


def test_what_git_tracks_is_no_leftover() -> None:
    tracked = [*PROJECT, file("src/.DS_Store", b"1")]
    found = absent(world_of(ordered(tracked), checkout(tracked)))
    assert not any("macOS" in name for name in found)
    assert "bin/run" not in found.get("without build output", [])


def test_a_producer_without_the_repository_itself() -> None:
    git = [Entry(".git", Kind.DIR, 0o755), file(".git/HEAD", b"ref"), Entry(".git/refs", Kind.DIR, 0o755)]
    assert absent(world_of(ordered([*git, *PROJECT])))["without .git"] == [".git", ".git/HEAD", ".git/refs"]
    file_ = [file(".git", b"gitdir: ../x\n")]  # of a worktree or a submodule
    assert absent(world_of(ordered([*file_, *PROJECT])))["without .git"] == [".git"]
    assert whole(look(PROJECT, ordered([*git, *PROJECT]))) == ("without .git",)


def test_a_sparse_checkout_of_one_folder() -> None:
    found = absent(world_of(ALL, checkout(PROJECT)))
    kept = {"README.md", "latest", "bin", "bin/run"}
    assert set(found["a sparse checkout of bin"]) == {entry.path for entry in ALL} - kept
    assert set(found["a sparse checkout of the files at the top"]) == {entry.path for entry in ALL} - {
        "README.md",
        "latest",
    }


def test_what_git_archive_leaves_out() -> None:
    known = checkout(PROJECT, {"bin/run": {"export-ignore": "set"}})
    found = absent(world_of(ordered(PROJECT), known))
    assert found["only what git archive exports"] == ["bin", "bin/run"]


def test_a_submodule_whose_folder_is_empty_there() -> None:
    known = checkout(PROJECT)
    modules = Checkout({**known.tracked, "src/sub": Tracked(0o160000, "1" * 40)}, blobs=known.blobs)
    theirs = [entry for entry in PROJECT if entry.path != "src/sub/util.py"]
    names = whole(look(theirs, ordered(PROJECT), modules))
    assert names == ("only what git tracks, with empty folders of submodules",)


@pytest.mark.parametrize("mode", [0o100644, 0o100755, 0o120000])
def test_tracked_files_that_are_missing_here(mode: int) -> None:
    """They are deleted here, or not part of a sparse checkout here; git has their contents."""
    gone = {
        0o100644: file("lib/deep/x", b"x\n"),
        0o100755: file("lib/deep/x", b"x\n", 0o755),
        0o120000: Entry("lib/deep/x", Kind.SYMLINK, 0o777, linkname="../y"),
    }[mode]
    known = replace(checkout([*PROJECT, gone]), missing=frozenset({"lib/deep/x"}))
    theirs = [*PROJECT, Entry("lib", Kind.DIR, 0o755), Entry("lib/deep", Kind.DIR, 0o755), gone]
    result = look(theirs, ALL, known)
    assert whole(result) == ("only what git tracks",)
    assert whole(look([*theirs, *LEFTOVERS], ALL, known)) == ("with the tracked files that are missing here",)


def test_rules_of_a_context_without_a_checkout(tmp_path: Path) -> None:
    assert all("git tracks" not in name for name in absent(world_of(ALL)))
