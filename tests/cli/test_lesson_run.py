"""The verb that shows a lesson's run: never before a prediction, and with what the run makes right."""

from __future__ import annotations

import json
from pathlib import Path

from lab.lessons.progress import load, save
from tests.cli.program import Place, data
from tests.conftest import ROOT


def test_a_prediction_comes_before_the_run(here: Place, started: Path) -> None:
    refused = here.lab("lesson", "run", "1")
    assert refused.returncode == 2 and "you have not predicted it" in refused.stderr
    assert data(here.lab("lesson", "predict", "1", "4", "--json"))["prediction"] == "all-steps"
    asked = here.lab("lesson", "predict", "1")
    assert asked.returncode == 2 and "no-step" in asked.stderr
    wrong = here.lab("lesson", "predict", "1", "all-step")
    assert wrong.returncode == 2 and 'did you mean "all-steps"' in wrong.stderr
    kept = load(started)
    assert kept and kept.prediction == "all-steps"


def test_a_run_that_was_kept_is_shown_with_the_prediction_and_the_reveal(here: Place, started: Path) -> None:
    progress = load(started)
    assert progress
    run = json.loads((ROOT / "results" / "sample" / "run.json").read_text(encoding="utf-8"))
    made = run["trials"][0]
    steps = [dict(made["build"]["steps"][0], outcome=word) for word in ("ran", "ran", "ran")]
    trial = {**made, "variation": "first-run", "build": {**made["build"], "steps": steps}}
    folder = here.root / "stored"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({**run, "trials": [trial]}), encoding="utf-8")
    save(started, progress.model_copy(update={"prediction": "first-only", "run": str(folder)}))
    found = data(here.lab("lesson", "run", "1", "--json"))
    assert (found["prediction"], found["right"]) == ("first-only", "all-steps")
    shown = here.lab("lesson", "run", "1", "--plain")
    assert "Your prediction: Only the first RUN." in shown.stdout
    assert "The run shows: All three steps." in shown.stdout
    assert "## Reveal" in shown.stdout and "## Next question" in shown.stdout


def test_the_command_that_is_next_has_the_folder_that_was_named(here: Place, started: Path) -> None:
    elsewhere = started.rename(here.root / "my work")
    refused = here.lab("lesson", "run", "1", "--to", elsewhere)
    assert refused.returncode == 2 and f"lesson predict 01 --to '{elsewhere}'" in " ".join(refused.stderr.split())
    kept = here.lab("lesson", "predict", "1", "4", "--to", elsewhere)
    assert kept.returncode == 0 and f"lesson run 01 --to '{elsewhere}'" in " ".join(kept.stdout.split())
    reset = here.lab("lesson", "reset", "1", "--to", elsewhere)
    assert f"lesson start 01 --to '{elsewhere}'" in " ".join(reset.stdout.split())
