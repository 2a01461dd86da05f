"""Runs that make only a part of their trials, or each several times: the sample's boxes answer from its transcript."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.boxes.transcript import read
from lab.errors import ConfigError, Fault
from lab.model import Begun, Planned, RunEvent, TrialKey, Verdict
from lab.results.run import Repetition, Run, load
from lab.run.agenda import Agenda
from lab.run.course import Course, Stored
from lab.run.manner import Manner
from lab.run.matrix import repeated
from lab.run.sequence import END, slug_of
from tests.run.test_replay import FIXED, SAMPLE, UNFIXED, A, S, entries, play  # noqa: F401  # a fixture

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 28, tzinfo=UTC)
WHOLE = load(SAMPLE)


def resumable(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:  # noqa: F811
    """The entries, and those of the commands that remove what a killed run left on its boxes."""
    found = list(entries)
    for box in (A, S):
        home = next(entry for entry in entries if entry["box"] == box and entry["argv"] == ["printenv", "HOME"])
        left = f"{home['stdout'].strip()}/lab-runs/{WHOLE.name}"
        for argv in (["sh", "-c", END, "sh", left], ["rm", "-rf", left]):
            found.append({**home, "argv": argv, "stdout": "", "timeout": 60})
    return found


def stopped(*lost: str, **changes: object) -> Run:
    """The sample as a run that was stopped before it made the trials of these names."""
    kept = tuple(trial for trial in WHOLE.trials if trial.name not in lost)
    return WHOLE.model_copy(update={"trials": kept, "complete": False, "finished": None, **changes})


def resume(folder: Path, entries: list[dict[str, Any]], run: Run) -> tuple[Run, list[RunEvent]]:  # noqa: F811
    seen: list[RunEvent] = []
    begun = run.model_copy(update={"resumed": (*run.resumed, NOW)})
    played = play(folder, resumable(entries), seen.append, before=begun, course=Course(stored=Stored(folder, run)))
    return played.run, seen


def begun(events: list[RunEvent]) -> set[str]:
    return {str(event.key) for event in events if isinstance(event, Begun)}


LAST = f"{S}>{A}:{FIXED}/copy-bust:none"


def test_a_resumed_run_makes_the_missing_trial_alone(tmp_path: Path, entries: list[dict[str, Any]]) -> None:  # noqa: F811
    run, events = resume(tmp_path, entries, stopped(LAST))
    assert begun(events) == {LAST}
    assert [str(key) for event in events if isinstance(event, Planned) for key in event.trials] == [LAST]
    assert sorted(trial.name for trial in run.trials) == sorted(trial.name for trial in WHOLE.trials)
    old, new = WHOLE.trials[0], next(trial for trial in run.trials if trial.name == LAST)
    assert old in run.trials  # unchanged
    assert (old.part, new.part) == (0, 1)


def test_only_the_image_that_is_needed_is_made_again_and_both_stay(
    tmp_path: Path,
    entries: list[dict[str, Any]],  # noqa: F811
) -> None:
    run, _ = resume(tmp_path, entries, stopped(LAST))
    again = [(made.producer, made.engine, made.part) for made in run.productions[len(WHOLE.productions) :]]
    assert again == [(S, FIXED, 1)]
    new = next(trial for trial in run.trials if trial.name == LAST)
    old = next(trial for trial in run.trials if (trial.producer, trial.engine, trial.part) == (S, FIXED, 0))
    assert run.production_of(new) is run.productions[-1]
    assert run.production_of(old) in WHOLE.productions


def test_facts_that_are_stored_are_not_stored_twice(tmp_path: Path, entries: list[dict[str, Any]]) -> None:  # noqa: F811
    run, _ = resume(tmp_path, entries, stopped(LAST))
    assert run.boxes == WHOLE.boxes


def test_a_box_that_has_changed_makes_no_trial(tmp_path: Path, entries: list[dict[str, Any]]) -> None:  # noqa: F811
    boxes = tuple(box.model_copy(update={"kernel": "1.2.3"}) if box.name == A else box for box in WHOLE.boxes)
    with pytest.raises(ConfigError, match=r"the box has changed: kernel 1\.2\.3 -> "):
        resume(tmp_path, entries, stopped(LAST, boxes=boxes))
    assert LAST not in {trial.name for trial in load(tmp_path).trials}


def test_a_trial_of_a_dead_box_is_made_again_and_takes_the_place_of_its_failure(
    tmp_path: Path,
    entries: list[dict[str, Any]],  # noqa: F811
) -> None:
    dead = tuple(
        trial.model_copy(update={"build": None, "verdict": Verdict.BROKEN, "fault": Fault.BOX})
        if trial.name == LAST
        else trial
        for trial in WHOLE.trials
    )
    run, events = resume(tmp_path, entries, stopped(trials=dead))
    assert begun(events) == {LAST}
    [made] = [trial for trial in run.trials if trial.name == LAST]
    assert made.verdict is Verdict.AS_EXPECTED
    assert len(run.trials) == len(WHOLE.trials)
    assert load(tmp_path).trials == run.trials


def test_a_run_that_was_resumed_can_be_resumed_again(tmp_path: Path, entries: list[dict[str, Any]]) -> None:  # noqa: F811
    other = f"{A}>{S}:{UNFIXED}/copy-bust:none"
    first, _ = resume(tmp_path, entries, stopped(LAST, other))
    cut = first.model_copy(update={"trials": tuple(trial for trial in first.trials if trial.name != other)})
    run, events = resume(tmp_path, entries, cut)
    assert begun(events) == {other}
    assert {trial.name: trial.part for trial in run.trials if trial.part} == {LAST: 1, other: 2}
    assert len({(made.producer, made.engine, made.part) for made in run.productions}) == len(run.productions)


def test_only_the_trials_that_are_asked_for_are_made(tmp_path: Path, entries: list[dict[str, Any]]) -> None:  # noqa: F811
    seen: list[RunEvent] = []
    course = Course(only=frozenset({TrialKey.parse(LAST)}), again_of="before")
    played = play(tmp_path, entries, seen.append, course=course)
    assert begun(seen) == {LAST} == {trial.name for trial in played.run.trials}
    assert [(made.producer, made.engine) for made in played.run.productions] == [(S, FIXED)]


def test_no_box_begins_a_trial_after_the_first_that_is_not_as_expected(
    tmp_path: Path,
    entries: list[dict[str, Any]],  # noqa: F811
) -> None:
    lost = [entry for entry in entries if not (entry["box"] == S and "--cache-from" in entry["argv"])]
    manner = Manner(fail_fast=True)
    played = play(tmp_path, lost, manner=manner)
    broken = [trial for trial in played.run.trials if trial.verdict is Verdict.BROKEN]
    assert len(broken) == 1
    assert manner.has_ended
    last = [trial.name for trial in played.run.trials if trial.consumer == S]
    assert last == [broken[0].name]
    assert len(played.run.trials) < len(WHOLE.trials)


@pytest.mark.parametrize("repeat", [1, 2])
def test_with_a_failed_trial_of_a_project_its_control_is_made_again(repeat: int) -> None:
    """What the producer's rebuild of its own image did is what is expected of the others."""
    project = SimpleNamespace(project=object(), name="s", instructions=())
    recorder = SimpleNamespace(run=WHOLE.model_copy(update={"productions": (), "trials": ()}), watch=lambda event: None)
    failed = TrialKey(A, "e", S, "e", "s", "none", repeat)
    agenda = Agenda(
        cast(Any, project),
        cast(Any, recorder),
        Course(Repetition(times=2), frozenset({failed})),
        [A, S],
        thorough=False,
        consumer_engines=(),
        producer_engines=(),
    )
    agenda.producers = agenda.consumers = {A, S}
    agenda.engines = {A: ["e"], S: ["e"]}
    agenda.vary([None])
    agenda.plan()
    controls = [TrialKey(A, "e", A, "e", "s", "none", number) for number in (1, 2)]
    assert agenda.planned == {A: controls, S: [failed]}
    assert agenda.needs_image(A, "e")
    assert not agenda.needs_image(S, "e")
    assert agenda.missing() == [*controls, failed]


