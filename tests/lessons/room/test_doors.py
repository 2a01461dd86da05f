"""The join code, the teacher's token, and the limit of wrong ones, by a clock that only counts."""

from __future__ import annotations

import re

import pytest

from lab.lessons.room import doors as module
from lab.lessons.room.doors import CODE_LENGTH, CODE_LETTERS, MOST_WRONG, WINDOW, Attempts, Doors


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_code_has_letters_that_no_reader_confuses_and_is_new_each_time() -> None:
    codes = {Doors(["x"]).code for _ in range(50)}
    assert len(codes) == 50
    assert all(re.fullmatch(rf"[{CODE_LETTERS}]{{{CODE_LENGTH}}}", code) for code in codes)
    assert not set("ILO01") & set(CODE_LETTERS)


def test_the_code_may_be_typed_in_any_case_with_blanks_and_hyphens() -> None:
    doors = Doors(["x"])
    code = doors.code
    for typed in (code, code.lower(), doors.shown_code, f" {code[:3]}-{code[3:]} "):
        assert doors.opens(typed)
    for typed in ("", code[:-1], f"{code}A", "é" * 6, "\ud800", doors.token):
        assert not doors.opens(typed)


def test_only_the_token_is_the_teachers() -> None:
    doors = Doors(["x"])
    assert doors.is_teacher(doors.token)
    assert not any(map(doors.is_teacher, ("", doors.code, doors.token[:-1], "é", Doors(["x"]).token)))


def test_wrong_attempts_of_one_address_are_limited_for_a_minute_and_others_are_not() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(MOST_WRONG):
        assert attempts.may_try("10.0.0.1")
        attempts.note("10.0.0.1")
    assert not attempts.may_try("10.0.0.1")
    assert attempts.may_try("10.0.0.2")
    clock.now += WINDOW - 1
    assert not attempts.may_try("10.0.0.1")
    clock.now += 1
    assert attempts.may_try("10.0.0.1")


def test_the_addresses_that_are_remembered_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ADDRESSES", 3)
    attempts = Attempts(Clock())
    for number in range(9):
        for _ in range(MOST_WRONG):
            attempts.note(f"10.0.0.{number}")
    assert [number for number in range(9) if not attempts.may_try(f"10.0.0.{number}")] == [6, 7, 8]
