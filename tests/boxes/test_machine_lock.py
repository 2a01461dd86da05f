"""A base image stays in libvirt's pool while some lab makes a machine of one."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from lab.boxes import machine_lock
from lab.boxes.machine_lock import machines_begin, no_machine_begins


def test_images_are_unused_only_while_no_lab_brings_a_box_up(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with machines_begin(lock), machines_begin(lock), no_machine_begins(lock) as unused:
        assert not unused
    with no_machine_begins(lock) as unused:
        assert unused


def test_the_lock_of_another_user_only_has_to_be_readable(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch(mode=0o444)
    with machines_begin(lock), no_machine_begins(lock) as unused:
        assert not unused


def test_a_machine_without_a_place_for_the_lock_works_without_it(tmp_path: Path) -> None:
    lock = tmp_path / "no folder" / "lock"
    with machines_begin(lock), no_machine_begins(lock) as unused:
        assert unused


def test_a_lock_that_somebody_holds_for_ever_is_not_awaited_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_lock, "SECONDS", 0.5)
    with (tmp_path / "lock").open("w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with machines_begin(tmp_path / "lock"):
            pass


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_pipe_or_a_link_in_its_place_is_no_lock(tmp_path: Path, kind: str) -> None:
    lock, elsewhere = tmp_path / "lock", tmp_path / "elsewhere"
    if kind == "pipe":
        os.mkfifo(lock)
    else:
        lock.symlink_to(elsewhere)
    with machines_begin(lock), no_machine_begins(lock) as unused:
        assert unused
    assert not elsewhere.exists()
