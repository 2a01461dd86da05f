"""Notices while something takes long."""

from __future__ import annotations

import threading

import pytest

from lab.cli.waiting import Notices, waiting_for


def test_a_notice_is_printed_once_if_the_body_takes_long(capsys: pytest.CaptureFixture[str]) -> None:
    said = threading.Event()

    def seen() -> bool:
        if "still reading the cache" in capsys.readouterr().err:
            said.set()
        return said.is_set()

    with waiting_for("reading the cache", patience=0):
        while not seen():  # the timer runs in a thread of its own
            threading.Event().wait(0.01)
    assert said.is_set()


def test_a_short_body_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting_for("reading the cache", patience=60):
        pass
    assert capsys.readouterr().err == ""


def test_without_a_terminal_a_search_prints_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    notices = Notices(lambda: now[0])
    for second in range(16):
        now[0] = 100.0 + second
        notices.show(f"tried {second}")
    notices.end()
    assert capsys.readouterr().err.splitlines() == ["lab: tried 2", "lab: tried 12"]
