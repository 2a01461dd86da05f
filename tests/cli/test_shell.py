"""`lab shell`: what it refuses, and the shell that a run opens at a surprise."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.local import LocalBox
from lab.cli.screen import Screen
from lab.cli.shell import stop_at
from lab.engines.engine import Engine
from lab.model import Progress
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.manner import Surprise
from lab.run.station import Station
from tests.cli.program import Place
from tests.conftest import ROOT

RUN = ROOT / "tests" / "data" / "runs" / "default-and-user-xattr"


def test_an_engine_and_a_trial_exclude_each_other(place: Place) -> None:
    done = place.lab("shell", "local", "--lineup", "local", "--engine", "20.10.24", "--at", "x")
    assert done.returncode == 2
    assert "cannot use --engine with --at" in done.stderr


def test_a_trial_that_the_run_does_not_have_is_named(place: Place) -> None:
    shutil.copytree(RUN, place.root / "results" / "20200101T000000Z-x")
    done = place.lab("shell", "local", "--lineup", "local", "--at", "no>such:trial/x:none")
    assert done.returncode == 2
    assert 'cannot find the trial "no>such:trial/x:none"' in done.stderr


def surprise(folder: Path) -> Surprise:
    run = load(RUN)
    engine = Engine("1", ("docker", "-H", "unix:///x.sock"), "1", "1", "c")
    registry = Registry("localhost:1", "docker-registry", 1)
    station = Station(
        LocalBox(), lambda about: nullcontext(), engine, run.boxes[0], PurePosixPath(folder.parent), registry
    )
    return Surprise(run.trials[0], "COPY bar bar ran, expected was hit", station, PurePosixPath(folder))


@pytest.mark.parametrize(("status", "goes_on"), [(0, True), (1, False)])
def test_the_shell_of_a_surprise_is_in_its_context_and_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], status: int, goes_on: bool
) -> None:
    (tmp_path / "t" / "context").mkdir(parents=True)
    shell = tmp_path / "shell"
    shell.write_text(f'#!/bin/sh\necho "$PWD $DOCKER_HOST $DOCKER_CONFIG"\nexit {status}\n', encoding="utf-8")
    shell.chmod(0o755)
    monkeypatch.setenv("SHELL", str(shell))
    assert stop_at(surprise(tmp_path / "t"), Screen()) is goes_on
    seen = capfd.readouterr()
    assert seen.out == f"{tmp_path}/t/context unix:///x.sock {tmp_path}/t/config\n"
    shown = " ".join(seen.err.split())
    assert "COPY bar bar ran, expected was hit" in shown
    assert "`exit 1` ends the run" in shown
    assert ("the shell ended with status 1: the run ends" in shown) is not goes_on


def test_nothing_is_printed_while_somebody_else_has_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    shown = Screen(verbose=True)
    with shown.paused():
        shown.tell(Progress("box", "hidden"))
    shown.tell(Progress("box", "shown"))
    printed = capfd.readouterr().err
    assert "shown" in printed and "hidden" not in printed
