"""New machines boot a few at a time: as many as there are processors and free memory for."""

from __future__ import annotations

import threading

import pytest

from lab.errors import Interrupted
from lab.machines.turns import Turns, free_memory
from lab.model import Progress
from lab.workers import each, stopping, wait_for
from tests.conftest import HANGS


def booted(turns: Turns, names: str, megabytes: int = 1024) -> list[int]:
    """Boot the machines of these names side by side; how many booted at once whenever one more began."""
    now: set[str] = set()
    seen: list[int] = []
    guard = threading.Lock()

    def boot(name: str) -> None:
        with turns.turn(name, megabytes):
            with guard:
                now.add(name)
                seen.append(len(now))
            stopping.wait(0.05)
            with guard:
                now.remove(name)

    assert each(list(names), boot)[1] == {}
    return seen


def test_as_many_boot_at_once_as_there_are_processors() -> None:
    heard: list[Progress] = []
    seen = booted(Turns(heard.append, 2, lambda: 100_000), "abcdefgh")
    assert (len(seen), max(seen)) == (8, 2)
    assert {event.what for event in heard} == {"waits for its turn to boot: 2 boxes at once on 2 processors"}
    assert len(heard) == len({event.who for event in heard}) <= 6  # each of those that wait says it once


def test_a_machine_waits_for_memory_and_the_only_one_does_not() -> None:
    heard: list[Progress] = []
    assert booted(Turns(heard.append, 8, lambda: 1500), "abc") == [1, 1, 1]
    assert {event.what for event in heard} == {
        "waits for its turn to boot: it takes 1024 MB of memory, and 476 MB are free"
    }
    assert booted(Turns(heard.append, 8, lambda: 0), "a") == [1]


def test_memory_that_is_freed_lets_the_next_one_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.machines.turns.LOOK_SECONDS", 0.01)  # patched: a wait of a second would only be longer
    free = [1500]
    turns = Turns(lambda event: free.__setitem__(0, 4000), 8, lambda: free[0])
    with turns.turn("a", 1024):
        ended = threading.Event()

        def second() -> None:
            with turns.turn("b", 1024):
                ended.set()

        threading.Thread(target=second, daemon=True).start()
        assert ended.wait(HANGS)


def test_a_boot_that_fails_gives_its_place_to_the_next() -> None:
    turns = Turns(lambda event: None, 1, lambda: 100_000)
    with pytest.raises(ValueError, match="boot"), turns.turn("a", 1):
        raise ValueError("boot")
    with turns.turn("b", 1):
        pass


def test_ctrl_c_ends_the_wait() -> None:
    heard: list[Progress] = []
    turns = Turns(heard.append, 1, lambda: 100_000)
    caught: list[Interrupted] = []

    def second() -> None:
        try:
            with turns.turn("b", 1):
                raise AssertionError("the other one still boots")
        except Interrupted as error:
            caught.append(error)

    try:
        with turns.turn("a", 1):
            waiting = threading.Thread(target=second)
            waiting.start()
            wait_for("b to say that it waits", lambda: bool(heard) or "not yet", timeout=60)
            stopping.set()
            waiting.join()
    finally:
        stopping.clear()
    assert [str(error) for error in caught] == ["stopped while b waited for its turn to boot"]


def test_this_machine_has_memory() -> None:
    assert free_memory() > 0
