"""The state of a minimisation: an interrupted one is found again by its start."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab import files
from lab.errors import HostError
from lab.run.minimise.bench import Ends, Seen
from lab.run.minimise.state import STATE, begin
from tests.run.minimise.standin import HIT, RAN, project, start_run

MOMENT = datetime(2026, 11, 26, tzinfo=UTC)
ENDS = Ends("local", "local", "26.1.5", "26.1.5")
SEEN = Seen(steps=("COPY . .",), reference=(HIT,), subject=(RAN,))


def test_an_interrupted_one_goes_on(tmp_path: Path) -> None:
    candidate = project(5)
    first = begin(tmp_path, candidate, ENDS, MOMENT)
    first.answers["x"] = SEEN
    first.store()
    first.keep_start(start_run(candidate))
    again = begin(tmp_path, candidate, ENDS, MOMENT)
    assert again.folder == first.folder
    assert again.answers == {"x": SEEN}
    assert again.start and again.start.trials == start_run(candidate).trials


def test_another_start_or_end_begins_anew(tmp_path: Path) -> None:
    first = begin(tmp_path, project(5), ENDS, MOMENT)
    assert begin(tmp_path, project(6), ENDS, MOMENT).folder != first.folder
    assert begin(tmp_path, project(5), Ends("local", "local", "20.10.24", "26.1.5"), MOMENT).folder != first.folder
    assert begin(tmp_path, project(5), ENDS, MOMENT, anew=True).folder != first.folder


def test_a_finished_one_is_left_alone(tmp_path: Path) -> None:
    first = begin(tmp_path, project(5), ENDS, MOMENT)
    first.store(finished=True)
    assert begin(tmp_path, project(5), ENDS, MOMENT).folder != first.folder


def test_a_damaged_state_is_not_used(tmp_path: Path) -> None:
    first = begin(tmp_path, project(5), ENDS, MOMENT)
    (first.folder / STATE).write_text("{")
    assert begin(tmp_path, project(5), ENDS, MOMENT).folder != first.folder


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = begin(tmp_path, project(5), ENDS, MOMENT)

    def full(path: Path, content: str | bytes) -> None:
        raise HostError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(HostError, match="No space left"):
        kept.store()
