"""An engine is asked once in the life of its daemon; what it said is recorded in each run."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import ReplayBox
from lab.engines.asked_once import FOLDER, AskedOnce, forget
from lab.engines.daemon import SINCE, read_since
from lab.engines.engine import Engine

THEN = datetime(2026, 1, 2, tzinfo=UTC)
ENGINE = Engine("28.5.2", ("docker",), "28.5.2", "28.5.2", "c", since="boot 1 2026-01-01")
QUESTION = ["docker", "info"]


class Daemon(ReplayBox):
    """A box whose Docker answers with the number of the question."""

    def __init__(self, status: int = 0) -> None:
        super().__init__("east", [])
        self.asked = 0
        self.status = status

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.asked += 1
        return Result(command, self.status, f"answer {self.asked} of secret".encode(), b"", THEN, 0.5)


class Heard:
    """A transcript in memory."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def record(self, box: str, about: str, result: Result) -> None:
        self.results.append(result)


def ask(box: Daemon, engine: Engine, state: Path | None, heard: Heard | None = None) -> str:
    """Ask the engine as a run does, in a process of its own; returns its answer."""
    recording = RecordingBox(box, heard or Heard())
    recording.hide(b"secret", b"[hidden]")
    once = AskedOnce(recording, engine, state)
    said = once.run(QUESTION).text
    once.keep()
    return said


def test_the_second_run_has_the_answer_of_the_first_one_with_its_time(tmp_path: Path) -> None:
    box, heard = Daemon(), Heard()
    assert ask(box, ENGINE, tmp_path) == "answer 1 of [hidden]"
    assert ask(box, ENGINE, tmp_path, heard) == "answer 1 of [hidden]"
    assert box.asked == 1
    (again,) = heard.results
    assert (again.command.argv, again.started, again.seconds) == (tuple(QUESTION), THEN, 0.5)
    assert again.stdout == b"answer 1 of [hidden]"


@pytest.mark.parametrize(
    "other",
    [
        replace(ENGINE, since="boot 1 2026-01-02"),
        replace(ENGINE, client="29"),
        replace(ENGINE, server="29"),
        replace(ENGINE, commit="d"),
    ],
)
def test_another_start_or_another_version_is_asked(tmp_path: Path, other: Engine) -> None:
    box = Daemon()
    ask(box, ENGINE, tmp_path)
    assert ask(box, other, tmp_path) == "answer 2 of [hidden]"
    assert ask(box, other, tmp_path) == "answer 2 of [hidden]"


def test_without_the_daemons_life_or_a_state_every_run_asks(tmp_path: Path) -> None:
    box = Daemon()
    for engine, state in ((replace(ENGINE, since=""), tmp_path), (ENGINE, None)):
        assert ask(box, engine, state) != ask(box, engine, state)
    assert list(tmp_path.iterdir()) == []


def test_an_error_is_not_kept(tmp_path: Path) -> None:
    ask(Daemon(status=1), ENGINE, tmp_path)
    assert ask(Daemon(), ENGINE, tmp_path) == "answer 1 of [hidden]"


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]\n", b'{"schema": 1, "run": "x"}\n{"box": 1}\n', b"\xff\x00"])
def test_a_damaged_file_is_asked_again_and_replaced(tmp_path: Path, content: bytes) -> None:
    box = Daemon()
    ask(box, ENGINE, tmp_path)
    (path,) = (tmp_path / FOLDER / "east").iterdir()
    life = path.read_bytes().partition(b"\n")[0]
    for damaged in (content, life + b"\n" + content):
        path.write_bytes(damaged)
        before = box.asked
        ask(box, ENGINE, tmp_path)
        ask(box, ENGINE, tmp_path)
        assert box.asked == before + 1


def test_what_a_removed_box_said_is_forgotten(tmp_path: Path) -> None:
    box = Daemon()
    ask(box, ENGINE, tmp_path)
    (tmp_path / FOLDER / "other").mkdir()
    forget(["west", "east"], tmp_path)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["other"]
    forget(["other"], tmp_path)
    assert list(tmp_path.iterdir()) == []
    forget(["other"], tmp_path)
    assert ask(box, ENGINE, tmp_path) == "answer 2 of [hidden]"


def test_the_start_of_a_daemon_is_told_by_its_file(tmp_path: Path) -> None:
    """The script of the real box, on a file of this machine."""
    pid = tmp_path / "docker.pid"

    def look() -> str:
        done = subprocess.run(["sh", "-c", f"pid=$1\n{SINCE}", "sh", str(pid)], capture_output=True, check=True)
        return read_since(done.stdout.decode())

    assert look() == ""
    pid.write_text("7")
    first = look()
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() in first
    assert look() == first
    pid.unlink()
    pid.write_text("7")
    assert look() not in ("", first)
