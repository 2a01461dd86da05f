"""The table of where the time of each trial went, and the same as JSON: `lab report --timing`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.cli.columns import columns
from lab.cli.options import print_json
from lab.cli.terminal import echo, say


def print_timings(paths: Sequence[Path], *, as_json: bool) -> None:
    """The table of the timings of each run, or all of them as JSON."""
    from lab.report import bundle
    from lab.report.timing import HEADS, row_of, timings, total

    found = {}
    for path in paths:
        evidence = bundle.evidence_at(path)
        found[evidence.run.name] = timings(evidence)
    if as_json:
        runs = [
            {"run": name, "trials": [one.to_json() for one in rows], "total": total(rows).to_json()}
            for name, rows in found.items()
        ]
        print_json({"schema": 1, "runs": runs})
        return
    for name, rows in found.items():
        say(name)
        echo(columns([row_of(one) for one in [*rows, total(rows)]], HEADS))
