"""What is surprising, where a run stops at it, and what makes an engine clean."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.engines.engine import Engine
from lab.errors import BoxError, Fault, Interrupted
from lab.machines import kept
from lab.model import Outcome, Progress, Verdict
from lab.registry.server import Registry
from lab.results.run import Production, Trial, load
from lab.run.manner import Manner, Surprise, surprising
from lab.run.scenarios import find, load_scenario
from lab.run.sequence import NO_FACTS, folder_of, rebuild
from lab.run.station import Station
from lab.workers import stopping
from tests.conftest import ROOT
from tests.run.test_sequence import Words

RUN = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
EXPECTED = next(trial for trial in RUN.trials if trial.verdict is Verdict.AS_EXPECTED and trial.build)


def station(box: Words | None = None) -> Station:
    engine = Engine("e", ("docker",), "20.10.24", "20.10.24", "")
    registry = Registry("localhost:1", "docker-registry", 1)
    return Station(
        box or Words(), lambda about: nullcontext(), engine, RUN.boxes[0], PurePosixPath("/h/run/e"), registry
    )


def other(trial: Trial) -> Trial:
    """The trial with its last step run in place of what is expected."""
    assert trial.build
    *first, last = trial.build.steps
    wrong = last.model_copy(update={"outcome": Outcome.RAN, "expected": Outcome.HIT})
    build = trial.build.model_copy(update={"steps": (*first, wrong)})
    return trial.model_copy(update={"build": build, "verdict": Verdict.MISSED, "predicted": ()})


def test_a_trial_as_expected_is_no_surprise() -> None:
    assert surprising(EXPECTED) is None


def test_the_first_step_that_differs_is_named() -> None:
    assert EXPECTED.build
    assert surprising(other(EXPECTED)) == f"{EXPECTED.build.steps[-1].instruction} ran, expected was hit"


def test_a_broken_trial_and_a_contradicted_prediction_are_surprises() -> None:
    broken = EXPECTED.model_copy(update={"verdict": Verdict.BROKEN, "problem": "no route", "fault": Fault.BOX})
    assert surprising(broken) == "no route"
    assert EXPECTED.build
    opposite = tuple(Outcome.RAN if step.outcome is Outcome.HIT else Outcome.HIT for step in EXPECTED.build.steps)
    found = surprising(EXPECTED.model_copy(update={"predicted": opposite}))
    assert found and found.endswith("was predicted")


def test_a_run_goes_on_after_status_0_and_ends_after_any_other() -> None:
    seen: list[Surprise] = []

    def go_on(surprise: Surprise) -> bool:
        seen.append(surprise)
        return len(seen) == 1

    manner, place = Manner(stop=go_on), station()
    manner.after(EXPECTED, place)
    assert seen == []
    wrong = other(EXPECTED)
    manner.after(wrong, place)
    assert (seen[0].trial, seen[0].folder) == (wrong, folder_of(place, wrong.name))
    try:
        with pytest.raises(Interrupted, match="ended by you at "):
            manner.after(wrong, place)
        assert stopping.is_set()  # the other boxes end too, and none of them opens a shell
        manner.after(wrong, place)
        assert len(seen) == 2
    finally:
        stopping.clear()


def test_folders_are_removed_or_noted(tmp_path: Path) -> None:
    box = Words()
    place = station(box)
    Manner().clear([place], tmp_path / "run-1", tmp_path, lambda event: None)
    assert "rm -rf /h/run/e; rmdir /h/run /h" in box.calls[0]
    box.calls.clear()
    Manner(keep=True).clear([place], tmp_path / "run-1", tmp_path, lambda event: None)
    assert box.calls == []
    assert kept.runs(tmp_path) == {"run-1": {box.name: "/h/run"}}


@pytest.mark.parametrize("by_snapshot", [False, True])
def test_a_side_starts_clean_by_a_prune_or_by_the_first_state(by_snapshot: bool) -> None:
    scenario = load_scenario(find("copy-bust", ROOT / "templates" / "scenarios"), "b")
    box, reset = Words(), []
    place = station(box)
    if by_snapshot:
        place = replace(place, reset=lambda engine: reset.append((engine.name, list(box.calls))))
    source = Production(producer="p", engine="e", reference="localhost:1/x:t")
    rebuild(place, scenario, source, scenario.expectation(None, NO_FACTS), None, lambda what: None)
    prunes = [call for call in box.calls if "system prune -a" in call]
    if by_snapshot:
        assert any(" build " in call for call in box.calls)
        assert (reset, prunes) == ([("e", [])], [])  # once, before anything else is done on the box
    else:
        [build] = [number for number, call in enumerate(box.calls) if " build " in call]
        assert (reset, len(prunes)) == ([], 1) and box.calls.index(prunes[0]) < build  # files may be prepared beside it


# --- the files of a run on other machines


def on(kind: str, box: Words | None = None) -> Station:
    """A station whose box is of this kind."""
    made = station(box)
    return replace(made, facts=made.facts.model_copy(update={"kind": kind}))


class Lost(Words):
    """A box that cannot be reached any more."""

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        raise BoxError("cannot reach it any more")


def test_the_files_on_another_machine_are_noted_before_they_exist_and_forgotten_at_the_end(tmp_path: Path) -> None:
    manner, used, run = Manner(), list[Station](), tmp_path / "run-1"
    manner.use(used, on("local"), run, tmp_path)
    assert kept.runs(tmp_path, kept.Why.USED) == {}
    there = on("ssh")
    manner.use(used, there, run, tmp_path)
    assert kept.runs(tmp_path, kept.Why.USED) == {"run-1": {there.box.name: str(there.home.parent)}}
    manner.clear(used, run, tmp_path, lambda event: None)
    assert kept.runs(tmp_path, kept.Why.USED) == {}


def test_the_files_on_a_box_that_is_lost_stay_noted(tmp_path: Path) -> None:
    manner, used, run, heard = Manner(), list[Station](), tmp_path / "run-1", list[Progress]()
    manner.use(used, on("ssh", Lost()), run, tmp_path)
    manner.clear(used, run, tmp_path, heard.append)
    assert [event.what for event in heard] == ["cannot remove /h/run/e: cannot reach it any more"]
    assert list(kept.runs(tmp_path, kept.Why.USED)) == ["run-1"]
    assert kept.runs(tmp_path) == {}
