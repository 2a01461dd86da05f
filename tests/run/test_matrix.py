"""Which trials a run makes: known before the first of them."""

from __future__ import annotations

from lab.model import Cell
from lab.run.matrix import cells

MADE = [("a", "new"), ("a", "old"), ("b", "new")]
CONSUMERS = {"a": ["new", "old"], "b": ["new"]}


def planned(**options: object) -> dict[str, list[tuple[str, ...]]]:
    found = cells(MADE, CONSUMERS, ["none", "xattr"], **{"thorough": False, **options})  # type: ignore[arg-type]
    return {
        name: [(cell.producer, cell.producer_engine, cell.engine, cell.variation) for cell in row]
        for name, row in found.items()
    }


def test_each_engine_rebuilds_what_the_same_engine_built() -> None:
    # a variation is tried once a box: on its first engine, against the first image
    assert planned() == {
        "a": [
            ("a", "new", "new", "none"), ("b", "new", "new", "none"), ("a", "new", "new", "xattr"),
            ("a", "old", "old", "none"),
        ],
        "b": [("a", "new", "new", "none"), ("b", "new", "new", "none"), ("a", "new", "new", "xattr")],
    }  # fmt: skip


def test_a_thorough_run_tries_all() -> None:
    assert [len(row) for row in planned(thorough=True).values()] == [6, 4]


def test_engines_of_both_sides_can_be_named() -> None:
    assert planned(used_by=("new",), made_by=("old",)) == {
        "a": [("a", "old", "new", "none"), ("a", "old", "new", "xattr")],
        "b": [("a", "old", "new", "none"), ("a", "old", "new", "xattr")],
    }


def test_without_an_image_there_is_no_trial() -> None:
    assert cells([], CONSUMERS, ["none"], thorough=True) == {"a": [], "b": []}


def test_every_cell_names_its_consumer() -> None:
    found = cells([("a", "e")], {"b": ["e"]}, ["none"], thorough=False)
    assert found == {"b": [Cell("a", "e", "b", "e", "none")]}
