"""What becomes of results: a lost box costs its own trials, and a box that is another one than before is told apart."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.boxes.base import Command, OnOutput, Result, Tell
from lab.errors import BoxError
from lab.machines.ready import Ready
from lab.model import Begun, Filled, Planned, Progress, RunEvent, Verdict
from lab.results.facts import BoxFacts
from lab.results.run import Repetition, Run, load
from lab.run.course import Course
from lab.run.distributed.bench import Post
from lab.run.distributed.experiment import Spread, perform
from lab.run.manner import Manner
from tests.run.distributed.replaying import STORE, Replaying, ready
from tests.run.distributed.workplace import project, quiet, wish


class Failing(Replaying):
    """A box that is lost at the first command that fits."""

    fits: Callable[[Command], bool]

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        if self.fits(command):
            raise BoxError(f"cannot reach {self.name}")
        return super().execute(command, on_output)


def failing(name: str, fits: Callable[[Command], bool]) -> Ready:
    item = ready(name)
    box = Failing(name)
    box.fits = fits
    return Ready(box, item.spec, item.engines)


def made(
    folder: Path,
    boxes: list[Ready],
    watch: Callable[[RunEvent], None] = lambda event: None,
    tell: Tell | None = None,
) -> Run:
    where = project(folder)
    folder, run = perform(Spread("local", 60.0), wish(where), boxes, where, tell or quiet(), watch, registry=STORE)
    assert load(folder) == run
    return run


def test_a_box_that_is_lost_before_its_first_trial_costs_its_own_trials(tmp_path: Path) -> None:
    lost = failing("b", lambda command: command.argv[-1] == "info")
    run = made(tmp_path, [ready("a"), lost])
    assert run.complete and len(run.trials) == 4
    by_ends = {(trial.producer, trial.consumer): trial for trial in run.trials}
    assert by_ends["a", "a"].verdict is Verdict.AS_EXPECTED
    broken = [trial for ends, trial in by_ends.items() if "b" in ends]
    assert {(trial.verdict, trial.broken_by) for trial in broken} == {(Verdict.BROKEN, "box")}
    assert all("cannot reach b" in (trial.problem or "") for trial in broken)
    [production] = [item for item in run.productions if item.producer == "b"]
    assert (production.fault, production.reference) == ("box", "localhost:9/lab-copy-bust-b:20.10.24")


def test_a_box_that_is_lost_in_a_trial_has_that_trial_broken(tmp_path: Path) -> None:
    lost = failing("b", lambda command: "--cache-from" in command.argv and "-a:" in " ".join(command.argv))
    run = made(tmp_path, [ready("a"), lost])
    assert {trial.name: trial.verdict for trial in run.trials if trial.verdict is Verdict.BROKEN} == {
        "a>b:20.10.24/copy-bust:none": Verdict.BROKEN
    }


def test_after_the_first_broken_trial_no_other_begins(tmp_path: Path) -> None:
    def late(command: Command) -> bool:
        time.sleep(0.5 * ("--cache-from" in command.argv))
        return "--cache-from" in command.argv

    slow = failing("a", late)
    where = project(tmp_path)
    asked = wish(where, manner=Manner(fail_fast=True), course=Course(Repetition(times=8, seed=1)))
    folder, run = perform(Spread("local", 60.0), asked, [slow], where, quiet(), registry=STORE)
    assert load(folder) == run
    assert not run.complete
    # the worker begins the next trial before the result of the first is here
    assert 1 <= len(run.trials) <= 3
    assert {trial.verdict for trial in run.trials} == {Verdict.BROKEN}


def test_a_listener_gets_the_plan_each_beginning_and_each_result(tmp_path: Path) -> None:
    seen: list[RunEvent] = []
    run = made(tmp_path, [ready("a"), ready("b")], seen.append)
    keys = {trial.key for trial in run.trials}
    [plan] = [event for event in seen if isinstance(event, Planned)]
    assert set(plan.trials) == keys
    assert {event.key for event in seen if isinstance(event, Begun)} == keys
    assert {event.key for event in seen if isinstance(event, Filled)} == keys
    for key in keys:
        own = [type(event) for event in seen if isinstance(event, Begun | Filled) and event.key == key]
        assert own == [Begun, Filled]


def test_the_progress_of_a_box_ends_once_after_its_last_trial(tmp_path: Path) -> None:
    heard: list[Progress] = []
    run = made(tmp_path, [ready("a"), ready("b")], tell=heard.append)
    for name in ("a", "b"):
        own = [event for event in heard if event.who == name]
        assert [event for event in own if event.done and event.what == "all trials made"] == own[-1:]
        made_here = [trial for trial in run.trials if trial.consumer == name]
        assert sum(event.what.startswith("20.10.24 from ") for event in own) == len(made_here) == 2


def test_a_box_of_the_same_name_that_is_another_one_is_not_mixed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Post.rebuild

    def elsewhere(post: Post, *words: object) -> None:
        """Make the trial as a worker does that has another box of the same name."""
        before(post, *words)  # type: ignore[arg-type]
        facts = post._station(post._crew, "20.10.24").facts  # type: ignore[arg-type]
        post.collector.items.insert(0, BoxFacts.model_copy(facts, update={"kernel": "6.1"}))

    monkeypatch.setattr(Post, "rebuild", elsewhere)  # two workers with one box are made in tests/test_distributed_vm.py
    [trial] = made(tmp_path, [ready("a")]).trials
    assert (trial.verdict, trial.broken_by) == (Verdict.BROKEN, "box")
    assert "is another one: kernel" in (trial.problem or "") and "-> 6.1" in (trial.problem or "")
