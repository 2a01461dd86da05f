"""`lab cases check`: which engines are meant, what is printed, and the exit code. Real engines are in another file."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from lab.cli.case_check import Checked, document, ending_of, pins_of, show
from lab.cli.main import lab
from lab.cli.options import builders_named, workplace
from lab.errors import EngineError
from lab.model import Verdict
from lab.run.builders.table import BUILDERS
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


def test_the_exit_code_is_that_of_the_worst() -> None:
    assert ending_of(checked()) == EngineError.exit_code
    assert ending_of(Checked([])) == 0


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
