"""A campaign on a stand-in for engines: every seed once, counts that add up, one contradiction of each sort settled."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from lab.errors import EngineError
from lab.model import Outcome, Progress
from lab.run.random_trials.bench import Bench, Made, Wanted, engines_of
from lab.run.random_trials.campaign import once, progress, run
from lab.run.random_trials.case import Case
from lab.run.random_trials.comparing import Compared
from lab.run.random_trials.findings import command, findings
from lab.run.random_trials.stored import load
from tests.run.random_trials.test_stored import FILES
from tests.vectors import BOOK

HIT, RAN, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN
ENGINES = ("20.10.24", "26.1.5")
STORED = load(FILES[0])


class Stand:
    """A bench whose engines need no time: each trial has one right step; a RUN is unknown, a WORKDIR is wrong."""

    def __init__(self) -> None:
        self.seats = {"20.10.24": SimpleNamespace(modern=False), "26.1.5": SimpleNamespace(modern=True)}
        self.book = BOOK
        self.made: list[tuple[str, str, str]] = []
        self.lock = threading.Lock()

    def make(self, case: Case, producer: str, consumer: str, slug: str, only_if: Wanted | None = None) -> Made:
        with self.lock:
            self.made.append((producer, consumer, slug))
        text = case.dockerfile
        if "\nSHELL" in text and only_if is None:
            return Made(case, STORED.run, problem="it failed")
        steps = [Compared("COPY a /a", ("", 2), HIT, "listed", HIT)]
        if "\nRUN" in text:
            steps.append(Compared("RUN x", ("", 3), UNKNOWN, "not known", RAN))
        if "\nWORKDIR" in text:
            steps.append(Compared("WORKDIR /x", ("", 4), RAN, "why", HIT))
        return Made(case, STORED.run, STORED.seen, tuple(steps))


def bench(stand: Stand) -> Bench:
    return cast(Bench, stand)


def test_every_seed_is_tried_once_and_counted() -> None:
    stand, said = Stand(), list[Progress]()
    tally = run(bench(stand), 40, 100, said.append)
    assert [trial.seed for trial in tally.trials] == list(range(100, 140))
    assert sorted(slug for _, _, slug in stand.made) == sorted(map(str, range(100, 140)))
    counts = tally.counts
    assert counts["failed"] + counts["right"] == 40
    assert counts["unknown"] and counts["wrong"] and counts["failed"]
    assert said[-1].done and said[-1].failed and said[-1].what == progress(tally, 40)
    assert {trial.consumer for trial in tally.trials} == set(ENGINES)
    assert any(trial.producer != trial.consumer for trial in tally.trials)


def test_one_seed_alone_makes_the_same_trial() -> None:
    whole = run(bench(Stand()), 20, 0, lambda event: None)
    for trial in whole.trials:
        alone = once(bench(Stand()), trial.seed, ENGINES)
        assert (alone.producer, alone.consumer, alone.made.case) == (trial.producer, trial.consumer, trial.made.case)


def test_every_engine_rebuilds_its_own_images_and_those_of_every_other() -> None:
    names = ["a", "b", "c"]
    assert {engines_of(names, number) for number in range(200)} == {(one, two) for one in names for two in names}
    assert {engines_of(["a"], number) for number in range(20)} == {("a", "a")}


def test_each_sort_of_contradiction_is_minimised_stored_and_reported(tmp_path: Path) -> None:
    stand = Stand()
    tally = run(bench(stand), 30, 0, lambda event: None)
    found = findings(bench(stand), tally, 0, tmp_path, lambda event: None)
    [item] = found.contradictions
    assert item.sort == "WORKDIR: predicted ran, was hit (why)"
    assert len(item.seeds) == len(tally.wrong) > 1
    assert item.dockerfile.count("\n") <= 3 and "\nWORKDIR" in item.dockerfile
    assert item.repeat == f"python -m lab truth --random 1 --seed {item.seeds[0]} --engine 20.10.24,26.1.5"
    assert load(Path(item.file)).wrong == ("WORKDIR /x: WORKDIR: predicted ran, was hit (why)",)
    assert found.whole.wrong == tally.counts["wrong"]
    assert found.reasons == {"not known": tally.counts["unknown"]}
    assert found.repeat == command(30, 0, ENGINES)


def test_without_contradictions_nothing_is_stored(tmp_path: Path) -> None:
    tally = run(bench(Stand()), 1, 1, lambda event: None)
    tally.trials = [replace(trial, made=replace(trial.made, steps=())) for trial in tally.trials]
    assert findings(bench(Stand()), tally, 1, tmp_path, lambda event: None).contradictions == ()
    assert list(tmp_path.iterdir()) == []


def test_the_failure_of_an_engine_ends_the_campaign() -> None:
    class Broken(Stand):
        def make(self, case: Case, producer: str, consumer: str, slug: str, only_if: Wanted | None = None) -> Made:
            raise EngineError("cannot use the engine: it is gone")

    with pytest.raises(EngineError, match="it is gone"):
        run(bench(Broken()), 5, 0, lambda event: None)
