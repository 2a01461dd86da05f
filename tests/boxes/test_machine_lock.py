"""A base image stays in libvirt's pool while some lab makes a machine of one."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from lab.boxes import machine_lock
from lab.boxes.machine_lock import machines_begin, no_machine_begins, upload_turn


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


def test_one_machine_at_a_time_uploads_an_image(tmp_path: Path) -> None:
    seen: list[str] = []

    def upload(name: str, *, hold: threading.Event, began: threading.Event) -> None:
        with upload_turn("lab/debian12", tmp_path):
            seen.append(f"{name} begins")
            began.set()
            hold.wait(10)
            seen.append(f"{name} ends")

    release, first, second = threading.Event(), threading.Event(), threading.Event()
    one = threading.Thread(target=upload, args=("one",), kwargs={"hold": release, "began": first})
    two = threading.Thread(target=upload, args=("two",), kwargs={"hold": release, "began": second})
    one.start()
    assert first.wait(10)
    two.start()
    assert not second.wait(0.5)
    with upload_turn("lab/debian13", tmp_path):  # another image has its own turn
        release.set()
    for thread in (one, two):
        thread.join(10)
    assert seen == ["one begins", "one ends", "two begins", "two ends"]


def test_an_upload_that_never_ends_is_not_awaited_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_lock, "UPLOADS", 0.5)
    with upload_turn("a", tmp_path), upload_turn("a", tmp_path):
        pass


def test_the_name_of_an_image_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    folder.mkdir()
    with upload_turn("../../x y" * 50, folder):
        (path,) = folder.iterdir()
    assert path.name.startswith("lab-upload-..-..-x-y") and len(path.name) < 130
    assert [item.name for item in tmp_path.iterdir()] == ["locks"]
