"""The sums of what a run is made of: a change of any part is named, and a change of nothing is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.machines.catalog import Catalog
from lab.run.own_project.project import read_project
from lab.run.own_project.request import Request
from lab.run.scenarios import load_scenario
from lab.run.sums import MOST, Sums, differences, engines_of, sums_of, with_project
from tests.conftest import ROOT

BOX, ENGINE = "debian12-selinux", "20.10.24-unfixed"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A copy of the boxes and of one scenario."""
    shutil.copytree(ROOT / "boxes", tmp_path / "boxes")
    shutil.copytree(ROOT / "templates" / "scenarios" / "copy-bust", tmp_path / "copy-bust")
    return tmp_path


def sums(place: Path) -> Sums:
    catalog = Catalog(place / "boxes")
    scenario = load_scenario(place / "copy-bust", "scratch")
    return sums_of(scenario, [catalog.box(BOX)], [catalog.engine(ENGINE)], place / "boxes")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_the_same_files_have_the_same_sums(place: Path) -> None:
    assert differences(sums(place), sums(place)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda place: append(place / "copy-bust" / "Dockerfile.j2", "# x\n"), "copy-bust: Dockerfile changed"),
        (lambda place: edit(place / "boxes" / f"{BOX}.yaml", "memory: ", "memory: 1"), f"box {BOX}: memory "),
        (lambda place: append(place / "boxes" / "recipes" / "debian12.yaml", "# x\n"), f"box {BOX}: recipe changed"),
    ],
)
def test_what_has_changed_is_named(place: Path, change: Callable[[Path], object], said: str) -> None:
    before = sums(place)
    change(place)
    [line] = differences(before, sums(place))
    assert said in line


def test_a_short_value_is_shown_and_a_sum_is_not() -> None:
    before: Sums = {"box a": {"memory": "1", "recipe": "a" * 64, "gone": "1"}, "box b": {}}
    after: Sums = {"box a": {"memory": "2", "recipe": "b" * 64, "more": "1"}, "engine c": {}}
    assert differences(before, after) == [
        "box a: memory 1 -> 2",
        "box a: recipe changed",
        "box a: gone is gone",
        "box a: more is new",
        "box b is not used any more",
        "engine c is new",
    ]


def test_of_many_differences_the_first_are_shown() -> None:
    before: Sums = {"p": {str(number): "1" for number in range(30)}}
    after: Sums = {"p": {str(number): "2" for number in range(30)}}
    found = differences(before, after)
    assert len(found) == MOST + 1
    assert found[-1] == f"{30 - MOST} more parts differ"


def project(folder: Path, **options: object) -> Sums:
    made = read_project(Request(folder, **options))  # type: ignore[arg-type]
    return with_project({"lab": {}, "the scenario x": {}}, made)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM alpine\nCOPY foo bar /\n")
    (folder / "foo").write_text("1")
    (folder / "bar").write_text("1")
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda own: (own / "foo").write_text("2"), "foo changed"),
        (lambda own: (own / "foo").chmod(0o755), "foo changed"),
        (lambda own: (own / "new").touch(), "new is new"),
        (lambda own: (own / "bar").unlink(), "bar is gone"),
        (lambda own: edit(own / "Dockerfile", "bar", "b*"), "Dockerfile changed"),
    ],
)
def test_a_change_of_a_project_names_the_file(own: Path, change: Callable[[Path], object], said: str) -> None:
    before = project(own)
    change(own)
    found = differences(before, project(own))
    assert found
    assert all(line.startswith(f"the project {own}: ") for line in found)
    assert any(line.endswith(said) for line in found)


def test_the_time_of_a_file_is_no_change_and_a_build_argument_is_one(own: Path) -> None:
    before = project(own)
    os.utime(own / "foo", (1, 1))
    assert differences(before, project(own)) == []
    [line] = differences(before, project(own, build_args=("A=1",)))
    assert line.endswith("build argument A is new")


def test_the_engines_are_those_asked_for_or_those_of_the_boxes() -> None:
    spec = Catalog(ROOT / "boxes").box(BOX)
    assert engines_of([spec], ["x", "x"]) == ["x"]
    assert engines_of([spec, spec], []) == list(dict.fromkeys((*spec.engines, *spec.at_hand)))
