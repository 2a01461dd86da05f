"""A base image stays in libvirt's pool while some lab makes a machine of one."""

from __future__ import annotations

from pathlib import Path

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
