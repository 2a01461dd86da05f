"""`lab cases new`: options answer the questions, a terminal answers the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lab.cli import case_new
from lab.cli.main import lab
from lab.run.scenarios import load_scenario

WORDS = (
    *("--summary", "the group may write", "--template", "file", "--change", 'mode: {app.txt: "0664"}'),
    *("--expect", "hit ran ran", "--mechanism", "BuildKit hashes the mode. The umask decides it.", "--tag", "mode"),
)


def run(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(lab, ["cases", "new", *words], input=typed, env={"COLUMNS": "80"})


def test_options_answer_everything(tmp_path: Path) -> None:
    result = run("group-write", "--into", str(tmp_path), *WORDS)
    assert result.exit_code == 0
    assert f"next: `lab repro {tmp_path}/group-write --lineup local`" in result.output
    assert load_scenario(tmp_path / "group-write", "b").file.variations[0].expect == ("hit", "ran", "ran")
    again = run("group-write", "--into", str(tmp_path), *WORDS)
    assert "it exists" in str(again.exception)


def test_without_a_terminal_the_missing_options_are_named(tmp_path: Path) -> None:
    result = run("a", "--into", str(tmp_path), "--summary", "s")
    assert "cannot ask for --template, --change, --expect, --mechanism" in str(result.exception)
    assert not (tmp_path / "a").exists()


def test_a_terminal_is_asked_for_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_new, "is_terminal", lambda: True)  # click's runner gives a pipe
    answers = ["", "moood: {}", 'mode: {app.txt: "0600"}', "", "hit ran ran", "It counts. Always.", "", "mode git", ""]
    result = run("a", "--into", str(tmp_path), "--summary", "s", typed="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert "RUN echo one > /one" in result.output
    assert 'did you mean "mode"' in result.output
    file = load_scenario(tmp_path / "a", "b").file
    assert (file.summary, file.tags, file.mechanism) == ("s", ("mode", "git"), "It counts. Always.")


@pytest.mark.parametrize(
    ("outcomes", "problem"),
    [("hit run ran", 'the outcome "run" (did you mean "ran"?)'), ("hit", "cannot use 1 outcomes: there are 3 steps")],
)
def test_outcomes_that_do_not_fit_are_refused(tmp_path: Path, outcomes: str, problem: str) -> None:
    words = [outcomes if word == "hit ran ran" else word for word in WORDS]
    assert problem in str(run("a", "--into", str(tmp_path), *words).exception)
    assert not (tmp_path / "a").exists()
