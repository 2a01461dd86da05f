"""Questions about builds of several stages, against what a real BuildKit did with the same cache and the same files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.buildkit.cachekeys.cache import Record
from lab.explain.explanation import Role
from lab.explain.search.usual import load_usual
from lab.explain.why import Answer, Diagnosis, Searching, diagnose
from lab.model import Outcome
from lab.report.why import files, title
from tests.conftest import ROOT
from tests.explain.builds import BOOK, DOCKERFILE, outcomes, question

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
def test_of_an_exported_cache_only_what_a_run_makes_is_unknown(change: str) -> None:
    """What the last stage copies from the builder may be the same although the builder runs again."""
    real = outcomes(f"max-{change}")
    found = {place: step.outcome for place, step in by_place(diagnose(question("max", change))).items()}
    unknown = {place for place in real if found[place] is Outcome.UNKNOWN}
    assert unknown == ({"stage-1 4/5", "stage-1 5/5"} if change == "crlf" else set())
    assert {place: found[place] for place in real if place not in unknown} == {
        place: real[place] for place in real if place not in unknown
    }


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
    sure = ["build 4/6", "build 5/6", "build 6/6"]
    assert depending == sure + (["stage-1 4/5", "stage-1 5/5"] if change == "both" else [])
    assert cause.dependents == len(depending)


def test_a_changed_file_of_the_last_stage_is_a_cause_of_its_own() -> None:
    found = by_place(diagnose(question("max", "both"), SEARCHING))
    own = found["stage-1 3/5"]
    assert (own.role, own.lost, own.listed) == (Role.CAUSE, None, False)
    after = found["stage-1 4/5"]
    assert after.role is Role.CONSEQUENCE and after.lost is not None


def test_an_unknown_step_names_the_step_that_decides_about_it() -> None:
    found = diagnose(question("max", "crlf"))
    copied, last = found.steps[-2:]
    assert (str(copied.place), copied.outcome, copied.lost) == ("stage-1 4/5", Outcome.UNKNOWN, None)
    assert (last.outcome, last.lost) == (Outcome.UNKNOWN, len(found.steps) - 2)
    assert last.sentence == "it depends on COPY --from=build /src/app.js ./, which is not known"


def test_files_that_the_cache_lists_for_another_step_are_called_listed() -> None:
    asked = question("max", "crlf")
    cause = by_place(diagnose(asked))["build 3/6"]
    assert cause.record is not None
    [cache] = asked.caches
    assert files(cause, _line) == [f"its files are not those of the producer: {cause.record} is not listed"]
    more = replace(cache, records=(*cache.records, Record(cause.record)))
    again = by_place(diagnose(replace(asked, caches=(more,))))["build 3/6"]
    assert (again.outcome, again.listed) == (Outcome.RAN, False)
    [line] = files(again, _line)
    assert line.endswith(f"{cause.record} is listed, but not linked to this step")


def _line(text: str, indent: str) -> list[str]:
    return [text]


def test_a_step_that_an_inline_cache_does_not_hold_says_so() -> None:
    step = by_place(diagnose(question("inline", "crlf")))["build 2/6"]
    assert (step.outcome, step.role) == (Outcome.RAN, Role.NOT_HELD)
    assert step.sentence.endswith("an inline cache holds the layers of the image alone")


def test_without_any_cache_no_step_is_the_cause() -> None:
    asked = question("max", "none")
    asked = type(asked)(asked.dockerfile, asked.entries, asked.engine, bases=asked.bases)
    found = diagnose(asked, SEARCHING)
    assert {step.outcome for step in found.steps} == {Outcome.RAN}
    assert (found.cause, found.remarks) == (None, ("no cache is imported, so every step would run",))


CHECKS = [("error=true", True), ("skip=all; error=1", True), ("skip=all", False), ("error=false", False)]


@pytest.mark.parametrize(("checks", "fails"), CHECKS)
@pytest.mark.parametrize(("engine", "obeys"), [("26.1.5", False), ("28.5.2", True)])
def test_warnings_that_fail_the_build_are_said_to_be_assumed_away(
    checks: str, engine: str, obeys: bool, fails: bool
) -> None:
    """Docker 28.5.2 failed such a build that has a warning; for 26.1.5 the line is a comment."""
    asked = question("max", "none")
    text = f"# check={checks}\n{DOCKERFILE}"
    asked = replace(asked, dockerfile=text, engine=BOOK.need(engine))
    said = [remark for remark in diagnose(asked).remarks if "error=true in # check" in remark]
    assert len(said) == (fails and obeys)


@pytest.mark.parametrize(("release", "obeys"), [("1.4", False), ("1.8", True)])
def test_the_release_that_the_syntax_names_makes_the_checks(release: str, obeys: bool) -> None:
    text = f"# syntax=docker/dockerfile:{release}\n# check=error=true\n{DOCKERFILE}"
    asked = replace(question("max", "none"), dockerfile=text, engine=BOOK.need("28.5.2"))
    assert any("error=true in # check" in remark for remark in diagnose(asked).remarks) == obeys
