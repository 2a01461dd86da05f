"""A distributed run is the same as a run of this process; what it cannot do is refused before anything starts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import read
from lab.errors import ConfigError, UsageError
from lab.machines.ready import Ready
from lab.model import TrialKey, Verdict
from lab.project import Project
from lab.results import journal
from lab.results.run import Run, load
from lab.run.course import Course, Stored
from lab.run.distributed.experiment import Spread, check_wish, perform
from lab.run.experiment import perform as perform_here
from lab.run.manner import Manner
from lab.run.own_project.project import OwnProject, read_project
from lab.run.own_project.request import Request
from tests.reporting import HIT, RAN
from tests.run.distributed.replaying import ENGINE, STORE, Replaying, ready
from tests.run.distributed.workplace import project, quiet, wish

pytestmark = pytest.mark.slow

LOCAL = Spread("local", 60.0)
TIMES = ("started", "finished", "seconds")


def without_times(value: Any, name: str) -> Any:
    """A stored value without its times and without the name of the run."""
    if isinstance(value, dict):
        return {key: without_times(item, name) for key, item in value.items() if key not in TIMES}
    if isinstance(value, list):
        return [without_times(item, name) for item in value]
    return value.replace(name, "RUN") if isinstance(value, str) else value


def stored(folder: Path) -> tuple[str, Any, tuple[list[Any], list[Any]]]:
    """The table, the run and the commands of a stored run, without times.

    The commands are in an order that does not depend on time, because some of a box run at once; builds and pushes are
    also in the order of the run.
    """
    run = without_times(json.loads((folder / "run.json").read_text()), folder.name)
    table = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", (folder / "table.txt").read_text())
    commands = without_times(read(folder / "transcript.jsonl")[1], folder.name)
    builds = [item for item in commands if {"build", "push"} & {*item["argv"]}]
    return table, run, (sorted(commands, key=json.dumps), builds)


def both(
    tmp_path: Path, boxes: Callable[[], list[Ready]], **fields: Any
) -> list[tuple[str, Any, tuple[list[Any], list[Any]]]]:
    """The same wish made in this process, and through a scheduler."""
    found = []
    for name in ("here", "spread"):
        where = project(tmp_path / name)
        args = (wish(where, **fields), boxes(), where, quiet())
        folder, run = perform_here(*args, registry=STORE) if name == "here" else perform(LOCAL, *args, registry=STORE)
        assert run.complete
        assert load(folder) == run
        found.append(stored(folder))
    return found


def test_the_folder_of_one_box_is_the_same_byte_for_byte_but_for_times(tmp_path: Path) -> None:
    engines = (ENGINE, "20.10.25")
    here, spread = both(tmp_path, lambda: [ready("a", engines)], variations=("all",))
    assert len(here[1]["trials"]) > 4
    assert spread == here


def test_each_box_of_several_makes_the_same_with_the_same_commands_and_builds_in_the_same_order(tmp_path: Path) -> None:
    here, spread = both(tmp_path, lambda: [ready("a", like="producer"), ready("b"), ready("c")])
    for box in ("a", "b", "c"):
        for one, other in ((here, spread),):
            for mine, theirs in zip(one[2], other[2], strict=True):
                assert [item for item in theirs if item["box"] == box] == [item for item in mine if item["box"] == box]
            for kind, key in (("trials", "consumer"), ("productions", "producer"), ("boxes", "name")):
                own = [[item for item in run[1][kind] if item[key] == box] for run in (one, other)]
                assert own[0] == own[1] != []
    alike = [{key: value for key, value in run[1].items() if not isinstance(value, list)} for run in (here, spread)]
    assert alike[0] == alike[1]
    assert here[0].splitlines()[-9:] == spread[0].splitlines()[-9:]  # the table sorts its rows


def test_only_the_trials_that_are_asked_for_are_made(tmp_path: Path) -> None:
    where = project(tmp_path)
    wanted = TrialKey("a", ENGINE, "b", ENGINE, "copy-bust", "none")
    asked = wish(where, course=Course(only=frozenset([wanted])))
    _, run = perform(LOCAL, asked, [ready("a"), ready("b")], where, quiet(), registry=STORE)
    assert ([trial.key for trial in run.trials], run.complete) == ([wanted], True)
    assert [made.producer for made in run.productions] == ["a"]  # nobody needs the image of the other


def begun_and_stopped(where: Project) -> tuple[Path, Run]:
    """A run of three boxes that was stopped when it had stored the trials of the first consumer alone."""
    args = (wish(where, course=Course(words="{}")), boxes(), where, quiet())
    folder, run = perform_here(*args, registry=STORE)
    kept = tuple(trial for trial in run.trials if trial.consumer == "a")
    assert 0 < len(kept) < len(run.trials)
    stopped = run.model_copy(update={"trials": kept, "complete": False, "finished": None})
    (folder / journal.NAME).unlink(missing_ok=True)
    (folder / "run.json").write_text(stopped.to_json())
    return folder, load(folder)


def boxes() -> list[Ready]:
    return [ready("a", like="producer"), ready("b"), ready("c")]


def test_a_run_that_was_stopped_is_resumed_as_in_this_process(tmp_path: Path) -> None:
    found = []
    for name in ("here", "spread"):
        where = project(tmp_path / name)
        folder, run = begun_and_stopped(where)
        before = list(run.trials)
        args = (wish(where, course=Course(stored=Stored(folder, run))), boxes(), where, quiet())
        made, after = perform_here(*args, registry=STORE) if name == "here" else perform(LOCAL, *args, registry=STORE)
        assert (made, after.complete, len(after.resumed)) == (folder, True, 1)
        assert load(folder) == after
        assert [trial for trial in after.trials if trial.consumer == "a"] == before
        assert len(after.boxes) == 3  # their facts are those that were stored
        found.append(stored(folder))
    here, spread = found
    assert sorted(trial["part"] for trial in spread[1]["trials"]) == sorted(
        trial["part"] for trial in here[1]["trials"]
    )
    for kind, key in (("trials", "consumer"), ("productions", "producer"), ("boxes", "name")):
        for box in ("a", "b", "c"):
            own = [[item for item in run[1][kind] if item[key] == box] for run in (here, spread)]
            assert own[0] == own[1] != []
    assert spread[2][0] == here[2][0]


def test_a_box_that_has_changed_makes_no_trial_of_a_resumed_run(tmp_path: Path) -> None:
    where = project(tmp_path)
    folder, run = begun_and_stopped(where)
    other = tuple(item.model_copy(update={"kernel": "6.0"}) if item.name == "b" else item for item in run.boxes)
    run = run.model_copy(update={"boxes": other})
    asked = wish(where, course=Course(stored=Stored(folder, run)))
    with pytest.raises(ConfigError, match=r"cannot resume .* on b with .*: the box has changed: kernel 6.0 -> "):
        perform(LOCAL, asked, boxes(), where, quiet(), registry=STORE)
    after = load(folder)
    assert not after.complete
    assert {trial.consumer for trial in after.trials} == {"a", "c"}
    assert "b" not in {trial.producer for trial in after.trials if trial.consumer == "c"}


def own(folder: Path) -> OwnProject:
    """A project whose build is called with the words of the sample's, and which is sent without its records."""
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM alpine:3.11.6\nRUN echo foo\nCOPY bar bar\nRUN echo baz\n")
    (folder / "bar").write_text("bar\n")
    return read_project(Request(folder, transfer="copy"))


