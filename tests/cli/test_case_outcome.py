"""What came of `lab cases check`: the document, what is printed, and the exit code."""

from __future__ import annotations

import json

import pytest

from lab.cli.case_outcome import Checked, document, ending_of, show
from lab.errors import EngineError
from lab.model import Verdict
from lab.run.case_jobs import Job, LeftOut
from lab.run.cases import cases
from tests import reporting
from tests.conftest import ROOT

CASES = cases(ROOT / "templates" / "scenarios")
LEFT = [LeftOut("a", "26.1.5", "no"), LeftOut("b", "26.1.5", "no"), LeftOut("c", "26.1.5", "never")]


def checked() -> Checked:
    run = reporting.sample().run
    first = run.model_copy(update={"scenario": "b", "trials": run.trials[:1]})
    wrong = run.trials[1].model_copy(update={"verdict": Verdict.MISSED})
    found = Checked(LEFT, jobs=2, seconds=12.3)
    found.add(Job(CASES[1], "26.1.5"), first)
    found.add(Job(CASES[0], "26.1.5"), run.model_copy(update={"scenario": "a", "trials": (wrong,)}))
    found.add(Job(CASES[0], "28.5.2"), EngineError("cannot start 28.5.2"))
    found.sort(["a", "b"])
    return found


def test_the_document_has_trials_in_the_order_of_cases_and_what_was_not_run() -> None:
    made = json.loads(json.dumps(document(checked())))
    assert [trial["case"] for trial in made["trials"]] == ["a", "b"]
    assert made["errors"] == [{"case": CASES[0].name, "engine": "28.5.2", "error": "cannot start 28.5.2"}]
    assert made["left_out"][2] == {"case": "c", "engine": "26.1.5", "reason": "never"}
    assert (made["jobs"], made["seconds"]) == (2, 12.3)


def test_what_is_odd_is_printed_with_counts(capsys: pytest.CaptureFixture[str]) -> None:
    show(checked(), every=False)
    text = capsys.readouterr().out
    assert "missed" in text
    assert f"{CASES[0].name} on 28.5.2 could not be run: cannot start 28.5.2" in text
    assert [line.split(maxsplit=1) for line in text.splitlines() if line.endswith(("no", "never"))] == [
        ["2", "no"],
        ["1", "never"],
    ]
    assert "2 cases, 2 trials: 1 as expected" in text
    assert "12 s, 2 side by side" in text


def test_one_case_with_one_trial_is_counted_in_the_singular(capsys: pytest.CaptureFixture[str]) -> None:
    found = Checked([])
    run = reporting.sample().run
    found.add(Job(CASES[0], "26.1.5"), run.model_copy(update={"trials": run.trials[:1]}))
    show(found, every=False)
    assert "1 case, 1 trial: 1 as expected" in capsys.readouterr().out


def test_the_exit_code_is_that_of_the_worst() -> None:
    assert ending_of(checked()) == EngineError.exit_code
    assert ending_of(Checked([])) == 0


def test_a_trial_is_printed_with_its_boxes(capsys: pytest.CaptureFixture[str]) -> None:
    run = reporting.sample().run
    one, other = (box.name for box in run.boxes[:2])
    first = run.trials[0].model_copy(update={"producer": one, "consumer": one})
    found = Checked([])
    found.runs = [run.model_copy(update={"trials": (first, first.model_copy(update={"consumer": other}))})]
    assert [trial["boxes"] for trial in document(found)["trials"]] == [one, f"{one} to {other}"]
    show(found, every=True)
    words = capsys.readouterr().out.split()
    assert "boxes" in words
    assert [words.count(one), words.count(other)] == [2, 1]


def test_one_box_needs_no_column(capsys: pytest.CaptureFixture[str]) -> None:
    run = reporting.sample().run
    name = run.boxes[0].name
    found = Checked([])
    found.runs = [run.model_copy(update={"trials": tuple(t for t in run.trials if t.producer == t.consumer == name)})]
    show(found, every=True)
    assert capsys.readouterr().out.split()[:3] == ["case", "variation", "engine"]
