from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.machines.pack.gathering import Item, Request
from lab.machines.pack.parts.table import PARTS, gather
from tests.machines.pack.requests import request


def test_parts_are_gathered_but_those_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def note(name: str, asked: Request) -> list[Item]:
        called.append(name)
        return []

    for name in PARTS:
        monkeypatch.setitem(PARTS, name, partial(note, name))
    assert gather(request(tmp_path), ["wheels", "docs"]) == []
    assert called == ["boxes", "engines", "base", "debian", "lessons"]


def test_an_unknown_part_is_refused_before_anything_is_gathered(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'cannot leave out "wheel": .*\(did you mean "wheels"\?\)'):
        gather(request(tmp_path), ["wheel"])


def test_an_unknown_lesson_is_refused_before_anything_is_gathered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(asked: Request) -> list[Item]:
        raise AssertionError

    for name in PARTS:
        monkeypatch.setitem(PARTS, name, fail)
    with pytest.raises(UsageError, match='cannot find the lesson "77"'):
        gather(request(tmp_path, lessons=["77"]))
