"""An engine that still answers is used as it was proven."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from socket import AF_UNIX, socket

import pytest

from lab.boxes.beside import Identity, mine
from lab.engines.attached import NAME, attach, load_engine, store_engine
from lab.engines.engine import Engine
from lab.engines.holding import HomeNote, read_note, write_note
from lab.engines.home import Home
from lab.errors import BusyError

ANSWER = Engine(
    "26.1.5", ("docker", "-H", "unix:///x"), "26.1.5", "26.1.5", "abc", PurePosixPath("/plugins"), {"dockerd": "0"},
    "0.13", "R7", ("tail", "log"), ("restart",),
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path, "26.1.5")
    made.folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    # a path of a socket has 108 bytes at most
    monkeypatch.setattr(type(made.daemon), "socket", "unix://door.sock")
    return made


@pytest.fixture
def door(home: Home) -> Iterator[socket]:
    with socket(AF_UNIX) as listening:
        listening.bind("door.sock")
        listening.listen()
        yield listening


def test_what_is_known_of_an_engine_is_read_as_it_was_stored(tmp_path: Path) -> None:
    store_engine(tmp_path, ANSWER)
    assert load_engine(tmp_path) == ANSWER
    (tmp_path / NAME).write_text("{}", encoding="utf-8")
    with pytest.raises(KeyError):
        load_engine(tmp_path)
    (tmp_path / NAME).write_text('{"version": 2, "engine": {}}', encoding="utf-8")
    with pytest.raises(ValueError, match="its version is 2"):
        load_engine(tmp_path)


def test_an_engine_that_answers_is_used_by_this_process_and_stays(home: Home, door: socket, tmp_path: Path) -> None:
    write_note(home.name, tmp_path, HomeNote())
    store_engine(home.folder, ANSWER)
    assert attach(home, tmp_path) == ANSWER
    assert read_note(home.name, tmp_path) == HomeNote(user=mine())


def test_an_engine_that_died_or_was_never_proven_is_not_used(home: Home, tmp_path: Path) -> None:
    store_engine(home.folder, ANSWER)
    assert attach(home, tmp_path) is None
    with socket(AF_UNIX) as listening:
        listening.bind("door.sock")
        listening.listen()
        (home.folder / NAME).write_text("[]", encoding="utf-8")
        assert attach(home, tmp_path) is None
    assert read_note(home.name, tmp_path) == HomeNote()


def test_an_engine_that_another_process_uses_is_left_to_it(home: Home, door: socket, tmp_path: Path) -> None:
    other = Identity.of(1)
    write_note(home.name, tmp_path, HomeNote(user=other))
    store_engine(home.folder, ANSWER)
    with pytest.raises(BusyError, match="process 1"):
        attach(home, tmp_path)
