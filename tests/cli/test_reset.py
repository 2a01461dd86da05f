"""What `reset` and `snapshot` refuse before they touch a box, and what they say of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes.address import Address
from lab.boxes.notes import Machine, Note, Notes
from lab.cli.options import Workplace
from lab.cli.reset import _chosen
from lab.errors import UsageError
from lab.machines.catalog import Catalog
from lab.project import Project
from tests.cli.program import Place
from tests.conftest import ROOT


@pytest.mark.parametrize("words", [(), ("debian12-selinux", "--all")])
def test_reset_wants_names_or_all(place: Place, words: tuple[str, ...]) -> None:
    done = place.lab("reset", *words, "--lineup", "debian")
    assert done.returncode == 2
    assert done.stderr.startswith("lab: cannot reset: name boxes, or all by --all\n")


@pytest.mark.parametrize("words", [("reset",), ("snapshot", "save", "a"), ("snapshot", "restore", "a")])
def test_a_box_that_is_not_up_is_named(place: Place, words: tuple[str, ...]) -> None:
    done = place.lab(*words, "debian12-selinux", "--lineup", "debian")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot use debian12-selinux: it is not up" in done.stderr
    assert "lab up debian12-selinux" in done.stderr


def test_a_lineup_of_which_nothing_is_up(place: Place) -> None:
    done = place.lab("snapshot", "list", "--lineup", "debian")
    assert done.returncode == 2
    assert "none of the lineup debian is up" in done.stderr


def test_this_machine_without_an_engine_of_labs_has_nothing_to_reset(place: Place) -> None:
    done = place.lab("reset", "local", "--lineup", "local")
    assert done.returncode == 2
    assert "cannot use snapshots of local: no engine of lab is on this machine" in done.stderr


def test_the_boxes_are_those_of_the_lineup_that_are_up(tmp_path: Path) -> None:
    catalog, project = Catalog(ROOT / "boxes"), Project(tmp_path, tmp_path / "cache")
    place = Workplace(project, catalog, catalog.lineup("debian"), "a test")
    with pytest.raises(UsageError, match="none of the lineup debian is up"):
        _chosen(place, ())
    address = Address(host="127.0.0.1", user="me")
    machine = Machine(provider="libvirt", prefix=project.prefix)
    Notes(project.state).write(Note(box="debian12-selinux", lineup="debian", vagrant=machine, address=address))
    assert [spec.name for spec in _chosen(place, ())] == ["debian12-selinux"]
    assert [spec.name for spec in _chosen(place, ("local", "local"))] == ["local"]
