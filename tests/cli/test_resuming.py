"""What `repro --resume` and `repro --rerun-failed` refuse before anything is started, and what they take over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli.resuming import SHOWN, not_made_lines
from lab.cli.run_words import way_on
from lab.errors import Fault
from lab.model import TrialKey, Verdict
from lab.results.run import Run, save
from lab.run.resuming import held
from tests.cli.program import Place
from tests.cli.test_run_words import PLANNED, WORDS, store
from tests.reporting import HIT, RAN, run, trial

GOOD = trial("a", "b", (HIT, HIT, HIT), engine="20.10.24")
BAD = trial("b", "a", (HIT, RAN, RAN), Verdict.MISSED, expected=(HIT, HIT, HIT), engine="20.10.24")
NAME = "20260527T183000Z-copy-bust"


def stored(place: Place, made: Run, *, plan: bool = True, **words: object) -> Path:
    """The folder of a stored run, with a plan of the lineup debian."""
    folder = place.root / "results" / NAME
    save(folder, made, "")
    if plan:
        planned = PLANNED.model_copy(update={"words": replace(WORDS, **words), "folder": place.root})  # type: ignore[arg-type]
        store(folder, planned.to_json())
    return folder


def incomplete(*trials: object) -> Run:
    return run(*trials).model_copy(update={"complete": False, "finished": None})  # type: ignore[arg-type]


def test_a_complete_run_is_not_resumed(place: Place) -> None:
    stored(place, run(GOOD))
    done = place.lab("repro", "--resume", NAME)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"cannot resume {NAME}: it is complete, with 1 trial" in done.stderr
    assert f"python -m lab repro --rerun-failed {NAME}" in done.stderr


def test_a_complete_run_with_a_trial_of_a_dead_box_is_resumed_as_far_as_it_is_the_same(place: Place) -> None:
    dead = trial("b", "a", None, Verdict.BROKEN, fault=Fault.BOX, engine="20.10.24")
    stored(place, run(GOOD, dead))
    done = place.lab("repro", "--resume", NAME)
    assert done.returncode == 3, done.stderr
    assert f"cannot resume {NAME}: what it is made of has changed: box a is not used any more;" in done.stderr
    assert "engine 20.10.24 is new" in done.stderr
    assert list((place.root / "results").iterdir()) == [place.root / "results" / NAME]


def test_a_run_without_a_plan_is_refused(place: Place) -> None:
    stored(place, incomplete(GOOD), plan=False)
    for option in ("--resume", "--rerun-failed"):
        done = place.lab("repro", option, NAME)
        assert done.returncode == 2
        assert f"cannot make trials of {NAME} again" in done.stderr


def test_a_run_that_does_not_exist_is_refused(place: Place) -> None:
    stored(place, incomplete(GOOD))
    done = place.lab("repro", "--resume", NAME[:-1])
    assert done.returncode == 2
    assert f'did you mean "{NAME}"?' in done.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--engine", "20.10.24"], "--engine"),
        (["--lineup", "gist"], "--lineup"),
        (["copy-bust"], "the scenario copy-bust"),
        (["--repeat", "2"], "--repeat"),
        (["--keep"], "--keep"),
    ],
)
def test_what_the_stored_run_states_cannot_be_stated_again(place: Place, words: list[str], named: str) -> None:
    stored(place, incomplete(GOOD))
    done = place.lab("repro", *words, "--resume", NAME)
    assert done.returncode == 2
    assert f"cannot use {named} with --resume: the run states it itself" in done.stderr


def test_both_at_once_are_refused(place: Place) -> None:
    done = place.lab("repro", "--resume", "x", "--rerun-failed", "x")
    assert done.returncode == 2
    assert "cannot use --resume with --rerun-failed" in done.stderr


def test_a_run_that_another_process_resumes_is_refused_with_its_name(place: Place) -> None:
    folder = stored(place, incomplete(GOOD))
    with held(folder, "repro --resume x"):
        done = place.lab("repro", "--resume", NAME)
    assert done.returncode == 11
    assert f"cannot resume {NAME}: `lab repro --resume x` (process " in done.stderr


def test_without_a_failed_trial_nothing_is_made_again(place: Place) -> None:
    stored(place, incomplete(GOOD))
    done = place.lab("repro", "--rerun-failed", NAME)
    assert done.returncode == 2
    assert f"cannot make failed trials of {NAME} again: each of its trials is as expected" in done.stderr
    assert f"python -m lab repro --resume {NAME}" in done.stderr
    far = place.lab("repro", "--rerun-failed", NAME, "--scheduler", "tcp://10.0.0.1:8786")
    assert f"python -m lab repro --resume {NAME} --scheduler tcp://10.0.0.1:8786`" in " ".join(far.stderr.split())


@pytest.mark.parametrize(("made", "hint"), [(incomplete(), f"--resume {NAME}` makes"), (run(), "make a new run")])
def test_a_run_without_a_trial_has_none_that_is_as_expected(place: Place, made: Run, hint: str) -> None:
    """Such as a run on workers none of which could make the base image."""
    stored(place, made)
    done = place.lab("repro", "--rerun-failed", NAME)
    assert (done.returncode, "as expected" in done.stderr) == (2, False)
    assert f"cannot make failed trials of {NAME} again: it has no trial\n" in done.stderr
    assert hint in done.stderr


def test_a_project_is_made_again_in_the_folder_that_it_was_named_in(place: Place) -> None:
    own = replace(WORDS.own, context=Path("app"))
    stored(place, incomplete(GOOD), own=own, scenario=None)
    (other := place.root / "other").mkdir()
    done = place.lab("repro", "--resume", NAME, cwd=other)
    assert done.returncode == 2
    assert f"its project is named relative to {place.root}" in done.stderr


@pytest.mark.parametrize("words", [["--repeat", "0"], ["--seed", "-1"], ["--time-limit", "0s"], ["--repeat", "x"]])
def test_a_value_that_is_none_is_refused(place: Place, words: list[str]) -> None:
    assert place.lab("repro", *words).returncode == 2


def test_the_trials_that_were_not_made_are_named_up_to_a_number() -> None:
    keys = [TrialKey("a", "e", "b", "e", "s", f"v{number}") for number in range(SHOWN + 2)]
    text = "\n".join(not_made_lines(keys, way_on(NAME, None)))
    assert text.startswith(f"{SHOWN + 2} trials not made; `python -m lab repro --resume {NAME}` makes them:")
    assert "a>b:e/s:v0" in text
    assert text.endswith("and 2 more")
    assert BAD.key not in keys
    far = not_made_lines(keys, way_on(NAME, "tcp://10.0.0.1:8786"))[0]
    assert f"`python -m lab repro --resume {NAME} --scheduler tcp://10.0.0.1:8786`" in far
