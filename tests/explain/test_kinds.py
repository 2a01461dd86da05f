"""A new cause is one file and one line: it reaches `lab explain` and the reports without any other change."""

from __future__ import annotations

import re

import pytest

from lab.buildkit.rulebook import Rulebook
from lab.explain.explanation import Role, StepCause
from lab.explain.kinds import CAUSES
from lab.explain.miss import Miss
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.report.evidence import Evidence, explained
from lab.report.explanation import explanation_text
from lab.report.markdown import markdown
from lab.results.run import Run, Trial, load
from tests.conftest import ROOT
from tests.reporting import RUNS

BOOK, UPSTREAM = Rulebook(ROOT / "boxes"), Upstream(ROOT / "boxes")
RUN = load(RUNS / "explained")
SENTENCE = "the clock of the box was set back"


def clock(miss: Miss) -> StepCause | None:
    """A kind of cause as a new file in lab/explain/causes/ would hold it."""
    if not miss.text.startswith("COPY"):
        return None
    return StepCause(miss.text, Role.CAUSE, SENTENCE, evidence=("the clock shows 1970",), advice="set the clock")


def missed_against_prediction() -> tuple[Run, Trial]:
    """A trial whose COPY ran although its files are those of the producer: no kind of today explains it."""
    trial = next(item for item in RUN.trials if (item.engine, item.variation) == ("20.10.24", "none"))
    assert trial.build
    outcomes = (Outcome.HIT, Outcome.RAN, Outcome.RAN)
    pairs = zip(trial.build.steps, outcomes, strict=True)
    steps = tuple(step.model_copy(update={"outcome": outcome}) for step, outcome in pairs)
    trial = trial.model_copy(update={"build": trial.build.model_copy(update={"steps": steps})})
    return RUN.model_copy(update={"trials": (trial,)}), trial


def test_a_new_cause_is_one_function_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    run, trial = missed_against_prediction()
    before = explain(subject(run, trial, BOOK), UPSTREAM)
    assert [step.role for step in before.steps] == [Role.HIT, Role.UNKNOWN, Role.CONSEQUENCE]

    monkeypatch.setitem(CAUSES, "the clock", clock)

    after = explain(subject(run, trial, BOOK), UPSTREAM)
    assert [step.role for step in after.steps] == [Role.HIT, Role.CAUSE, Role.CONSEQUENCE]
    assert after.cause
    assert after.cause.sentence == SENTENCE
    # a hit was predicted, so the explanation says that one of the two must be wrong
    assert "the clock shows 1970" in after.cause.evidence
    assert any("a hit was predicted" in line for line in after.cause.evidence)
    evidence = explained(Evidence(run), ROOT / "boxes")
    assert SENTENCE in explanation_text(after)
    assert SENTENCE in markdown(evidence)
    assert "set the clock" in markdown(evidence)


def test_a_cause_that_is_tried_earlier_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = next(item for item in RUN.trials if (item.engine, item.variation) == ("20.10.24", "user-xattr"))
    monkeypatch.setitem(CAUSES, "the clock", clock)
    cause = explain(subject(RUN, trial, BOOK), UPSTREAM).cause
    assert cause
    assert "user.lab of bar" in cause.sentence


def test_every_file_of_a_cause_is_in_the_dict_once() -> None:
    files = {path.stem for path in (ROOT / "lab" / "explain" / "causes").glob("*.py")} - {"__init__"}
    modules = [find.__module__.rpartition(".")[2] for find in CAUSES.values()]
    assert sorted(modules) == sorted(files)


def test_the_manual_of_causes_lists_the_kinds_in_their_order() -> None:
    text = (ROOT / "docs" / "explaining.md").read_text(encoding="utf-8")
    table = re.search(r"^\| cause \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table, "docs/explaining.md has no table of causes"
    assert [row.split("|")[1].strip() for row in table[1].splitlines()] == list(CAUSES)
