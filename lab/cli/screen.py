"""How events look: one live line a box on a terminal, plain lines elsewhere; colour only on a terminal."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

import click

from lab.model import Progress

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

COLOURS = {"hit": "green", "ran": "red", "error": "red", "unknown": "yellow", "busted": "red", "broken": "red"}
QUIET_SECONDS = 2.0  # where there is no terminal, one line a box in this time, but for ends and failures


class Screen:
    """Listens to Progress events and shows them on standard error, so that standard output stays for answers."""

    def __init__(self, verbose: bool = False) -> None:
        self.verbose = verbose
        self._lines: dict[str, tuple[Progress, float]] = {}
        self._said: dict[str, tuple[float, str]] = {}
        self._live: Live | None = None
        self._start = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> Screen:
        if sys.stderr.isatty() and not self.verbose:
            from rich.console import Console  # late: rich costs 60 ms that --help need not pay
            from rich.live import Live

            self._live = Live(get_renderable=self._table, console=Console(stderr=True), refresh_per_second=5)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def tell(self, event: Progress) -> None:
        """Show one event; called from any thread."""
        with self._lock:
            now = time.monotonic()
            began = self._lines[event.who][1] if event.who in self._lines else now
            self._lines[event.who] = (event, began)
            if self._live is None:
                self._print(event, now)

    def _print(self, event: Progress, now: float) -> None:
        when, what = self._said.get(event.who, (-QUIET_SECONDS, ""))
        loud = event.done or event.failed or self.verbose
        if what == event.what or (not loud and now - when < QUIET_SECONDS):
            return
        self._said[event.who] = (now, event.what)
        mark = " failed:" if event.failed else ""
        click.echo(f"{now - self._start:6.1f}s  {event.who}:{mark} {event.what}", err=True)

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
                table.add_row(
                    Text(sign, style), who, Text(event.what.splitlines()[0][:80] if event.what else ""), seconds
                )
        return table


@contextmanager
def screen(verbose: bool) -> Iterator[Screen]:
    """A screen for the time of a verb."""
    with Screen(verbose) as shown:
        yield shown


def paint(text: str, colour: str) -> str:
    """The text in a colour where standard output is a terminal."""
    return click.style(text, fg=colour) if sys.stdout.isatty() else text


def coloured(table: str) -> str:
    """Outcome words of a table in colour, on a terminal only; the width of the table stays."""
    if not sys.stdout.isatty():
        return table
    return re.sub(r"\b(" + "|".join(COLOURS) + r")\b", lambda match: paint(match[1], COLOURS[match[1]]), table)
