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
