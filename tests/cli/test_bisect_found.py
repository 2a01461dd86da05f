"""What `lab bisect` prints of what it found: the first engine, or the gap of engines that gave no outcome."""

from __future__ import annotations

import json

import pytest

from lab.cli import bisect as verb
from lab.errors import EngineError
from lab.model import Outcome
from lab.run.bisect import Attempt, Finding, bisect

STEP = "COPY bar bar"
NO_SUM = "cannot use Docker 19.03.13: its archive has no sha256 yet"


def found(*missing: str) -> Finding:
    def probe(engine: str) -> Outcome:
        if engine in missing:
            raise EngineError(NO_SUM)
        return Outcome.RAN if engine in ("19.03.8", "19.03.11") else Outcome.HIT

    return bisect(["19.03.8", "19.03.11", "19.03.13", "20.10.5"], probe, lambda attempt: None)


def shown(finding: Finding, capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    verb._show(finding, STEP, bad="19.03.8", good="20.10.5", as_json=as_json)
    return capsys.readouterr().out


def test_the_first_engine_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(shown(found(), capsys, as_json=False).split())
    assert text.endswith(
        "19.03.13 is the first engine that behaves like 20.10.5; 19.03.11 comes before it and behaves like 19.03.8"
    )
    document = json.loads(shown(found(), capsys, as_json=True))
    assert (document["first"], document["before"], document["after"]) == ("19.03.13", "19.03.11", "19.03.13")
    assert document["gap"] == []


def test_a_gap_is_named_and_no_engine_is_called_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    finding = found("19.03.13")
    text = " ".join(shown(finding, capsys, as_json=False).split())
    assert text.endswith(
        "the outcome changes between 19.03.11 (ran) and 20.10.5 (hit), and which engine is the first is not known: "
        f"19.03.13 has no outcome: {NO_SUM}"
    )
    document = json.loads(shown(finding, capsys, as_json=True))
    assert (document["first"], document["before"], document["after"]) == (None, "19.03.11", "20.10.5")
    assert document["gap"] == [{"engine": "19.03.13", "outcome": "skipped", "problem": NO_SUM}]


def test_an_engine_that_was_skipped_outside_the_gap_is_no_gap() -> None:
    finding = found("19.03.11")
    assert (finding.first, finding.before) == (None, "19.03.8")  # it may behave like either end
    other = bisect(
        ["1", "2", "3", "4", "5"],
        lambda engine: {"1": Outcome.RAN, "2": Outcome.HIT, "3": Outcome.UNKNOWN}.get(engine, Outcome.HIT),
        lambda attempt: None,
    )
    assert (other.first, other.before, other.gap) == ("2", "1", ())
    assert Attempt("3", None, "outcome unknown") in other.attempts
