"""Real engines on this machine: a run that SIGKILL ended is resumed, and one that ends early names the way on."""

from __future__ import annotations

import json
import signal
import socket
from collections import Counter
from pathlib import Path

import pytest

from lab.report.bundle import evidence_of
from lab.results.run import load
from tests.conftest import HANGS, Lab
from tests.test_private_engines import FIXED, archives, workplace  # noqa: F401  # fixtures

pytestmark = pytest.mark.vm
WORDS = ("repro", "--lineup", "local", "--engine", FIXED, "--variation", "none")


def only_run(workplace: Lab) -> Path:  # noqa: F811
    [folder] = (workplace.root / "results").glob("2*")
    return folder


def free_port() -> int:
    """A port that no lab chooses by itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def killed_after(workplace: Lab, trials: int, *words: str) -> Path:  # noqa: F811
    """Start a run, kill its process once so many trials are stored, and return the folder of the run."""
    own = (
        () if "--resume" in words else ("--registry-port", str(free_port()))
    )  # that of a resumed run must be free again
    process = workplace.start(*words, *own, "--json-lines")
    assert process.stdout
    made = 0
    for line in process.stdout:
        made += json.loads(line)["event"] == "trial"
        if made == trials:
            break
    process.kill()
    _, err = process.communicate(timeout=HANGS)
    assert process.returncode == -signal.SIGKILL, err
    return only_run(workplace)


def test_a_killed_run_is_resumed_twice_and_has_every_trial_once(workplace: Lab) -> None:  # noqa: F811
    folder = killed_after(workplace, 1, *WORDS, "--repeat", "4", "--seed", "5")
    first = load(folder).trials
    assert not load(folder).complete
    killed_after(workplace, 1, "repro", "--resume", folder.name)
    again = load(folder).trials
    assert len(again) > len(first)
    assert again[: len(first)] == first
    workplace.ok("repro", "--resume", folder.name)
    run = load(folder)
    assert run.complete
    assert run.trials[: len(again)] == again
    assert Counter(trial.key.repeat for trial in run.trials) == Counter([1, 2, 3, 4])
    assert len(run.resumed) == 2
    assert {trial.part for trial in run.trials} == {0, 1, 2}
    assert {made.part for made in run.productions} == {0, 1, 2}
    evidence = evidence_of(folder)
    for trial in run.trials:
        builds = [item for item in evidence.during(trial.name) if "--cache-from" in item.argv]
        assert len(builds) == 1  # commands of a trial that was cut have a name of their own
    assert workplace.run("repro", "--resume", folder.name).code == 2


def test_a_run_of_an_own_project_is_resumed_unless_a_file_has_changed(workplace: Lab) -> None:  # noqa: F811
    (app := workplace.root / "app").mkdir()
    (app / "Dockerfile").write_text("FROM alpine\nRUN echo foo\nCOPY bar bar\n")
    (app / "bar").write_text("1\n")
    words = ("repro", "--lineup", "local", "--engine", FIXED, "--context", "app", "--base", "busybox", "--repeat", "3")
    folder = killed_after(workplace, 1, *words)
    (app / "bar").write_text("2\n")
    refused = workplace.run("repro", "--resume", folder.name)
    assert refused.code == 3
    assert "bar changed" in refused.err
    (app / "bar").write_text("1\n")
    workplace.ok("repro", "--resume", folder.name)
    assert load(folder).complete
    assert len(load(folder).trials) == 3


def test_the_time_limit_ends_a_run_that_can_still_be_resumed(workplace: Lab) -> None:  # noqa: F811
    folder = killed_after(workplace, 1, *WORDS, "--repeat", "500", "--seed", "1")
    before = load(folder).trials
    said = workplace.run("repro", "--resume", folder.name, "--time-limit", "1s")
    assert said.code == 17
    assert "stopped by the time limit of 1 s" in said.err
    assert f"python -m lab repro --resume {folder.name}" in said.err
    assert load(folder).trials[: len(before)] == before
    assert not load(folder).complete
