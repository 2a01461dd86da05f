"""What lab tried again stands in the reports of a run, once for each connection, pull or download."""

from __future__ import annotations

from pathlib import Path

from lab.notices import Queued, Retried, announce, listening
from lab.report.retries import retry_lines
from lab.report.table import table
from lab.results.facts import RetryFacts
from lab.results.run import load
from lab.run.recorder import Recorder
from tests.conftest import ROOT

RUN = load(ROOT / "tests" / "data" / "runs" / "schema-4")


def test_a_run_without_retries_says_nothing_of_them() -> None:
    assert RUN.retries == ()
    assert retry_lines(RUN) == []


def test_each_thing_that_was_repeated_is_counted_stored_and_shown(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    with listening(recorder.hear):
        announce(Retried("guest", "connect", 1, 3, "no route", 1))
        announce(Retried("guest", "connect", 2, 3, "connection refused", 1))
        announce(Retried("hub", "ask", 1, 3, "status 503", 1))
        announce(Queued("guest", "`lab up`"))
    recorder.close()
    stored = load(tmp_path)
    assert stored.retries == (
        RetryFacts(who="guest", what="connect", times=2, why="connection refused"),
        RetryFacts(who="hub", what="ask", times=1, why="status 503"),
    )
    lines = retry_lines(stored)
    assert lines == [
        "retried: connect (guest), 2 times; the last error: connection refused",
        "retried: ask (hub), 1 time; the last error: status 503",
    ]
    assert all(line in table(stored) for line in lines)
    assert all(line in (tmp_path / "table.txt").read_text(encoding="utf-8") for line in lines)
