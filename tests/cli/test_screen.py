"""A run while it goes on: the live table, quiet lines where there is no terminal, JSON lines for tools."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from lab.boxes.transcript import read
from lab.cli.board import Board, clock
from lab.cli.screen import Screen
from lab.model import Begun, Filled, Outcome, Planned, Progress, RunEvent, TrialKey, Verdict
from tests.conftest import ROOT
from tests.reporting import STEPS, WHEN
from tests.run.test_replay import SAMPLE, play

ONE = TrialKey("a", "e", "b", "e", "copy-bust", "none")
OTHER = TrialKey("a", "e1", "b", "e", "copy-bust", "user-xattr")
PLANNED = Planned("r", "copy-bust", "gist", WHEN, STEPS, (ONE, OTHER))
HITS = Filled(ONE, (Outcome.HIT,) * 3, Verdict.AS_EXPECTED, 34, 20.5)
LOST = Filled(OTHER, (), Verdict.BROKEN, None, None)


def drawn(board: Board, most: int = 50) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    console.print(board.table(most))
    file = console.file
    assert isinstance(file, io.StringIO)
    return [re.sub(" {2,}", " | ", line.rstrip()) for line in file.getvalue().splitlines()]


def test_the_table_fills_trial_by_trial() -> None:
    board = Board(PLANNED, 125.0)
    assert drawn(board) == [
        "trial | variation | RUN echo foo | COPY bar bar | RUN echo baz | verdict",
        "a>b:e | none",
        "a:e1>b:e | user-xattr",
    ]
    board.take(Begun(ONE))
    assert drawn(board)[1] == "a>b:e | none | ... | ... | ..."
    board.take(HITS)
    board.take(Begun(OTHER))
    assert drawn(board)[1:] == [
        "a>b:e | none | hit | hit | hit | as expected",
        "a:e1>b:e | user-xattr | ... | ... | ...",
    ]
    board.take(LOST)
    assert drawn(board)[2] == "a:e1>b:e | user-xattr | unknown | unknown | unknown | broken"


def test_elapsed_and_expected_time_stand_above_it() -> None:
    board = Board(PLANNED, 125.0)
    later = WHEN + timedelta(seconds=72)
    assert board.head(later) == "copy-bust  0 of 2 trials  1:12 of about 2:05"
    board.take(HITS)
    assert board.head(later) == "copy-bust  1 of 2 trials  1:12 of about 2:05"
    assert Board(PLANNED, None).head(later) == "copy-bust  0 of 2 trials  1:12"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (125, "2:05"), (3600, "60:00"), (-3, "0:00")]
)
def test_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_long_run_shows_the_trials_around_the_one_at_work() -> None:
    keys = tuple(TrialKey("a", "e", f"b{number:03}", "e", "s", "none") for number in range(500))
    board = Board(Planned("r", "s", "l", WHEN, STEPS, keys), None)
    for key in keys[:250]:
        board.take(Filled(key, (Outcome.HIT,) * 3, Verdict.AS_EXPECTED, 34, 1.0))
    lines = drawn(board, 10)
    assert len(lines) == 12
    assert [re.findall(r"b\d+", line)[0] for line in lines[1:11]] == [f"b{number:03}" for number in range(245, 255)]
    assert lines[11] == "and 490 more"


def test_hostile_names_are_no_markup() -> None:
    key = TrialKey("[red]a[red]", "e", "[link=x]b", "e", "s", "[/]")
    board = Board(Planned("r", "s", "l", WHEN, ("RUN [bold]x[/bold]",), (key,)), None)
    text = "\n".join(drawn(board))
    assert "[red]a[red]>[link=x]b:e" in text and "RUN [bold]x[/bold]" in text


# --- without a terminal


def screened(events: list[RunEvent | Progress], **options: bool) -> Screen:
    with Screen(**options) as screen:
        screen.expect = lambda planned: 125.0
        for event in events:
            if isinstance(event, Progress):
                screen.tell(event)
            else:
                screen.watch(event)
    return screen


def test_quiet_lines_say_each_trial_once(capsys: pytest.CaptureFixture[str]) -> None:
    screened([PLANNED, Begun(ONE), HITS, Progress("b", "e from a, none: all hit"), Begun(OTHER), LOST])
    out, err = capsys.readouterr()
    assert out == ""
    assert [line[9:] for line in err.splitlines()] == [
        "copy-bust: 2 trials; about 2:05 by earlier runs",
        "1 of 2  a>b:e/copy-bust:none: hit hit hit  as expected",
        "2 of 2  a:e1>b:e/copy-bust:user-xattr: no outcome  broken",
    ]


@pytest.mark.parametrize("json_lines", [False, True])
def test_a_follower_gets_every_event(json_lines: bool, capsys: pytest.CaptureFixture[str]) -> None:
    events: list[Progress | RunEvent] = [PLANNED, Begun(ONE), HITS, Progress("b", "e from a, none: all hit")]
    heard: list[Progress | RunEvent] = []
    with Screen(json_lines=json_lines) as screen:
        screen.follower = heard.append
        for event in events:
            screen.tell(event) if isinstance(event, Progress) else screen.watch(event)
    assert heard == events


def test_json_lines_are_for_tools(capsys: pytest.CaptureFixture[str]) -> None:
    screened([Progress("b", "prune"), PLANNED, Begun(ONE), HITS], json_lines=True).emit({"event": "ended", "run": "r"})
    out, err = capsys.readouterr()
    assert err == ""
    found = [json.loads(line) for line in out.splitlines()]
    assert {line.pop("schema") for line in found} == {1}
    assert all(datetime.fromisoformat(line.pop("time")) <= datetime.now(UTC) for line in found)
    key = {
        "name": "a>b:e/copy-bust:none", "producer": "a", "producer_engine": "e", "consumer": "b", "engine": "e",
        "scenario": "copy-bust", "variation": "none", "repeat": 1,
    }  # fmt: skip
    progress, planned, begun, filled, ended = found
    assert progress == {"event": "progress", "who": "b", "what": "prune", "done": False, "failed": False}
    assert (planned["event"], planned["expected_seconds"], planned["steps"]) == ("planned", 125.0, list(STEPS))
    assert planned["trials"][0] == key
    assert begun == {"event": "begun", **key}
    assert filled == {
        "event": "trial", **key, "outcomes": ["hit", "hit", "hit"], "verdict": "as expected", "context_bytes": 34,
        "seconds": 20.5,
    }  # fmt: skip
    assert ended == {"event": "ended", "run": "r"}


# --- on a terminal, and from a real run


TERMINAL = """\
import sys, time
from lab.cli.screen import Screen
from lab.model import Begun, Progress
from tests.cli.test_screen import HITS, ONE, PLANNED
with Screen() as screen:
    screen.expect = lambda planned: 125.0
    for event in (PLANNED, Begun(ONE), HITS):
        screen.watch(event)
    screen.tell(Progress("b", "rebuild"))
    time.sleep(0.6)  # longer than a refresh of the live picture
