"""What a run of somebody else may not do to files of this machine, and to the list of all runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import files
from lab.errors import ConfigError, HostError
from lab.project import Project
from lab.report import bundle
from lab.results import golden, index, journal
from lab.results.run import Run, load, save
from lab.results.shelf import summaries
from tests.cli import program
from tests.cli.program import Place
from tests.conftest import ROOT
from tests.reporting import RUNS

SAMPLE = RUNS / "schema-1"
OWN = "# mine\n"
Plant = Callable[[Path], None]


@pytest.fixture(scope="module")
def nursery() -> Iterator[subprocess.Popen[str]]:
    with program.nursery() as process:
        yield process


@pytest.fixture
def received(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "results" / "20261123T212733Z-copy-bust"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "own.yaml"
    path.parent.mkdir()
    path.write_text(OWN)
    return path


@pytest.fixture
def place(tmp_path: Path, nursery: subprocess.Popen[str], received: Path) -> Place:
    return program.checkout(tmp_path, nursery)


def rewritten(folder: Path, **changes: Any) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))


def opening(place: Place) -> Place:
    """The same place with a program that opens reports, and shows nothing."""
    opener = place.root / "bin" / "xdg-open"
    opener.parent.mkdir(exist_ok=True)
    opener.write_text("#!/bin/sh\n")
    opener.chmod(0o755)
    return replace(place, more={"PATH": f"{opener.parent}:{os.environ['PATH']}"})


# --- names


@pytest.mark.parametrize("absolute", [True, False])
def test_a_golden_table_is_written_nowhere_else(tmp_path: Path, received: Path, own: Path, absolute: bool) -> None:
    scenario = tmp_path / "scenario"
    (scenario / "golden").mkdir(parents=True)
    name = str(own.with_suffix("")) if absolute else "../../home/own"
    run = load(received)
    with pytest.raises(ConfigError, match="is not a plain name"):
        golden.save(scenario, run.model_copy(update={"lineup": name}))
    rewritten(received, lineup=name)
    with pytest.raises(ConfigError, match=r"lineup: .* is not a plain name"):
        load(received)
    assert own.read_text() == OWN


@pytest.mark.parametrize("linked", ["golden", "golden/debian.yaml"])
def test_a_golden_table_is_not_written_through_a_link(tmp_path: Path, received: Path, own: Path, linked: str) -> None:
    link = tmp_path / "scenario" / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(own if linked.endswith(".yaml") else own.parent)
    with pytest.raises(ConfigError, match="leads out of"):
        golden.save(tmp_path / "scenario", load(received))
    assert [path.read_text() for path in own.parent.iterdir()] == [OWN]


def test_a_bundle_takes_no_file_from_elsewhere(tmp_path: Path, received: Path, own: Path) -> None:
    root = tmp_path / "checkout"
    for name in ("boxes", "templates"):
        shutil.copytree(ROOT / name, root / name)
    project, run = Project(root, tmp_path / "cache"), load(received)
    (root / "templates" / "scenarios" / "copy-bust" / "out").symlink_to(own.parent)

    def packed(**changes: object) -> set[Path]:
        return set(bundle._beside(project, run.model_copy(update=changes)).values())

    usual = packed()
    assert root / "boxes" / "lineups" / "debian.yaml" in usual
    assert root / "templates" / "scenarios" / "copy-bust" / "scenario.yaml" in usual
    for name in ("../../../home/own", str(own.with_suffix("")), "..", "../../../home"):
        box = run.boxes[0].model_copy(update={"name": name})
        found = packed(lineup=name, scenario=name, boxes=(box,))
        assert found <= usual
        rewritten(received, lineup=name)
        with pytest.raises(ConfigError, match="is not a plain name"):
            bundle.pack(received, project)


# --- times


@pytest.mark.parametrize(
    "changes",
    [{"started": "0001-01-01T00:00:00+14:00"}, {"started": "2024-01-01T00:00:00"}, {"lineup": "../x"}],
)
def test_a_run_that_cannot_be_read_does_not_hide_the_others(
    place: Place, received: Path, changes: dict[str, Any]
) -> None:
    evil = received.with_name("20240102T000000Z-evil")
    shutil.copytree(received, evil)
    rewritten(evil, **changes)
    done = place.lab("runs")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"cannot read {evil / 'run.json'}" in " ".join(done.stdout.split())
    assert f"{received.name}  2026-11-23 21:27 UTC  copy-bust  6 as expected" in done.stdout
    assert place.lab("history", "COPY bar bar").returncode == 0
    refused = place.lab("report", evil.name)
    assert (refused.returncode, "Traceback" in refused.stderr) == (3, False)


# --- what is no plain file


def _link(path: Path) -> None:
    path.symlink_to(ROOT / "setup.cfg")


def _zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(30)
@pytest.mark.parametrize("plant", [os.mkfifo, _link, _zero])
@pytest.mark.parametrize("name", ["run.json", "transcript.jsonl", journal.NAME])
def test_the_files_of_a_run_are_plain_ones(received: Path, name: str, plant: Plant) -> None:
    (received / name).unlink(missing_ok=True)
    plant(received / name)
    with pytest.raises(ConfigError, match=f"cannot read .*{name}: it is not a plain file"):
        bundle.evidence_of(received)
    [found] = summaries(received.parent)
    assert bool(found.problem) == (name != "transcript.jsonl")
    assert not found.running
    index.counts(received.parent)


@pytest.mark.parametrize("plant", [os.mkfifo, _zero])
def test_a_report_beside_a_run_replaces_what_lies_there(place: Place, received: Path, plant: Plant) -> None:
    for form, name in (("md", "report.md"), ("table", "report.txt")):
        plant(received / name)
        assert opening(place).lab("report", "--format", form, "--open").returncode == 0
        assert (received / name).is_file() and not (received / name).is_symlink()


def test_a_report_beside_a_run_is_not_written_through_a_link(place: Place, received: Path, own: Path) -> None:
    (received / "report.md").symlink_to(own)
    assert opening(place).lab("report", "--format", "md", "--open").returncode == 0
    assert own.read_text() == OWN
    assert (received / "report.md").read_text().startswith("# `COPY")
    (received / f"{received.name}.md").symlink_to(own)
    assert place.lab("report", "--format", "md", "--output", f"{received}/").returncode == 0
    assert own.read_text() == OWN


@pytest.mark.parametrize("name", ["run.json", "table.txt"])
def test_a_run_is_not_stored_through_a_link(received: Path, own: Path, name: str) -> None:
    run: Run = load(received)
    (received / name).unlink()
    (received / name).symlink_to(own)
    save(received, run, "table")
    assert own.read_text() == OWN
    assert not (received / name).is_symlink()


def test_a_trial_is_not_appended_through_a_link(received: Path, own: Path) -> None:
    (received / journal.NAME).symlink_to(own)
    with pytest.raises(HostError, match="cannot write"):
        journal.append(received, "trial", "{}", {}, {})
    assert own.read_text() == OWN


def test_a_lock_is_not_written_through_a_link(tmp_path: Path, own: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "run").symlink_to(own)
    with pytest.raises(HostError, match="cannot write"), files.hold(tmp_path, ["run"], "repro"):
        pass
    assert own.read_text() == OWN
