"""The verbs of an author of lessons: nothing of a lesson that is more than data is used."""

from __future__ import annotations

from pathlib import Path

from tests.cli.program import Place, data


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
