"""What lab had to try again in a run, in words: a run that needed it had a network or a machine with difficulties."""

from __future__ import annotations

from lab.counting import counted
from lab.results.run import Run


def retry_lines(run: Run) -> list[str]:
    """One line for each connection, pull or download that was repeated."""
    return [
        f"retried: {item.what} ({item.who}), {counted(item.times, 'time')}; the last error: {item.why}"
        for item in run.retries
    ]
