"""The verbs about lessons as a user calls them, as far as no engine is needed."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import FIRST_LESSON as FIRST
from tests.cli.program import Place, data


def test_the_list_has_the_tracks_and_the_progress(here: Place, started: Path) -> None:
    listed = here.lab("lesson")
    assert listed.returncode == 0 and "The first hour" in listed.stdout
    found = {item["name"]: item["progress"] for item in data(here.lab("lesson", "--json"))["lessons"]}
    assert found[FIRST] == "started" and found["02-order"] == "not started"


def test_stop_without_an_engine_says_so(place: Place) -> None:
    assert data(place.lab("lesson", "stop", "--json"))["stopped"] == []


def test_a_broken_lesson_is_listed_with_its_error(place: Place) -> None:
    (place.root / "templates" / "lessons" / "02-order" / "lesson.yaml").write_text("title: [", encoding="utf-8")
    listed = place.lab("lesson")
    assert listed.returncode == 0 and "What a layer's key is" in listed.stdout
    assert "02-order cannot be used: cannot read " in listed.stderr
    found = data(place.lab("lesson", "--json"))
    assert [item["name"] for item in found["broken"]] == ["02-order"]
    assert FIRST in [item["name"] for item in found["lessons"]]


def test_damaged_progress_is_listed_with_its_error_and_hides_no_lesson(here: Place, started: Path) -> None:
    (started / "lesson.json").write_text("{broken", encoding="utf-8")
    listed = here.lab("lesson")
    assert listed.returncode == 0 and "What a layer's key is" in listed.stdout
    assert f"the progress in {FIRST} is not known: cannot read lessons/{FIRST}/lesson.json" in listed.stderr
    assert "lesson start 01` then writes a new one" in listed.stderr
    found = data(here.lab("lesson", "--json"))
    progress = {item["name"]: item["progress"] for item in found["lessons"]}
    assert (progress[FIRST], progress["02-order"]) == ("damaged", "not started")
    assert [item["name"] for item in found["broken"]] == [FIRST]
