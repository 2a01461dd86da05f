"""The folders lab works with: in a workplace, in a checkout, and with what an installed package carries."""

from __future__ import annotations

import json
import os
import pwd
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lab import project
from lab.boxes.vagrant_program import add_box
from lab.errors import HostError, UsageError
from lab.project import Installed, Project, cache_folder, find, home_folder, own_data, state_folder
from tests.conftest import ROOT


def copy_data(folder: Path) -> Path:
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "Vagrantfile", folder)
    for name in ("boxes", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and a user whose variables name no folder but HOME."""
    for name in ("LAB_ROOT", "LAB_CACHE", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    return tmp_path / "away"


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with data in it, beside which no checkout lies."""
    data = copy_data(tmp_path / "site" / "lab" / "_data")
    monkeypatch.setattr(project, "PACKAGED", data)
    return data


# --- which project


def test_without_a_workplace_the_package_brings_the_data(away: Path, packaged: Path) -> None:
    found = find()
    home = away.parent / "home"
    assert (found.boxes, found.scenarios) == (packaged / "boxes", packaged / "templates" / "scenarios")
    assert found.results == away / "results"
    assert found.state == found.root == home / ".local" / "state" / "lab"
    assert found.cache == home / ".cache" / "lab"
    assert "page.css" in found.texts("page")
    assert (list(away.iterdir()), home.exists()) == ([], False)  # to look is not to write


def test_a_workplace_around_the_current_folder_comes_first(
    away: Path, packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copy_data(away / "mine")
    (mine / "below" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(mine / "below" / "deeper")
    found = find()
    assert found == Project(mine, away.parent / "home" / ".cache" / "lab")
    assert (found.boxes, found.results, found.state) == (mine / "boxes", mine / "results", mine / ".lab")


def test_lab_root_comes_before_everything(away: Path, packaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = copy_data(away / "mine"), copy_data(away / "other")
    monkeypatch.chdir(mine)
    monkeypatch.setenv("LAB_ROOT", str(other))
    assert find().root == other
    monkeypatch.setenv("LAB_ROOT", str(away))
    with pytest.raises(UsageError, match=r"no Vagrantfile with boxes/ in .*/away$"):
        find()


def test_a_checkout_uses_its_own_files_from_any_folder(away: Path) -> None:
    found = find()
    assert (found.root, found.boxes, found.results, found.state) == (
        ROOT, ROOT / "boxes", ROOT / "results", ROOT / ".lab",
    )  # fmt: skip


def test_a_package_without_data_says_what_to_do(away: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "PACKAGED", tmp_path / "site" / "lab" / "_data")
    with pytest.raises(UsageError, match="its installation is not complete"):
        own_data()
    with pytest.raises(UsageError, match="cannot find lab's boxes and templates") as caught:
        find()
    assert caught.value.hint and "LAB_ROOT" in caught.value.hint


# --- the user's folders


def test_the_users_folders_are_those_of_the_xdg_specification(away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = away.parent / "home"
    for variable, folder, default in (
        ("XDG_CACHE_HOME", cache_folder, home / ".cache" / "lab"),
        ("XDG_STATE_HOME", state_folder, home / ".local" / "state" / "lab"),
    ):
        for value in ("", "relative/folder"):  # "All paths set in these environment variables must be absolute"
            monkeypatch.setenv(variable, value)
            assert folder() == default
        monkeypatch.setenv(variable, str(away / "elsewhere"))
        assert folder() == away / "elsewhere" / "lab"
    monkeypatch.setenv("LAB_CACHE", "here")
    assert cache_folder() == away / "here"


def test_without_home_the_list_of_users_is_read(away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("HOME")
        else:
            monkeypatch.setenv("HOME", value)
        assert home_folder() == Path(pwd.getpwuid(os.getuid()).pw_dir)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)  # a container's user of which no list knows
    with pytest.raises(HostError, match="cannot find your home folder") as caught:
        home_folder()
    assert caught.value.hint == "set HOME to a folder that you may write to"


# --- what may be written


def test_where_no_run_can_be_stored_is_known_before_one_is_made(away: Path, packaged: Path) -> None:
    found = find()
    assert isinstance(found, Installed)
    found.check_results()
    assert list(away.iterdir()) == []  # the folder is made when a run is stored
    (away / "results").write_text("a file")
    with pytest.raises(HostError, match=r"cannot store a run in .*/away/results: .*: it is not a folder") as caught:
        found.check_results()
    assert caught.value.hint == "run lab in a folder that you may write to"


def test_the_packages_own_files_are_not_written(away: Path, packaged: Path) -> None:
    found = find()
    with pytest.raises(UsageError, match="it is part of the installed lab") as caught:
        found.check_own(found.scenarios / "copy-bust" / "golden" / "debian.yaml")
    assert caught.value.hint and "lab init DIR" in caught.value.hint
    found.check_own(away / "scenario")
    Project(away, away).check_own(away / "templates" / "scenarios" / "mine")


# --- Vagrant


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `vagrant` that has no box and writes its folder and lab's variables to a file."""
    program, said = folder / "bin" / "vagrant", folder / "said.json"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nprintf \'["%s", "%s", "%s"]\' "$PWD" "$LAB_BOXES" "$LAB_MACHINES" > {said}\n', encoding="utf-8"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return said


def test_vagrant_runs_in_the_state_folder_with_this_labs_vagrantfile(
    away: Path, packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, said = find(), stand_in(away, monkeypatch)
    for _ in range(2):
        add_box(found, "lab/a-1", away / "a.box")
        assert json.loads(said.read_text()) == [str(found.root), str(packaged / "boxes"), str(found.state / "machines")]
        assert (found.root / "Vagrantfile").read_bytes() == (ROOT / "Vagrantfile").read_bytes()
        (found.root / "Vagrantfile").write_text("of an older version of lab")


def test_in_a_workplace_vagrant_runs_with_the_workplaces_vagrantfile(
    away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, said = Project(copy_data(away / "mine"), away / "cache"), stand_in(away, monkeypatch)
    (mine.root / "Vagrantfile").write_text("changed by its owner")
    add_box(mine, "lab/a-1", away / "a.box")
    assert json.loads(said.read_text()) == [str(mine.root), str(mine.boxes), str(mine.root / ".lab" / "machines")]
    assert (mine.root / "Vagrantfile").read_text() == "changed by its owner"


def test_two_projects_name_their_machines_differently(away: Path, packaged: Path) -> None:
    found = find()
    assert isinstance(found, Installed)
    assert found.prefix != Project(away, found.cache).prefix
    assert found.prefix == replace(found, current=away / "elsewhere").prefix  # the same machines from every folder
