"""The options of `repro` that say how trials are made: what is refused at the start, and the text at the end."""

from __future__ import annotations

import sys

from lab.cli.columns import fill
from lab.errors import UsageError
from lab.results.run import Run
from lab.run.wish import Wish


def check_manner(wish: Wish, *, debug: bool, json_lines: bool) -> None:
    """Raise UsageError for options that cannot be used together, or not without a terminal."""
    if debug and json_lines:
        raise UsageError("cannot use --debug with --json-lines: a shell needs the terminal to itself")
    if debug and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "cannot use --debug: it opens a shell, and standard input and standard error are no terminal",
            hint="--keep leaves the folders of the trials; `python -m lab shell BOX --at TRIAL` opens one later",
        )
    if wish.manner.fresh == "snapshot" and "local" in wish.caches:
        raise UsageError(
            "cannot use --fresh snapshot with --cache local: a box that goes back to its first state loses that cache",
            hint="use --fresh prune",
        )


def kept_text(run: Run) -> str:
    """Where the folders of the trials are, how one is opened, and how they are removed."""
    boxes = ", ".join(dict.fromkeys(box.name for box in run.boxes))
    return "\n".join(
        [
            fill(f"kept on {boxes}: ~/lab-runs/{run.name}"),
            "  python -m lab shell BOX --at TRIAL   opens the folder of a trial",
            "  python -m lab down --leftovers       removes them",
        ]
    )
