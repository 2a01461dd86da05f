"""Which sources have a quick way, and that it hashes only the folders that a rule changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.contenthash.query import Query
from lab.explain.search.finding import record_of
from lab.explain.search.outline import Outline, outline
from lab.explain.search.owns import Owns
from lab.explain.search.rules.table import choices, kinds_of
from lab.explain.search.world import Choice, applied
from tests.explain.search.trees import LEFTOVERS, PROJECT, R9, USUAL, checkout, ordered, world_of

ALL = ordered([*PROJECT, *LEFTOVERS])


def made(entries: Sequence[Entry], *sources: str) -> Outline | None:
    world = world_of(entries, checkout(PROJECT))
    return outline(Owns(world, kinds_of(world, USUAL, R9), R9), [Query(source) for source in sources])


@pytest.mark.parametrize("sources", [(".",), ("src",), ("/src/",), ("README.md",), ("src", "README.md"), ("bin", ".")])
def test_folders_and_files_have_a_quick_way(sources: tuple[str, ...]) -> None:
    found = made(ALL, *sources)
    assert found is not None
    world, kinds = found.owns.world, found.owns.kinds
    queries = [Query(source) for source in sources]
    for choice in list(choices(kinds, 0, 4))[::7]:
        assert found.record(choice) == record_of(applied(world, kinds, choice), queries, R9), choice


@pytest.mark.parametrize("source", ["src/*", "latest", "latest/app.py", "missing"])
def test_other_sources_have_none(source: str) -> None:
    assert made(ALL, source) is None


def test_patterns_deep_folders_and_strange_names_have_none() -> None:
    world = world_of(ALL)
    owns = Owns(world, kinds_of(world, USUAL, R9), R9)
    assert outline(owns, [Query(".", exclude=("*.md",))]) is None
    deep = [Entry("/".join("a" * count), Kind.DIR, 0o755) for count in range(1, 300)]
    assert made(deep, ".") is None
    assert made([file("nowhere/x", b"")], ".") is None  # a folder without an object of its own


def test_a_source_that_is_a_link_on_the_other_side_has_none() -> None:
    ours = [file("latest", b"src") if entry.path == "latest" else entry for entry in PROJECT]
    assert made(ours, "latest") is None and made(ours, ".") is not None


def test_a_source_that_the_producer_does_not_have_gives_no_record() -> None:
    found = made(ALL, ".env")
    assert found is not None
    tracked = [rule.name for rule in found.owns.kinds[0]].index("only what git tracks")
    assert found.record(Choice(presence=tracked)) is None and found.record(Choice()) is not None


def test_folders_that_a_rule_does_not_change_are_not_hashed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [Entry(f"d{n}", Kind.DIR, 0o755) for n in range(9)]
    files = [file(f"d{n}/f", b"x" * n) for n in range(9)]
    found = made(ordered([*folders, *files, file("d3/.DS_Store", b"1")]), ".")
    assert found is not None
    summed: list[int] = []
    original = Outline._summed

    def counted(self: Outline, number: int, choice: Choice) -> str:
        summed.append(number)
        return original(self, number, choice)

    monkeypatch.setattr(Outline, "_summed", counted)
    found.record(Choice())
    assert len(summed) == 10  # the root and nine folders
    names = [rule.name for rule in found.owns.kinds[0]]
    summed.clear()
    found.record(Choice(presence=names.index("without files of macOS")))
    assert len(summed) == 2  # the root and d3


class CountingOwns(Owns):
    """Own digests that take note of the lists of objects of which they were asked."""

    asked: list[list[int]]

    def sums(self, row: Sequence[int], modes: Sequence[int], numbers: Sequence[int]) -> list[str]:
        self.asked.append(list(numbers))
        return super().sums(row, modes, numbers)


def test_rules_that_give_the_files_of_a_folder_the_same_modes_share_their_digests() -> None:
    world = world_of(ordered([Entry("d", Kind.DIR, 0o755), *(file(f"d/f{n}", b"x" * n) for n in range(9))]))
    owns = CountingOwns(world, kinds_of(world, USUAL, R9), R9)
    owns.asked = []
    found = outline(owns, [Query("d")])
    assert found is not None
    for choice in (Choice(), *(Choice(modes=number) for number in range(len(owns.kinds[4])))):
        assert found.record(choice) == record_of(applied(world, owns.kinds, choice), [Query("d")], R9)
    files = [numbers for numbers in owns.asked if len(numbers) == 9]
    modes = {tuple(owns.modes(Choice(modes=number))[1:]) for number in range(len(owns.kinds[4]))}
    assert len(files) == len(modes) < len(owns.kinds[4])


def test_hard_links_are_hashed_as_their_first_name() -> None:
    entries = ordered([*ALL, replace(file("twin", b"# app\n\ntext\n"), linkname="README.md")])
    found = made(entries, ".")
    assert found is not None
    for choice in (Choice(), Choice(modes=1), Choice(contents=1)):
        kinds = found.owns.kinds
        assert found.record(choice) == record_of(applied(found.owns.world, kinds, choice), [Query(".")], R9)