def test_a_project_is_made_as_in_this_process_with_the_producers_own_rebuilds_first(tmp_path: Path) -> None:
    mine = own(tmp_path / "p")
    here, spread = both(tmp_path, lambda: [ready("a", (ENGINE, "20.10.25"))], project=mine)
    assert (len(here[1]["trials"]), spread) == (2, here)  # each engine of one box rebuilds its own image
    here, spread = both(tmp_path / "several", boxes, project=mine)
    for run in (here, spread):
        ends = [(trial["producer"], trial["consumer"]) for trial in run[1]["trials"]]
        assert (len(ends), {one == other for one, other in ends[:3]}) == (9, {True})
    for box in ("a", "b", "c"):
        own_trials = [[item for item in run[1]["trials"] if item["consumer"] == box] for run in (here, spread)]
        assert own_trials[0] == own_trials[1] != []


class Running(Replaying):
    """A box that runs every step of a rebuild."""

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        done = super().execute(command, on_output)
        return (
            replace(done, stderr=done.stderr.replace(b"CACHED", b"DONE 0.1s"))
            if "--cache-from" in command.argv
            else done
        )


def test_a_consumer_is_expected_to_do_what_the_rebuild_of_the_producer_did(tmp_path: Path) -> None:
    where = project(tmp_path / "spread")
    asked = wish(where, project=own(tmp_path / "p"))
    strange = replace(ready("b"), box=Running("b"))
    _, run = perform(LOCAL, asked, [ready("a"), strange], where, quiet(), registry=STORE)
    found = {
        (trial.producer, trial.consumer): ({step.expected for step in trial.build.steps}, trial.verdict)
        for trial in run.trials
        if trial.build
    }
    assert found == {
        ("a", "a"): ({HIT}, Verdict.AS_EXPECTED),
        ("a", "b"): ({HIT}, Verdict.MISSED),
        ("b", "a"): ({RAN}, Verdict.UNEXPECTED_HIT),
        ("b", "b"): ({RAN}, Verdict.AS_EXPECTED),
    }


@pytest.mark.parametrize(
    ("manner", "option"),
    [
        (Manner(keep=True), "--keep"),
        (Manner("snapshot"), "--fresh snapshot"),
        (Manner(stop=lambda surprise: True), "--debug"),
    ],
)
def test_what_needs_the_boxes_in_the_process_of_the_run_is_refused(tmp_path: Path, manner: Manner, option: str) -> None:
    asked = wish(project(tmp_path), manner=manner)
    with pytest.raises(UsageError, match=f"cannot use {option} with --scheduler"):
        check_wish(asked, LOCAL)


def test_a_scenario_that_serves_files_is_made_by_a_scheduler_of_this_process_alone(tmp_path: Path) -> None:
    where = project(tmp_path)
    serving = next(
        path.parent for path in sorted(where.scenarios.glob("*/scenario.yaml")) if "serve:" in path.read_text()
    )
    asked = replace(wish(where), scenario=serving)
    check_wish(asked, LOCAL)
    with pytest.raises(UsageError, match="serves files"):
        check_wish(asked, Spread("tcp://10.0.0.1:8786", 60.0))
