"""How events look: a live table and a line for each box on a terminal, plain lines elsewhere, JSON lines for tools."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from lab.cli.board import Board, Expect, as_json
from lab.cli.terminal import OUTCOME_COLOURS, coloured_stream, echo, harmless, paint, rewritable
from lab.cli.waiting import screens
from lab.model import Filled, Planned, Progress, RunEvent
from lab.notices import Notice, listening

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live
    from rich.table import Table

Follower = Callable[[Progress | RunEvent], None]
QUIET_SECONDS = 2.0  # without a terminal, each box gets one line in this time; ends and failures always get one


class Screen:
    """Listens to events and shows them on standard error, so that standard output holds answers only.

    With `json_lines` every event is one JSON object on a line of standard output instead, for tools that follow.
    A `follower` gets each event, too, from any thread; it must return at once.
    """

    def __init__(self, verbose: bool = False, *, json_lines: bool = False) -> None:
        self.verbose = verbose
        self.json_lines = json_lines
        self.expect: Expect = lambda planned: None
        self.follower: Follower | None = None
        self._board: Board | None = None
        self._lines: dict[str, tuple[Progress, float]] = {}
        self._said: dict[str, tuple[float, str]] = {}
        self._live: Live | None = None
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._ears = ExitStack()
        self._paused = False

    def __enter__(self) -> Screen:
        self._ears.enter_context(listening(self.hear))
        screens.add(self)
        if rewritable(sys.stderr) and not self.verbose and not self.json_lines:
            from rich.console import Console  # late: rich costs 60 ms that --help need not pay
            from rich.live import Live

            console = Console(stderr=True, no_color=not coloured_stream(sys.stderr))
            self._live = Live(get_renderable=self._picture, console=console, refresh_per_second=5)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        screens.discard(self)
        self._ears.close()
        if self._live:
            with self._lock:
                self._board = None  # the verb itself prints the whole table
            self._live.stop()
            self._live = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Show nothing for the time of the context, in which somebody else has the terminal."""
        with self._lock:
            self._paused = True
            live, self._live = self._live, None
        if live:
            live.stop()
        try:
            yield
        finally:
            if live:
                live.start()
            with self._lock:
                self._paused, self._live = False, live

    def hear(self, notice: Notice) -> None:
        """Show a notice of waiting; called from any thread."""
        self.tell(Progress(notice.who, notice.text), loud=True)

    def tell(self, event: Progress, *, loud: bool = False) -> None:
        """Show one event; called from any thread. A `loud` one gets a line of its own also where lines are rare."""
        if self.follower:
            self.follower(event)
        with self._lock:
            now = time.monotonic()
            began = self._lines[event.who][1] if event.who in self._lines else now
            self._lines[event.who] = (event, began)
            if self.json_lines:
                self.emit({"event": "progress", **asdict(event)})
            elif self._live is None and not self._paused:
                self._print(event, now, loud=loud)

    def watch(self, event: RunEvent) -> None:
        """Follow a run trial by trial; called from any thread."""
        if self.follower:
            self.follower(event)
        with self._lock:
            if isinstance(event, Planned):
                earlier, self._board = self._board, Board(event, self.expect(event))
                if earlier and earlier.planned.run == event.run:
                    self._board.adopt(earlier)
            if self._board is None:
                return
            self._board.take(event)
            if self.json_lines:
                self.emit(as_json(event, self._board.expected))
            elif self._live is None and not self._paused and (line := self._board.line(event)):
                now = time.monotonic()
                echo(f"{now - self._start:6.1f}s  {line}", err=True)
                if isinstance(event, Filled):  # the box says the same of itself next
                    self._said[event.key.consumer] = (now, "")

    def emit(self, value: dict[str, Any]) -> None:
        """Print one JSON object on a line of standard output, with its time and the number of its schema."""
        click.echo(json.dumps({"schema": 1, "time": datetime.now(UTC).isoformat(), **value}))
        sys.stdout.flush()

    def _print(self, event: Progress, now: float, *, loud: bool) -> None:
        when, what = self._said.get(event.who, (-QUIET_SECONDS, ""))
        loud = loud or event.done or event.failed or self.verbose
        if what == event.what or (not loud and now - when < QUIET_SECONDS):
            return
        self._said[event.who] = (now, event.what)
        mark = " failed:" if event.failed else ""
        echo(f"{now - self._start:6.1f}s  {event.who}:{mark} {event.what}", err=True)

    def _picture(self) -> Table | Group:
        """The table of the current run, if there is one, above one line for each box."""
        lines = self._table()
        with self._lock:
            if self._board is None or self._live is None:
                return lines
            from rich.console import Group
            from rich.text import Text

            rows = max(3, self._live.console.size.height - len(self._lines) - 6)
            head = Text(harmless(self._board.head(datetime.now(UTC))), "bold")
            return Group(head, self._board.table(rows), Text(""), lines)

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        now = time.monotonic()
        with self._lock:
            for who, (event, began) in self._lines.items():
                sign = "x" if event.failed else "+" if event.done else "."
                style = "red" if event.failed else "green" if event.done else "cyan"
                seconds = "" if event.done else f"{now - began:.0f}s"
                what = event.what.splitlines()[0][:80] if event.what else ""
                table.add_row(Text(sign, style), Text(harmless(who)), Text(harmless(what)), seconds)
        return table


@contextmanager
def screen(verbose: bool, *, json_lines: bool = False) -> Iterator[Screen]:
    """A screen that lasts as long as the context."""
    with Screen(verbose, json_lines=json_lines) as shown:
        yield shown


def coloured(table: str) -> str:
    """Outcome words of a table in colour, if standard output is coloured; the width of the table stays."""
    if not coloured_stream(sys.stdout):
        return table
    return re.sub(
        r"\b(" + "|".join(OUTCOME_COLOURS) + r")\b", lambda match: paint(match[1], OUTCOME_COLOURS[match[1]]), table
    )
