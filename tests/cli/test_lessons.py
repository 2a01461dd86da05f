"""The verbs about lessons as a user calls them, as far as no engine is needed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.lessons.folder import copy_start
from lab.lessons.progress import Progress, load, save
from tests.cli.program import Place, data
from tests.conftest import ROOT

FIRST = "01-layer-key"


@pytest.fixture
def started(here: Place) -> Path:
    """The folder of the first lesson, as `start` leaves it, without an engine."""
    home = here.root / "lessons" / FIRST
    copy_start(ROOT / "templates" / "lessons" / FIRST / "start", home / "exercise")
    save(home, Progress(lesson=FIRST, started=datetime.now(UTC)))
    return home


def test_the_list_has_the_tracks_and_the_progress(here: Place, started: Path) -> None:
    listed = here.lab("lesson")
    assert listed.returncode == 0 and "The first hour" in listed.stdout
    found = {item["name"]: item["progress"] for item in data(here.lab("lesson", "--json"))["lessons"]}
    assert found[FIRST] == "started" and found["02-order"] == "not started"


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


def test_hints_are_printed_one_after_another(here: Place, started: Path) -> None:
    assert [data(here.lab("lesson", "hint", "1", "--json"))["number"] for _ in range(2)] == [1, 2]


def test_a_check_without_a_start_has_nothing_to_check(here: Place) -> None:
    found = here.lab("lesson", "check", "1", "--json")
    assert (found.returncode, json.loads(found.stdout)["verdict"]) == (2, "nothing")


def test_an_unknown_lesson_is_refused_with_the_nearest(here: Place) -> None:
    found = here.lab("lesson", "start", "01-layer-kex")
    assert found.returncode == 2 and f'did you mean "{FIRST}"' in found.stderr


def test_a_new_lesson_passes_the_lint_and_a_broken_one_does_not(here: Place) -> None:
    made = Path(data(here.lab("lesson", "new", "cache-mounts", "--into", "mine", "--json"))["folder"])
    assert here.lab("lesson", "lint", made).returncode == 0
    (here.root / made / "start" / "link").symlink_to("/etc/passwd")
    found = here.lab("lesson", "lint", made)
    assert found.returncode == 3 and "leads out of its folder" in found.stdout


def test_a_lesson_that_is_more_than_data_does_not_start(here: Place) -> None:
    made = Path(data(here.lab("lesson", "new", "bad", "--into", "mine", "--json"))["folder"])
    path = here.root / made / "lesson.yaml"
    text = path.read_text(encoding="utf-8")
    mode = 'mode: {app.txt: "0755"}'
    assert mode in text
    path.write_text(text.replace(mode, "commands: {run: [[touch, ../../outside]]}"), encoding="utf-8")
    found = here.lab("lesson", "start", f"./{made}")
    assert found.returncode == 3 and "of the kind commands is not allowed" in found.stderr
    assert not (here.root / "lessons").exists()


def test_grades_without_a_check_are_what_the_files_state(here: Place, started: Path) -> None:
    found = here.lab("lesson", "grade", "lessons", "--no-check")
    assert found.returncode == 0
    assert found.stdout.splitlines()[1].startswith(f"lessons/{FIRST},{FIRST},")


def test_reset_keeps_what_the_student_wrote(here: Place, started: Path) -> None:
    (started / "exercise" / "Dockerfile").write_text("mine", encoding="utf-8")
    assert data(here.lab("lesson", "reset", "1", "--json"))["lesson"] == FIRST
    assert (started / "exercise.1" / "Dockerfile").read_text(encoding="utf-8") == "mine"


def test_stop_without_an_engine_says_so(place: Place) -> None:
    assert data(place.lab("lesson", "stop", "--json"))["stopped"] == []
