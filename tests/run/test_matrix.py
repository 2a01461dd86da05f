"""Which trials a run makes: known before the first of them."""

from __future__ import annotations

from lab.model import TrialKey
from lab.run.matrix import is_control, trials, with_controls

MADE = [("a", "new"), ("a", "old"), ("b", "new")]
CONSUMERS = {"a": ["new", "old"], "b": ["new"]}


def planned(**options: object) -> dict[str, list[tuple[str, ...]]]:
    found = trials(MADE, CONSUMERS, "s", ["none", "xattr"], **{"thorough": False, **options})  # type: ignore[arg-type]
    return {
        name: [(key.producer, key.producer_engine, key.engine, key.variation) for key in row]
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
    assert planned(consumer_engines=("new",), producer_engines=("old",)) == {
        "a": [("a", "old", "new", "none"), ("a", "old", "new", "xattr")],
        "b": [("a", "old", "new", "none"), ("a", "old", "new", "xattr")],
    }


def test_without_an_image_there_is_no_trial() -> None:
    assert trials([], CONSUMERS, "s", ["none"], thorough=True) == {"a": [], "b": []}


def test_every_key_names_its_consumer_and_scenario() -> None:
    found = trials([("a", "e")], {"b": ["e"]}, "s", ["none"], thorough=False)
    assert found == {"b": [TrialKey("a", "e", "b", "e", "s", "none")]}


def test_each_producer_rebuilds_its_own_image_first() -> None:
    plan = {"b": [TrialKey("a", "new", "b", "new", "s", "xattr"), TrialKey("a", "old", "b", "new", "s", "none")]}
    found = with_controls(plan)
    assert found == {
        "a": [TrialKey("a", "new", "a", "new", "s", "none"), TrialKey("a", "old", "a", "old", "s", "none")],
        "b": plan["b"],
    }
    assert [is_control(key) for keys in found.values() for key in keys] == [True, True, False, False]
    assert with_controls(found) == found  # a control that is planned already stays one
