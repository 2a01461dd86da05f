"""A candidate as a scenario folder: what is written is read back as the same candidate."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from lab.errors import ContextError, HostError, ReadError
from lab.model import Outcome
from lab.run.minimise.candidate import Candidate, File
from lab.run.minimise.folder import write
from lab.run.minimise.start import from_scenario
from lab.run.scenarios import load_scenario
from tests.conftest import ROOT
from tests.run.minimise.standin import project, replaced

pytestmark = pytest.mark.slow

SCENARIOS = ROOT / "templates" / "scenarios"
VARIATIONS = [
    (path.parent.name, item.name)
    for path in sorted(SCENARIOS.glob("*/scenario.yaml"))
    for item in load_scenario(path.parent, "scratch").file.variations
]


def again(candidate: Candidate, folder: Path) -> Candidate:
    write(candidate, folder)
    return from_scenario(folder, candidate.variation)


def test_every_variation_of_every_scenario_comes_back(tmp_path: Path) -> None:
    assert len(VARIATIONS) > 100
    for name, variation in VARIATIONS:
        start = from_scenario(SCENARIOS / name, variation)
        found = again(start, tmp_path / "written")
        assert (found.build, found.files, found.sequence) == (start.build, start.files, start.sequence), name


def test_braces_and_names_of_templates_come_back(tmp_path: Path) -> None:
    files = {"a.j2": File(b"{{ x }}\n"), "run.sh": File(b"{% if %}\n", executable=True), "b": File(b"\xff\0")}
    start = replaced(project(5, "FROM {{base}}\nRUN echo '{{.Names}}'\nCOPY . .\n", "b"), files=files)
    found = again(start, tmp_path / "written")
    assert (found.build.stages, found.files) == (start.build.stages, files)


def test_what_a_scenario_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="can have the name"):
        write(replaced(project(5), files={"a\nb": File(b"")}), tmp_path / "s")
    with pytest.raises(ReadError, match="nothing to compare"):
        write(project(5, "FROM {{base}}\n"), tmp_path / "s")


def test_the_outcomes_that_are_expected(tmp_path: Path) -> None:
    hit, ran = Outcome.HIT, Outcome.RAN
    start = project(5, "FROM {{base}}\nRUN x\nCOPY . .\n")
    write(start, tmp_path / "s", (ran, hit), (ran, ran))
    file = load_scenario(tmp_path / "s", "scratch").file
    assert [step.expect for step in file.steps] == ["ran", "hit"]
    assert file.variations[0].expect == ("ran", "ran")


def test_a_full_disk_is_an_error_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(HostError, match="No space left") as caught:
        write(project(5), tmp_path / "s")
    assert caught.value.hint and "free some space" in caught.value.hint
