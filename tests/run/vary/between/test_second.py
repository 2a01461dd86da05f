"""Two machines that get the same files in the same way, of which the second has another umask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.boxes.recording import RecordingBox
from lab.errors import CommandError
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.report.vary import verdict_lines
from lab.results.run import Run
from lab.run.own_project import request as own
from lab.run.own_project.project import read_project
from lab.run.vary.bench import Bench
from lab.run.vary.between.second import SecondBox
from lab.run.vary.experiment import Experiment
from lab.run.vary.request import Request
from tests.conftest import ROOT
from tests.run.vary.standing import Predicting, standing

pytestmark = pytest.mark.slow

HIT, RAN = Outcome.HIT, Outcome.RAN


class Strict(LocalBox):
    """This machine with umask 0077."""

    def __init__(self) -> None:
        super().__init__("strict")

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        return super().execute(self._masked(command), on_output)

    def feed(self, command: Command, chunks: Iterable[bytes]) -> Result:
        return super().feed(self._masked(command), chunks)

    def _masked(self, command: Command) -> Command:
        return replace(command, argv=("sh", "-c", 'umask 0077; exec "$@"', "sh", *command.argv))


@contextmanager
def two(folder: Path, transfer: str, engine: str | None = None) -> Iterator[tuple[Bench, SecondBox]]:
    """The bench, and a second machine whose engine is the same stand-in or another program."""
    with standing(folder, kind=Predicting, transfer=transfer) as bench:
        other = bench.engine if engine is None else replace(bench.engine, docker=(engine, "-H", "x"))
        recorded = RecordingBox(Strict(), bench.box.transcript)
        yield (
            bench,
            SecondBox(recorded, ("another", "local"), other, PurePosixPath(folder / "home2" / "lab-runs" / "r")),
        )


def compared(folder: Path, transfer: str, engine: str | None = None) -> Run:
    with two(folder, transfer, engine) as (bench, second):
        project = read_project(own.Request(folder / "app", transfer=transfer))
        request = Request("local", project=project, remedies=False)
        Experiment(request, bench, Upstream(ROOT / "boxes"), {}, second=second).make()
    return bench.run


def test_the_modes_that_the_second_machine_gives_are_the_difference(tmp_path: Path) -> None:
    run = compared(tmp_path, "copy")
    assert run.vary is not None and run.vary.between is not None
    assert (run.vary.between.first, run.vary.between.second) == ("local", "strict")
    assert run.vary.between.there == (HIT, RAN)
    assert list(run.vary.between.fields) == ["mode"]
    [cause] = run.vary.between.causes
    assert cause.pieces[0].startswith("mode of src")
    axes = {axis.name: axis.outcomes for axis in run.vary.axes}
    assert axes["cause-1"] == axes["all-differences"] == (HIT, RAN)
    verdict = "\n".join(verdict_lines(run))
    assert "strict itself misses at step 3, COPY src /src." in verdict and "do not explain it" not in verdict
    assert [trial.consumer for trial in run.trials].count("strict") == 1
    assert {facts.name for facts in run.boxes} == {"local", "strict"}
    assert not (tmp_path / "home2" / "lab-runs").exists()


def test_files_that_arrive_alike_leave_no_difference(tmp_path: Path) -> None:
    run = compared(tmp_path, "exact")
    assert run.vary is not None and run.vary.between is not None
    assert run.vary.between.there == (HIT, HIT) and not run.vary.between.fields
    assert "strict itself hits every step that local hits." in verdict_lines(run)


def test_a_second_machine_that_cannot_build_has_the_reason(tmp_path: Path) -> None:
    engine = tmp_path / "broken"
    engine.write_text('#!/bin/sh\ncase "$*" in *build*) echo "no space left" >&2; exit 1 ;; esac\n')
    engine.chmod(0o755)
    run = compared(tmp_path, "copy", str(engine))
    assert run.vary is not None and run.vary.between is not None
    assert run.vary.between.there == () and "no space left" in (run.vary.between.there_problem or "")
    assert [axis.outcomes for axis in run.vary.axes if axis.name == "cause-1"] == [(HIT, RAN)]


def test_files_that_never_arrived_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "home2").touch()  # no folder can be made in it
    with pytest.raises(CommandError, match="cannot compare the files of strict"):
        compared(tmp_path, "copy")


def test_files_that_arrived_are_compared_although_the_engine_does_not_answer(tmp_path: Path) -> None:
    engine = tmp_path / "gone"
    engine.write_text('#!/bin/sh\ncase "$*" in *version*|*info*) ;; *) echo "no answer" >&2; exit 1 ;; esac\n')
    engine.chmod(0o755)
    run = compared(tmp_path, "copy", str(engine))
    assert run.vary is not None and run.vary.between is not None
    assert run.vary.between.there == () and "no answer" in (run.vary.between.there_problem or "")
    assert list(run.vary.between.fields) == ["mode"]
