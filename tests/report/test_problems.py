"""A failed build is told once, in lines as wide as asked, and whole in the bug report."""

from __future__ import annotations

import pytest

from lab.errors import Fault
from lab.model import Verdict
from lab.report.evidence import Evidence
from lab.report.markdown import markdown
from lab.report.problems import of_production, of_trial, problem_lines
from lab.report.table import table
from lab.results.productions import Productions
from lab.results.run import Run, load
from lab.run.crew import _in_short
from tests.conftest import ROOT

COMMAND = f"cannot build the image on a box: exit status 1: `docker build {'--build-arg NAME=VALUE ' * 20}.`"
PROBLEM = f"{COMMAND}\n------\n > RUN false:\n------\nERROR: failed to solve: {'a long reason ' * 20}end"


@pytest.fixture
def failed() -> Run:
    """A run whose first producer could not build, so that a trial of it is broken."""
    run = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
    made = run.productions[0]
    trial = next(item for item in run.trials if (item.producer, item.engine) == (made.producer, made.engine))
    made = made.model_copy(update={"build": None, "problem": PROBLEM, "fault": Fault.COMMAND})
    rest = tuple(item for item in run.trials if item.name != trial.name)
    broken = {"build": None, "verdict": Verdict.BROKEN, "fault": Fault.COMMAND}
    trial = trial.model_copy(update={**broken, "problem": f"{made.producer} pushed no image: {PROBLEM}"})
    return run.model_copy(update={"productions": (made, *run.productions[1:]), "trials": (trial, *rest)})


@pytest.mark.parametrize("width", [60, 100])
def test_the_table_prints_the_output_once_and_wrapped(failed: Run, width: int) -> None:
    text = table(failed, width)
    assert text.count("failed to solve") == 1
    assert text.count("  | > RUN false:") + text.count("  |  > RUN false:") == 1
    notes = text[text.index("pushed no image") :]
    assert [line for line in notes.splitlines() if len(line) > width and " " in line.strip()] == []


def test_the_bug_report_has_the_whole_reason_once(failed: Run) -> None:
    text = markdown(Evidence(failed))
    assert text.count("failed to solve") == 1
    assert "a long reason end\n" in text
    assert f"is broken: {failed.productions[0].producer} (" in text


def test_a_trial_that_failed_by_itself_has_its_own_output(failed: Run) -> None:
    own = failed.trials[1].model_copy(update={"build": None, "verdict": Verdict.BROKEN, "problem": PROBLEM})
    run = failed.model_copy(update={"productions": failed.productions[1:]})
    assert "\n".join(of_trial(Productions(run), own).output).startswith("------\n > RUN false:")
    assert of_trial(Productions(run), own.model_copy(update={"problem": None})).message == "the reason is not known"


def test_a_blank_line_of_the_output_stays(failed: Run) -> None:
    made = failed.productions[0].model_copy(update={"problem": "first\n\nlast"})
    assert list(problem_lines(of_production(made), 60))[1:] == ["  |", "  | last"]


def test_the_progress_has_neither_the_command_nor_its_output() -> None:
    assert _in_short(PROBLEM) == "cannot build the image on a box: exit status 1"
