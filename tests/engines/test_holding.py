"""Which lab process an engine on this machine ends with, and which one uses it: other processes hold theirs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.boxes.beside import Identity, mine
from lab.boxes.local import LocalBox
from lab.engines import host
from lab.engines.holding import HomeNote, check_free, note_of, read_note, used_by_others, user_of, write_note
from lab.errors import BusyError, HostError
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.machines.removal import Removal
from lab.model import Progress
from lab.project import Project
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def other() -> Iterator[Identity]:
    """Another process, which lives."""
    with subprocess.Popen(["sleep", "100000"]) as process:
        yield Identity.of(process.pid)
        process.kill()


def fleet(folder: Path, heard: list[Progress]) -> Fleet:
    return Fleet(Project(folder, folder / "cache"), Catalog(ROOT / "boxes"), heard.append)


def test_a_run_ends_its_own_engines_and_no_others(tmp_path: Path, other: Identity) -> None:
    state = tmp_path / ".lab"
    write_note("1.0", state, HomeNote(owner=mine(), user=mine()))
    write_note("2.0", state, HomeNote(owner=other, user=other))
    write_note("3.0", state, HomeNote(user=other))
    write_note("4.0", state, HomeNote(user=mine()))
    heard: list[Progress] = []
    fleet(tmp_path, heard).release_private()
    assert [event.who for event in heard] == ["engine 1.0"]
    assert host.leftovers(state) == ["2.0", "3.0", "4.0"]
    assert read_note("2.0", state) == HomeNote(owner=other, user=other)
    assert read_note("3.0", state) == HomeNote(user=other)
    assert read_note("4.0", state) == HomeNote()  # it stays, and another run can use it now


def test_an_engine_that_another_run_uses_cannot_be_used(tmp_path: Path, other: Identity) -> None:
    write_note("1.0", tmp_path, HomeNote(owner=other, user=other))
    with pytest.raises(
        BusyError, match=rf"cannot use Docker 1\.0 on this machine: another lab \(process {other.pid}\)"
    ):
        check_free("1.0", tmp_path)
    write_note("1.0", tmp_path, HomeNote(owner=mine(), user=mine()))
    assert check_free("1.0", tmp_path) == HomeNote(owner=mine(), user=mine())
    assert check_free("2.0", tmp_path) == HomeNote()


def test_a_user_that_has_ended_is_none(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        gone = Identity.of(process.pid)
    write_note("1.0", tmp_path, HomeNote(user=gone))
    assert (user_of("1.0", tmp_path), used_by_others("1.0", tmp_path)) == (None, False)


def test_the_note_of_an_older_lab_is_read(tmp_path: Path, other: Identity) -> None:
    note_of("1.0", tmp_path).parent.mkdir()
    note_of("1.0", tmp_path).write_text(f'{{"owner": null, "user": {other.model_dump_json()}}}', encoding="utf-8")
    assert user_of("1.0", tmp_path) == other


def test_a_damaged_note_is_set_aside_and_the_engine_is_still_found(tmp_path: Path) -> None:
    path = note_of("1.0", tmp_path)
    path.parent.mkdir()
    path.write_text("{", encoding="utf-8")
    with pytest.raises(HostError, match=r"cannot read the note of Docker 1\.0 on this machine: ") as caught:
        read_note("1.0", tmp_path)
    assert caught.value.hint and "python -m lab down" in caught.value.hint
    assert path.with_name("1.0.json.damaged").read_text(encoding="utf-8") == "{"
    assert host.leftovers(tmp_path) == ["1.0"]  # what `down` removes
    assert read_note("1.0", tmp_path) == HomeNote()


def test_the_note_of_a_newer_lab_is_left_alone(tmp_path: Path) -> None:
    path = note_of("1.0", tmp_path)
    path.parent.mkdir()
    path.write_text('{"version": 2, "users": []}', encoding="utf-8")
    with pytest.raises(HostError, match="has version 2, this lab reads versions up to 1") as caught:
        check_free("1.0", tmp_path)
    assert caught.value.hint and caught.value.hint.startswith("update lab, or move ")
    assert path.read_text(encoding="utf-8") == '{"version": 2, "users": []}'


def test_down_leaves_what_another_run_uses(tmp_path: Path, other: Identity) -> None:
    state = tmp_path / ".lab"
    write_note("1.0", state, HomeNote())
    write_note("2.0", state, HomeNote(user=other))
    heard: list[Progress] = []
    assert Removal(fleet(tmp_path, heard).site).remove(["local"]) == ["local"]
    assert host.leftovers(state) == ["2.0"]
    assert ("engine 2.0", "stays: another lab process uses it") in [(event.who, event.what) for event in heard]


def test_up_keeps_what_it_used(tmp_path: Path, other: Identity) -> None:
    write_note("1.0", tmp_path, HomeNote(owner=mine(), user=mine()))
    write_note("2.0", tmp_path, HomeNote(user=mine()))
    write_note("3.0", tmp_path, HomeNote(owner=other, user=other))
    host.keep(tmp_path)
    assert [read_note(name, tmp_path).user for name in ("1.0", "2.0", "3.0")] == [None, None, other]
    assert [read_note(name, tmp_path).owner for name in ("1.0", "2.0", "3.0")] == [None, None, other]
    assert host.release(LocalBox(), tmp_path) == []