def twice() -> list[dict[str, Any]]:
    """The entries, and those of a second repeat of each trial, in its own folder."""
    names = {trial.name: slug_of(trial.name) for trial in WHOLE.trials}
    every = read(SAMPLE / "transcript.jsonl")[1]
    found = list(every)
    for entry in every:
        if slug := names.get(entry["about"]):
            found.append(json.loads(json.dumps(entry).replace(slug, slug_of(f"{entry['about']}#2"))))
    return found


def test_each_trial_is_made_as_often_as_asked_in_the_order_of_the_seed(tmp_path: Path) -> None:
    orders = []
    for number, seed in enumerate((1, 1, 2)):
        (folder := tmp_path / str(number)).mkdir()
        seen: list[RunEvent] = []
        course = Course(Repetition(times=2, seed=seed))
        run = play(folder, twice(), seen.append, course=course).run
        assert len({trial.name for trial in run.trials}) == len(run.trials) == 2 * len(WHOLE.trials)
        assert {trial.verdict for trial in run.trials} == {Verdict.AS_EXPECTED}
        assert {trial.key for trial in run.trials} == {
            replace(trial.key, repeat=repeat) for trial in WHOLE.trials for repeat in (1, 2)
        }
        orders.append([str(event.key) for event in seen if isinstance(event, Begun) and event.key.consumer == A])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


def test_a_seed_orders_trials_alike_whichever_are_left() -> None:
    keys = [trial.key for trial in WHOLE.trials]
    every = repeated({A: keys}, Repetition(times=3, seed=5))[A]
    some = repeated({A: keys[::2]}, Repetition(times=3, seed=5))[A]
    assert [key for key in every if key in some] == some
    assert len(every) == 3 * len(keys)
    assert repeated({A: keys}, Repetition()) == {A: keys}
