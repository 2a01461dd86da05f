"""The objects of both sides, and what a choice of rules makes of them."""

from __future__ import annotations

from dataclasses import replace

from lab.buildkit.contenthash.entry import file
from lab.explain.search.checkout import Checkout, Tracked
from lab.explain.search.world import Choice, Rule, above, applied, folded
from tests.explain.search.trees import PROJECT, checkout, ordered, world_of

HERE = Rule("", 0)


def test_files_that_only_git_knows_come_after_those_of_this_side() -> None:
    known = replace(checkout([*PROJECT, file("lib/x", b"x")]), missing=frozenset({"lib/x"}))
    world = world_of(ordered(PROJECT), known)
    assert [entry.path for entry in world.objects[world.here :]] == ["lib", "lib/x"]
    assert world.parents[-1] == len(world.objects) - 2 and world.parents[-2] == -1
    kinds = ([HERE], [HERE], [HERE], [HERE], [HERE])
    assert applied(world, kinds, Choice()) == list(world.objects[: world.here])


def test_a_missing_file_without_a_content_is_left_out() -> None:
    known = Checkout({"x": Tracked(0o100644, "1" * 40)}, missing=frozenset({"x"}))
    assert world_of(ordered(PROJECT), known).here == len(world_of(ordered(PROJECT), known).objects)


def test_a_file_is_tracked_whatever_the_case_and_the_form_of_its_name() -> None:
    known = replace(checkout([file("Caf\xe9", b"x\n")]), missing=frozenset({"Caf\xe9"}))
    world = world_of([file("cafe\u0301", b"x\n")], known)
    assert world.tracked[0] is not None and len(world.objects) == 1
    assert folded("A/\xc9") == folded("a/e\u0301") and folded("a") != folded("b")


def test_contents_of_the_index_are_those_here_if_they_are_not_changed() -> None:
    ours = [replace(entry, content=b"# app\r\n", size=7) if entry.path == "README.md" else entry for entry in PROJECT]
    world = world_of(ordered(ours), checkout(PROJECT))
    found = {world.objects[number].path: content for number, content in world.blobs.items()}
    assert found["README.md"] == b"# app\n\ntext\n" and found["bin/run"] == b"#!/bin/sh\nexec app\n"


def test_a_hard_link_whose_first_name_is_absent_becomes_a_file() -> None:
    entries = [file("a", b"x"), replace(file("b", b"x"), linkname="a")]
    world = world_of(entries)
    kinds = ([HERE, Rule("without a", 1, frozenset({0}))], [HERE], [HERE], [HERE], [HERE])
    [left] = applied(world, kinds, Choice(presence=1))
    assert left.path == "b" and not left.is_hardlink


def test_folders_above_paths() -> None:
    assert above(["a/b/c", "d", "a/e"]) == {"a", "a/b"}
    world = world_of(ordered(PROJECT))
    [util] = [number for number, entry in enumerate(world.objects) if entry.path == "src/sub/util.py"]
    folders = world.folders_above([util])
    assert {world.objects[number].path for number in folders - {-1}} == {"src", "src/sub"} and -1 in folders
