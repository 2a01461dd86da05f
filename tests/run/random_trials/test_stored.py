"""Contradictions of real engines, stored as test data: none of them is one for this version of lab."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import ConfigError
from lab.model import Outcome
from lab.results.run import Run
from lab.run.random_trials.bench import Made
from lab.run.random_trials.campaign import Tried
from lab.run.random_trials.comparing import Seen
from lab.run.random_trials.stored import load, replay, save
from tests.conftest import ROOT
from tests.vectors import BOOK

FOLDER = ROOT / "tests" / "data" / "contradictions"
FILES = sorted(FOLDER.glob("*.json"))
MOST_UNKNOWN = 0.5


def test_there_are_stored_contradictions() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_was_contradicted_is_predicted_right_now(path: Path) -> None:
    trial = load(path)
    steps = replay(trial, BOOK)
    for step in steps:
        assert not step.wrong, (step.text, step.sort, trial.run.dockerfile, trial.change)
    assert sum(step.unknown for step in steps) <= MOST_UNKNOWN * len(steps)
    assert len(steps) >= len(trial.seen) > 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_changed_outcome_is_a_contradiction_again(path: Path) -> None:
    """So the replay really compares the stored outcomes."""
    trial = load(path)
    other = {Outcome.HIT: Outcome.RAN, Outcome.RAN: Outcome.HIT}
    seen = tuple(step.model_copy(update={"outcome": other[step.outcome]}) for step in trial.seen)
    assert any(step.wrong for step in replay(trial.model_copy(update={"seen": seen}), BOOK))


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    first = load(FILES[0])
    steps = replay(first, BOOK)
    wrong = replace(steps[0], predicted=Outcome.RAN, real=Outcome.HIT)
    made = Made(first.case, first.run, first.seen, (wrong, *steps[1:]))
    path = save(tmp_path / "new", Tried(7, first.producer, first.consumer, made))
    again = load(path)
    assert path.name == f"{first.consumer}-7.json"
    assert (again.seed, again.case, again.seen, again.run) == (7, first.case, first.seen, first.run)
    assert again.wrong == (f"{wrong.text}: {wrong.sort}",)
    assert again.change == first.case.described()


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(ConfigError, match=r"cannot read .*x\.json: No such file"):
        load(path)
    path.write_text('{"schema": 1}')
    with pytest.raises(ConfigError, match=r"cannot read .*x\.json: seed: Field required"):
        load(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_stored_file_names_the_machine_that_made_it(path: Path) -> None:
    run: Run = load(path).run
    assert all(not box.kernel and "Name:" not in box.info for box in run.boxes)
    assert "/root/" not in path.read_text(encoding="utf-8") and "/home/" not in path.read_text(encoding="utf-8")


def test_seen_steps_are_found_by_place() -> None:
    assert Seen(stage="s", number=2, text="RUN a", outcome=Outcome.HIT).place == ("s", 2)
