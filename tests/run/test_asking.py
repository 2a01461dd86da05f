"""Engines are asked what they are beside the body of a context, each daemon once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Engine
from lab.errors import BoxError, CommandError
from lab.machines.catalog import Catalog
from lab.machines.ready import Ready
from lab.run.asking import Answers, asking
from tests.conftest import ROOT

SPEC = Catalog(ROOT / "boxes").box("local")
INFO = " Operating System: Debian\n Kernel Version: 6.1\n Storage Driver: overlay2\n"


class Heard:
    """A transcript in memory: box, phase and first words of each command."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    def record(self, box: str, about: str, result: Result) -> None:
        self.lines.append((box, about, " ".join(result.command.argv)))


class Daemon(ReplayBox):
    """A box whose Docker answers once `free` is set; `status` is how its commands end, and `close` ends a wait."""

    def __init__(self, name: str, status: int = 0) -> None:
        super().__init__(name, [])
        self.status = status
        self.free = threading.Event()
        self.closed = False

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        assert self.free.wait(20)
        if self.closed:
            raise BoxError("the connection was closed")
        text = INFO if command.argv[-1] == "info" else ""
        return Result(command, self.status, text.encode(), b"", datetime.now(UTC), 0.1)

    def close(self) -> None:
        self.closed = True
        self.free.set()


def engine(name: str, builder: str = "docker", client: str = "docker") -> Engine:
    return Engine(name, (client,), "28.5.2", "28.5.2", "c", builder=builder)


def item(box: Daemon, *engines: Engine) -> Ready:
    return Ready(box, SPEC, engines)


def test_they_answer_beside_the_body_and_each_daemon_once() -> None:
    east, west, heard = Daemon("east"), Daemon("west"), Heard()
    first, other = engine("28.5.2"), engine("28.5.2+classic", "classic")
    boxes = [item(east, first, other), item(west, first)]
    with asking(boxes, heard) as answers:
        assert heard.lines == []  # nobody has answered, and the body goes on
        east.free.set()
        west.free.set()
        found = answers.of(RecordingBox(east, heard), boxes[0], first)
        again = answers.of(RecordingBox(east, heard), boxes[0], other)
        answers.of(RecordingBox(west, heard), boxes[1], first)
    assert (found.name, found.engine, found.kernel) == ("east", "28.5.2", "6.1")
    assert (again.engine, again.builder, again.kernel) == ("28.5.2+classic", "classic", "6.1")
    asked = [(box, about) for box, about, words in heard.lines if words == "docker info"]
    assert sorted(asked) == [("east", "east:28.5.2/facts"), ("west", "west:28.5.2/facts")]


def test_a_daemon_that_is_started_later_is_asked_then() -> None:
    box, heard = Daemon("east"), Heard()
    box.free.set()
    later = engine("20.10.24", client="other")
    with asking([item(box, engine("28.5.2"))], heard) as answers:
        assert answers.of(RecordingBox(box, heard), item(box), later).engine == "20.10.24"
    assert [words for _, _, words in heard.lines].count("other info") == 1
    assert Answers().of(RecordingBox(box, heard), item(box), later).engine == "20.10.24"  # nobody had asked at all


def test_a_daemon_that_does_not_answer_is_an_error_where_its_facts_are_needed() -> None:
    box, first = Daemon("east", status=1), engine("28.5.2")
    box.free.set()
    with asking([item(box, first)], Heard()) as answers, pytest.raises(CommandError, match="ask Docker for its"):
        answers.of(RecordingBox(box, Heard()), item(box), first)


def test_an_error_in_the_body_ends_the_questions() -> None:
    box = Daemon("east")
    with pytest.raises(KeyboardInterrupt), asking([item(box, engine("28.5.2"))], Heard()):
        raise KeyboardInterrupt
    assert box.closed
