"""Locks between real processes: waiting, for whom, and an end that a SIGKILL cannot prevent."""

from __future__ import annotations

import json
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lab import files
from lab.errors import BusyError
from lab.files import Holder, hold, holder_of
from lab.notices import Notice, Queued, listening
from lab.workers import wait_for
from tests.boxes.test_notes import other_lab


@contextmanager
def waiting(state: Path, name: str, *, wait: bool | None = True) -> Iterator[tuple[threading.Event, list[Notice]]]:
    """A thread that waits for a name: whether it has it, and the notices of the wait."""
    has, heard = threading.Event(), list[Notice]()

    def take() -> None:
        with hold(state, [name], "down", wait=wait):
            has.set()

    with listening(heard.append):
        thread = threading.Thread(target=take)
        thread.start()
        yield has, heard
        thread.join()


def first(heard: list[Notice]) -> Queued:
    found = wait_for("a notice", lambda: (heard[0],) if heard else "none", timeout=120, every=0.01)[0]
    assert isinstance(found, Queued)
    return found


def test_who_waits_is_told_for_whom_and_goes_on_once_the_name_is_free(tmp_path: Path) -> None:
    with other_lab(tmp_path, "one two") as holder, waiting(tmp_path, "two") as (has, heard):
        notice = first(heard)
        assert notice.who == "two"
        assert notice.holder.startswith(f"`lab repro` (process {holder.pid}, since ")
        assert not has.is_set()
        assert holder.stdin
        holder.stdin.close()
        assert has.wait(120)
    assert len(heard) == 1


def test_a_killed_holder_ends_the_wait(tmp_path: Path) -> None:
    with other_lab(tmp_path, "one") as holder, waiting(tmp_path, "one") as (has, heard):
        first(heard)
        holder.send_signal(signal.SIGKILL)
        assert has.wait(120)


def test_the_option_for_the_whole_program_decides_where_no_caller_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "patient", threading.Event())
    with other_lab(tmp_path, "one") as holder:
        with pytest.raises(BusyError), hold(tmp_path, ["one"], "up"):
            pass
        files.patient.set()
        with pytest.raises(BusyError), hold(tmp_path, ["one"], "up", wait=False):
            pass
        with waiting(tmp_path, "one", wait=None) as (has, heard):
            first(heard)
            assert holder.stdin
            holder.stdin.close()
            assert has.wait(120)


def test_labs_on_different_boxes_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with other_lab(tmp_path, "one"), other_lab(tmp_path, "two"), hold(tmp_path, ["three"], "up"):
        assert sorted(path.name for path in (tmp_path / "locks").iterdir()) == ["one", "three", "two"]


def test_a_lock_file_names_its_holder(tmp_path: Path) -> None:
    state = tmp_path / ".lab"
    with other_lab(state, "one") as process:
        found = holder_of(state / "locks" / "one")
        assert found is not None
        assert (found.verb, found.pid, found.place, found.version) == ("repro", process.pid, str(tmp_path), 1)
        assert timedelta() <= datetime.now().astimezone() - datetime.fromisoformat(found.started)
    assert holder_of(state / "locks" / "one") is None  # it has ended


def test_a_name_is_held_also_where_the_disk_is_full(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # a write to a file fails, as on a full disk
    refused = pytest.raises(BusyError, match="cannot use one: another lab holds it")
    try:
        with hold(tmp_path, ["one"], "down"), refused, hold(tmp_path, ["one"], "up"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


HERE = Holder("up", 1, "2026-01-02T03:04:05+00:00", "/here")


def test_the_words_for_a_holder_have_a_date_and_a_place_where_they_matter() -> None:
    now = datetime.now().astimezone()
    today = Holder("up", 7, now.isoformat(), "/here")
    assert today.seen_from(HERE) == f"`lab up` (process 7, since {now:%H:%M})"
    day = datetime.fromisoformat("2026-01-02T03:04:05+00:00").astimezone()
    assert HERE.seen_from(today) == f"`lab up` (process 1, since {day:%Y-%m-%d %H:%M})"
    assert Holder("up", 7, now.isoformat(), "/there").seen_from(HERE).endswith(", in /there)")


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "{}", json.dumps({"pid": "x", "verb": "up", "started": "now", "place": "/"})),
        json.dumps({"pid": 1, "verb": "up", "started": "0001-01-01T00:00:00+23:00", "place": "/"}),  # no local time
    ],
)
def test_a_lock_file_that_nobody_can_read_has_no_holder(tmp_path: Path, content: str) -> None:
    (tmp_path / "lock").write_text(content, encoding="utf-8")
    assert holder_of(tmp_path / "lock") is None


def test_the_lock_file_of_another_version_of_lab_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "one").write_text('{"pid": 1, "verb": "up"}', encoding="utf-8")
    with hold(tmp_path, ["one"], "up"):
        found = holder_of(tmp_path / "locks" / "one")
    assert found is not None
    assert found.verb == "up"
