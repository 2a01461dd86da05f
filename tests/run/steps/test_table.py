"""Sequences: what each kind of step needs of those before it, and when the last build can be predicted."""

from __future__ import annotations

from typing import Any

import pytest

from lab.run.steps.table import USUAL, NamedStep, problem_of, steps_of, why_unpredictable
from lab.yamlfile import check

PRODUCER: list[dict[str, Any]] = [
    {"build": {"side": "producer"}},
    {"push": {"side": "producer"}},
    {"prune": {"side": "producer"}},
]
BUILD: dict[str, Any] = {"build": {"cache_from": ["image"]}}


def sequence(*steps: dict[str, Any]) -> tuple[NamedStep, ...]:
    return tuple(check(step, NamedStep, "scenario.yaml") for step in steps)


def test_the_usual_sequence_is_the_bug_reports() -> None:
    assert sequence(*PRODUCER, BUILD) == USUAL
    assert problem_of(USUAL, 3) is None
    assert why_unpredictable(USUAL) is None


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        (
            [{"push": {"side": "producer"}}],
            'step 1 of the sequence (push): no build "image" of the producer is before it',
        ),
        ([*PRODUCER], "the sequence has no build of the consumer"),
        ([*PRODUCER, BUILD, {"prune": {"side": "producer"}}], "step 5 of the sequence (prune): a step of the producer"),
        (
            [{"build": {"cache_from": ["other"]}}],
            'step 1 of the sequence (build): no image "other" was pushed before it',
        ),
        (
            [{"build": {"side": "producer"}}, BUILD],
            'step 2 of the sequence (build): no image "image" was pushed before it',
        ),
        ([*PRODUCER, {"build": {"expect": ["hit"]}}], "(build): it expects 1 outcomes, there are 3 steps"),
        (
            [*PRODUCER, {"build": {"exceptions": [{"because": "b", "expect": ["hit"]}]}}],
            "only a build of the consumer with its own expect has exceptions",
        ),
        (
            [*PRODUCER, {"build": {"expect": ["hit"] * 3, "exceptions": [{"because": "b", "expect": ["hit"]}]}}],
            "(build): it expects 1 outcomes, there are 3 steps",
        ),
        ([*PRODUCER, BUILD, {"inspect": {"step": 4, "path": "/a"}}], "it names step 4, there are 3 steps"),
        ([*PRODUCER, {"pull": {"image": "other"}}, BUILD], 'no image "other" was pushed before it'),
        ([*PRODUCER, {"load": {}}, BUILD], 'no step of the consumer before it saves "image"'),
        ([*PRODUCER, {"tag": {"image": "image", "to": "b"}}, BUILD], 'no build "image" of the consumer is before it'),
        ([*PRODUCER, {"save": {}}, BUILD], 'no build "image" of the consumer is before it'),
    ],
)
def test_a_step_that_cannot_be_made_is_named(steps: list[dict[str, Any]], problem: str) -> None:
    found = problem_of(sequence(*steps), 3)
    assert found is not None
    assert problem in found[1]
    assert found[0] is None or f"step {found[0] + 1} of the sequence" in found[1]


@pytest.mark.parametrize(
    "steps",
    [
        [*PRODUCER, {"build": {"cache_from": ["absent", "image"]}}],
        [*PRODUCER, BUILD, {"push": {}}, {"prune": {}}, BUILD],
        [*PRODUCER, {"pull": {}}, {"tag": {"image": "image", "to": "other"}}, {"build": {"cache_from": ["other"]}}],
        [*PRODUCER, BUILD, {"save": {}}, {"prune": {}}, {"load": {}}, BUILD, {"inspect": {"step": 1, "path": "/a"}}],
        [*PRODUCER, {"wait": {"seconds": 1}}, {"change": {"make": [{"umask": "0002"}]}}, BUILD],
    ],
)
def test_sequences_that_can_be_made(steps: list[dict[str, Any]]) -> None:
    assert problem_of(sequence(*steps), 3) is None


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([{"build": {"cache_from": ["absent", "image"]}}], None),
        ([{"build": {}}, {"prune": {}}, BUILD], None),
        ([{"build": {}}, {"prune": {"scope": "builder-all"}}, BUILD], None),
        ([{"build": {}}, BUILD], "the engine holds"),
        ([{"build": {}}, {"prune": {"scope": "system"}}, BUILD], "the engine holds"),
        ([{"pull": {}}, BUILD], "the engine holds"),
        ([{"build": {}}], "another cache or context"),
        ([BUILD, {"push": {}}, {"prune": {}}, BUILD], "another cache or context"),
        ([{"build": {"cache_from": ["image"], "context": "src"}}], "another cache or context"),
    ],
)
def test_what_can_be_predicted(steps: list[dict[str, Any]], reason: str | None) -> None:
    found = why_unpredictable(sequence(*PRODUCER, *steps))
    assert (found is None) if reason is None else (found is not None and reason in found)


def test_the_variation_comes_before_the_last_build_unless_it_has_its_place() -> None:
    plain = sequence(*PRODUCER, BUILD, {"prune": {}}, BUILD, {"inspect": {"step": 1, "path": "/a"}})
    assert [type(step).__name__ for step in steps_of(plain, "consumer")] == [
        "Build",
        "Prune",
        "Vary",
        "Build",
        "Inspect",
    ]
    placed = sequence(*PRODUCER, {"vary": {}}, BUILD, {"prune": {}}, BUILD)
    assert [type(step).__name__ for step in steps_of(placed, "consumer")] == ["Vary", "Build", "Prune", "Build"]
    theirs = sequence({"vary": {"side": "producer"}}, *PRODUCER, BUILD)
    assert [type(step).__name__ for step in steps_of(theirs, "producer")] == ["Vary", "Build", "Push", "Prune"]
    assert [type(step).__name__ for step in steps_of(theirs, "consumer")] == ["Build"]
