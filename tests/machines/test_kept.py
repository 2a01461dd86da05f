"""Folders that a run kept are noted, and removed by that note."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes.address import Address
from lab.boxes.notes import Machine, Note, Notes
from lab.boxes.transcript import Transcript
from lab.errors import HostError
from lab.machines import kept
from lab.machines.catalog import Catalog
from lab.machines.leftovers import _run_folders
from lab.model import Progress
from lab.project import Project
from tests.conftest import ROOT


def test_a_folder_of_this_machine_is_removed_by_its_note(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "cache")
    folder = tmp_path / "lab-runs" / "run-1"
    (folder / "26.1.5").mkdir(parents=True)
    kept.note(project.state, "run-1", {"local": str(folder), "debian12-selinux": "/home/vagrant/lab-runs/run-1"})
    assert kept.remove(project, Catalog(ROOT / "boxes"), lambda event: None) == [f"local:{folder}"]
    assert not folder.parent.exists()
    assert kept.runs(project.state) == {}  # a box that is not up has no folder any more


def test_a_box_that_cannot_be_reached_keeps_its_note(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "cache")
    machine = Machine(provider="libvirt", prefix=project.prefix)
    address = Address(host="127.0.0.1", port=1, user="me")  # nobody listens there
    Notes(project.state).write(Note(box="debian12-selinux", lineup="debian", vagrant=machine, address=address))
    kept.note(project.state, "run-1", {"debian12-selinux": "/home/vagrant/lab-runs/run-1"})
    heard: list[Progress] = []
    assert kept.remove(project, Catalog(ROOT / "boxes"), heard.append) == []
    assert [event.failed for event in heard] == [True]
    assert list(kept.runs(project.state)) == ["run-1"]


def test_the_next_run_does_not_sweep_a_folder_that_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    project = Project(tmp_path, tmp_path / "cache")
    for name in ("run-1", "run-2"):
        (tmp_path / "lab-runs" / name).mkdir(parents=True)
        (project.results / name).mkdir(parents=True)
    kept.note(project.state, "run-1", {"local": str(tmp_path / "lab-runs" / "run-1")})
    assert [folder.name for folder in _run_folders(project)] == ["run-2"]


# --- the folders of a run that goes on or was killed


def test_the_folders_that_a_run_uses_are_not_those_that_the_user_keeps(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "cache")
    folder = tmp_path / "lab-runs" / "run-1"
    folder.mkdir(parents=True)
    kept.note(project.state, "run-1", {"local": str(folder)}, kept.Why.USED)
    assert kept.runs(project.state) == {}
    assert kept.remove(project, Catalog(ROOT / "boxes"), lambda event: None) == []
    assert kept.remove(project, Catalog(ROOT / "boxes"), lambda event: None, kept.Why.USED) == [f"local:{folder}"]
    assert not folder.exists()
    assert kept.runs(project.state, kept.Why.USED) == {}


def test_the_folders_of_a_run_that_goes_on_are_left_alone(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "cache")
    folder = tmp_path / "lab-runs" / "run-1"
    folder.mkdir(parents=True)
    (project.results / "run-1").mkdir(parents=True)
    kept.note(project.state, "run-1", {"local": str(folder)}, kept.Why.USED)
    transcript = Transcript(project.results / "run-1" / "transcript.jsonl", "run-1")
    try:
        assert kept.remove(project, Catalog(ROOT / "boxes"), lambda event: None, kept.Why.USED) == []
    finally:
        transcript.close()
    assert folder.exists()


def test_a_note_without_folders_is_removed(tmp_path: Path) -> None:
    kept.note(tmp_path, "run-1", {"east": "/home/me/lab-runs/run-1"}, kept.Why.USED)
    kept.note(tmp_path, "run-1", {}, kept.Why.USED)
    assert list(tmp_path.rglob("*.json")) == []
    kept.note(tmp_path, "run-1", {}, kept.Why.USED)  # harmless


def test_the_note_of_an_older_lab_is_read_and_a_damaged_one_is_set_aside(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "run-1.json").write_text('{"local": "/tmp/run-1"}', encoding="utf-8")
    assert kept.runs(tmp_path) == {"run-1": {"local": "/tmp/run-1"}}
    kept.note(tmp_path, "run-2", {"local": "/tmp/run-2"})
    assert kept.runs(tmp_path)["run-2"] == {"local": "/tmp/run-2"}
    (folder / "run-3.json").write_text("[]", encoding="utf-8")
    with pytest.raises(HostError, match="cannot read which folders of the run run-3 are kept"):
        kept.runs(tmp_path)
    assert (folder / "run-3.json.damaged").read_text(encoding="utf-8") == "[]"
    assert list(kept.runs(tmp_path)) == ["run-1", "run-2"]
