"""`lab cases check`: which engines are meant, and jobs one after another. Real engines are in another file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner

from lab.cli import case_check
from lab.cli.case_check import pins_of
from lab.cli.case_outcome import Checked
from lab.cli.conduct import Conductor
from lab.cli.main import lab
from lab.cli.options import Workplace, builders_named, workplace
from lab.errors import EngineError, Interrupted, LabError
from lab.results.run import Run
from lab.run.builders.table import BUILDERS
from lab.run.case_jobs import Job
from lab.run.cases import cases
from lab.run.wish import Wish
from tests import reporting
from tests.conftest import ROOT

CASES = cases(ROOT / "templates" / "scenarios")


def test_all_engines_are_those_that_lab_can_start_here_without_a_download() -> None:
    names = [pin.name for pin in pins_of(workplace("local"), ("all",))]
    assert "20.10.24" in names  # its archive may be missing, but no download is known to be needed
    assert "installed" not in names
    assert len(set(names)) == len(names)


def test_engines_are_those_that_are_named_else_those_of_the_lineup() -> None:
    place = workplace("local")
    assert [pin.name for pin in pins_of(place, ("26.1.5,buildkit-0.25.2",))] == ["26.1.5", "buildkit-0.25.2"]
    assert pins_of(place, ())


def test_all_builders_are_every_one() -> None:
    assert builders_named(("all",)) == tuple(BUILDERS)


def test_a_check_without_anything_to_run_names_the_reasons() -> None:
    words = ["cases", "check", "copy-link-base", "--lineup", "local", "--engine", "20.10.24"]
    refused = CliRunner().invoke(lab, words).exception
    assert "none can run on these engines" in str(refused)
    assert getattr(refused, "hint", "") == "the case needs Docker >=23.0 (1)"


class Conducts:
    """Makes no run: it answers with one for the engines that work, else with their errors, one for each job."""

    def __init__(self, errors: dict[str, list[LabError | None]]) -> None:
        self.place: Workplace = workplace("debian")
        self.errors = errors
        self.asked: list[tuple[str, str, str, tuple[str, ...]]] = []

    def run(self, wish: Wish, engines: tuple[str, ...], also: tuple[str, ...]) -> tuple[Path, Run]:
        self.asked.append((wish.lineup, wish.scenario.name, engines[0], also))
        if error := self.errors.get(engines[0], [None]).pop(0):
            raise error
        return Path(), reporting.sample().run


def one_by_one(errors: dict[str, list[LabError | None]], *jobs: Job) -> tuple[Conducts, Checked]:
    conductor, checked = Conducts(errors), Checked([])
    case_check._one_by_one(cast(Conductor, conductor), jobs, checked)
    return conductor, checked


def test_on_boxes_each_job_is_a_run_with_its_engine_and_those_of_its_producers() -> None:
    jobs = Job(CASES[0], "26.1.5", producers=("20.10.24",)), Job(CASES[1], "28.5.2")
    conductor, checked = one_by_one({"26.1.5": [EngineError("no")], "28.5.2": [None]}, *jobs)
    assert conductor.asked == [
        ("debian", CASES[0].name, "26.1.5", ("20.10.24",)),
        ("debian", CASES[1].name, "28.5.2", ()),
    ]
    assert [(job, error.message) for job, error in checked.errors] == [(jobs[0], "no")]
    assert len(checked.runs) == 1


def test_on_boxes_an_engine_that_fails_twice_alike_gets_no_more_jobs() -> None:
    jobs = [Job(case, engine) for case in CASES[:4] for engine in ("26.1.5", "28.5.2")]
    errors: dict[str, list[LabError | None]] = {
        "26.1.5": [EngineError("no"), EngineError("no")],
        "28.5.2": [EngineError("no"), EngineError("other"), None, EngineError("other")],
    }
    conductor, checked = one_by_one(errors, *jobs)
    assert [asked[2] for asked in conductor.asked].count("26.1.5") == 2
    assert [asked[2] for asked in conductor.asked].count("28.5.2") == 4
    assert len(checked.errors) + len(checked.runs) == len(jobs)


def test_on_boxes_a_stop_ends_the_check() -> None:
    with pytest.raises(Interrupted):
        one_by_one({"26.1.5": [Interrupted("stopped")]}, Job(CASES[0], "26.1.5"), Job(CASES[1], "26.1.5"))