"""


def test_a_terminal_gets_the_live_table() -> None:
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", TERMINAL], cwd=ROOT, env=env, stderr=slave)
    os.close(slave)
    seen = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end has gone: so Linux says it
            break
        seen += piece
    os.close(master)
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert re.search(r"copy-bust  1 of 2 trials  \d+:\d\d of about 2:05", text)
    assert re.search(r"a>b:e +none +hit +hit +hit +as expected", text)
    assert "rebuild" in text.rpartition("as expected")[2]


def test_a_run_tells_its_plan_and_then_each_trial(tmp_path: Path) -> None:
    seen: list[RunEvent] = []
    play(tmp_path, read(SAMPLE / "transcript.jsonl")[1], watch=seen.append)
    planned, *others = seen
    assert isinstance(planned, Planned)
    a, s = "debian12-apparmor", "debian12-selinux"
    keys = {(key.producer, key.consumer, key.variation) for key in planned.trials}
    assert keys == {
        (a, a, "none"), (s, a, "none"), (a, s, "none"), (s, s, "none"), (a, a, "user-xattr"), (a, s, "user-xattr"),
    }  # fmt: skip
    begun = [event.key for event in others if isinstance(event, Begun)]
    filled = {event.key: event for event in others if isinstance(event, Filled)}
    assert sorted(map(repr, begun)) == sorted(map(repr, planned.trials)) == sorted(map(repr, filled))
    assert {event.context_bytes for event in filled.values()} == {34, 93, 49, 108}
    for key in planned.trials:
        assert others.index(Begun(key)) < others.index(filled[key])
