"""What a killed lab left on this machine itself is shown, and removed; what somebody uses or keeps is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.boxes import beside
from lab.boxes.beside import Identity, mine
from lab.boxes.local import LocalBox
from lab.boxes.transcript import Transcript
from lab.engines import host
from lab.engines.holding import HomeNote
from lab.engines.home import Home
from lab.errors import BusyError
from lab.machines import leftovers
from lab.machines.leftovers import State, await_watchers, beside_lab, sweep
from lab.model import Progress
from lab.project import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return Project(tmp_path, tmp_path / "cache")


@pytest.fixture
def dead() -> Identity:
    with subprocess.Popen(["sleep", "100000"]) as process:
        found = Identity.of(process.pid)
        process.kill()
    return found


def engine(project: Project, name: str, owner: Identity | None) -> Path:
    """The note and the folder of an engine that does not run."""
    home = Home(project.state, name)
    home.folder.mkdir(parents=True)
    home.note.write_text(HomeNote(owner=owner).model_dump_json())
    return home.folder


def quiet(event: Progress) -> None:
    pass


def test_engines_of_a_killed_lab_go_and_others_stay(project: Project, dead: Identity) -> None:
    left = engine(project, "1.0", dead)
    kept, used = engine(project, "2.0", None), engine(project, "3.0", mine())
    assert [(item.name, item.state, item.remove) for item in beside_lab(project)] == [
        ("Docker 1.0 on this machine", State.LEFT, "python -m lab down --leftovers"),
        ("Docker 2.0 on this machine", State.KEPT, "python -m lab down"),
        ("Docker 3.0 on this machine", State.IN_USE, "it ends with the lab process that uses it"),
    ]
    assert sweep(project, LocalBox(), quiet) == ["engine 1.0"]
    assert (left.exists(), kept.exists(), used.exists()) == (False, True, True)
    assert host.leftovers(project.state) == ["2.0", "3.0"]


def test_up_lets_its_engines_stay(project: Project, dead: Identity) -> None:
    engine(project, "1.0", dead)
    engine(project, "2.0", mine())
    host.keep(project.state)
    assert [item.state for item in beside_lab(project)] == [State.LEFT, State.KEPT]


def test_a_note_of_an_older_version_is_one_of_an_engine_that_stays(project: Project) -> None:
    engine(project, "1.0", None)
    Home(project.state, "1.0").note.write_text("{}\n")
    assert [item.state for item in beside_lab(project)] == [State.KEPT]


def test_the_folders_of_a_killed_run_go_from_the_home_folder(project: Project, tmp_path: Path) -> None:
    names = ("20260101T000000Z-killed", "20260102T000000Z-running", "20260103T000000Z-of-another-checkout")
    folders = [tmp_path / "home" / "lab-runs" / name for name in names]
    for folder in folders:
        (folder / "1.0").mkdir(parents=True)
    for name in names[:2]:
        (project.results / name).mkdir(parents=True)
    transcript = Transcript(project.results / names[1] / "transcript.jsonl", names[1])
    assert sweep(project, LocalBox(), quiet) == [str(folders[0])]
    assert [folder.exists() for folder in folders] == [False, True, True]
    transcript.close()
    assert sweep(project, LocalBox(), quiet) == [str(folders[1])]
    assert (tmp_path / "home" / "lab-runs").exists()
    (folders[2] / "1.0").rmdir()
    folders[2].rmdir()
    (tmp_path / "home" / "lab-runs" / names[0]).mkdir()
    assert sweep(project, LocalBox(), quiet) == [str(folders[0])]
    assert not (tmp_path / "home" / "lab-runs").exists()


def test_where_nothing_is_left_nothing_is_written(project: Project) -> None:
    assert sweep(project, LocalBox(), quiet) == []
    assert not project.state.exists()


@pytest.fixture
def watcher(project: Project, dead: Identity) -> Iterator[subprocess.Popen[bytes]]:
    """A clean-up after a killed lab process that does not end by itself."""
    mark = f"{project.state}|{dead.pid}|{dead.start}"
    with subprocess.Popen(["sleep", "100000"], env={**os.environ, beside.WATCHES: mark}) as process:
        yield process
        process.kill()


def test_the_clean_up_after_a_killed_lab_is_waited_for(project: Project, watcher: subprocess.Popen[bytes]) -> None:
    heard: list[Progress] = []

    def tell(event: Progress) -> None:
        heard.append(event)
        if not event.done:
            assert watcher.poll() is None
            watcher.kill()
            watcher.wait()

    await_watchers(project.state, tell)
    assert [(event.what, event.done) for event in heard] == [
        (f"waiting for the clean-up after a run that was killed (process {watcher.pid})", False),
        ("the clean-up after a run that was killed has ended", True),
    ]
    await_watchers(project.state, tell)
    assert len(heard) == 2


def test_the_wait_for_a_clean_up_has_a_limit(
    project: Project, watcher: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "WATCHER_SECONDS", 0.1)
    with pytest.raises(BusyError, match=f"without any progress for .*: process {watcher.pid} still runs$") as caught:
        await_watchers(project.state, quiet)
    assert caught.value.hint == f"`kill {watcher.pid}` ends it, and `python -m lab down` then does its work"
    assert watcher.poll() is None


def test_a_machine_that_is_only_named_like_labs_is_none(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # patched: this machine may have machines and disks of its own, or no libvirt
    monkeypatch.setattr(leftovers, "IMAGES", project.root / "none")
    gone, other = str(project.root / "gone"), str(project.root)
    domains = {
        "lab-0a1b2c-theirs": "",  # nobody of lab has described it
        "lab-0a1b2d-orphan": gone,
        "lab-0a1b2e-others": str(project.root.parent),
        f"{project.prefix}mine": other,
    }
    monkeypatch.setattr(leftovers, "list_domains", lambda shell: domains)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    found = [(item.name, item.fix) for item in leftovers.find(project, LocalBox()) if item.sort == "domain"]
    assert found == [
        ("lab-0a1b2d-orphan", "python -m lab down --orphans"),
        (f"{project.prefix}mine", "python -m lab down"),
    ]
