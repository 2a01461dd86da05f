"""Questions about builds of several stages, against what a real BuildKit did with the same cache and the same files."""

from __future__ import annotations

import pytest

from lab.explain.explanation import Role
from lab.explain.search.usual import load_usual
from lab.explain.why import Answer, Diagnosis, Searching, diagnose
from lab.model import Outcome
from lab.report.why import title
from tests.conftest import ROOT
from tests.explain.builds import outcomes, question

SEARCHING = Searching(load_usual(ROOT / "boxes"), limit=20)


def by_place(found: Diagnosis) -> dict[str, Answer]:
    return {str(step.place): step for step in found.steps}


@pytest.mark.parametrize("source", ["max", "inline"])
@pytest.mark.parametrize("change", ["none", "crlf", "both"])
def test_no_step_of_a_recorded_build_is_predicted_wrongly(source: str, change: str) -> None:
    """An unknown step is no wrong answer; those that are known must be what BuildKit did."""
    real = outcomes(f"{source}-{change}")
    found = by_place(diagnose(question(source, change)))
    assert found.keys() == real.keys()
    wrong = {
        place: (step.outcome, real[place])
        for place, step in found.items()
        if step.outcome not in (real[place], Outcome.UNKNOWN)
    }
    assert wrong == {}


@pytest.mark.parametrize("change", ["crlf", "both"])
def test_every_step_of_an_exported_cache_is_known(change: str) -> None:
    real = outcomes(f"max-{change}")
    assert {place: step.outcome for place, step in by_place(diagnose(question("max", change))).items()} == real


@pytest.mark.parametrize("source", ["max", "inline"])
@pytest.mark.parametrize("change", ["crlf", "both"])
def test_the_cause_is_the_file_of_the_builder_stage(source: str, change: str) -> None:
    """Not the COPY of the last stage, and not the step whose layer an inline cache does not hold."""
    found = diagnose(question(source, change), SEARCHING)
    assert found.cause is not None
    cause = found.steps[found.cause]
    assert (str(cause.place), cause.instruction, cause.role) == ("build 3/6", "COPY package.json ./", Role.CAUSE)
    assert "line ends of package.json: LF at the producer, CRLF here" in title(found)
    depending = [str(step.place) for step in found.steps if step.role is Role.CONSEQUENCE]
    assert depending == ["build 4/6", "build 5/6", "build 6/6", "stage-1 4/5", "stage-1 5/5"]
    assert cause.dependents == 5


def test_a_changed_file_of_the_last_stage_is_a_cause_of_its_own() -> None:
    found = by_place(diagnose(question("max", "both"), SEARCHING))
    own = found["stage-1 3/5"]
    assert (own.role, own.lost, own.listed) == (Role.CAUSE, None, False)
    after = found["stage-1 4/5"]
    assert after.role is Role.CONSEQUENCE and after.lost is not None


def test_without_any_cache_no_step_is_the_cause() -> None:
    asked = question("max", "none")
    asked = type(asked)(asked.dockerfile, asked.entries, asked.engine, bases=asked.bases)
    found = diagnose(asked, SEARCHING)
    assert {step.outcome for step in found.steps} == {Outcome.RAN}
    assert (found.cause, found.remarks) == (None, ("no cache is imported, so every step would run",))
