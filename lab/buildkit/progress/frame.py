"""What others put before every line of a build's output, taken off again: CI systems, compose, `docker logs -t`.

A line may begin like that because a RUN printed it. So a frame is believed only where a build opens behind it, and
only that very kind is taken off the lines that follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable

STAMP = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
COLOUR = r"(?:\x1b\[[\d;]*m)*"
SECTION = r"(?:(?:\x1b\[0K)*section_(?:start|end):\d{1,12}:[\w.-]+(?:\[[^\]\s]*\])?\r?\x1b\[0K)"
# GitLab's runner: time, number and name of the stream, and `+` where the line goes on with the one before
RUNNER = re.compile(rf"{STAMP} [0-9a-f]{{2}}[OE](?P<joint>[ +]){SECTION}*")
# GitHub Actions and Azure Pipelines as downloaded, `docker logs -t`; `gh run view --log` puts job and step first
STAMPED = re.compile(rf"(?:[^\t]+\t[^\t]+\t)?\ufeff?{STAMP}(?: |$)")
JENKINS = re.compile(rf"\[{STAMP}\](?: |$)")
CLOCK = re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,6})?(?: {1,2}|$)")  # Jenkins' timestamper
SECTIONS = re.compile(rf"{SECTION}+")
COMPOSE = re.compile(rf"{COLOUR}[\w.-]{{1,200}} {{0,200}}\|{COLOUR} ?")
KINDS = (RUNNER, STAMPED, JENKINS, CLOCK, SECTIONS, COMPOSE)


class Frame:
    """Takes the frame off lines; `opens` says whether a build may begin with a text."""

    def __init__(self, opens: Callable[[str], bool]) -> None:
        self._opens = opens
        self._kind: re.Pattern[str] | None = None
        self._held: str | None = None

    def lines(self, line: str, *, search: bool = True) -> list[str]:
        """The lines that are whole with this one, without their frames; another frame is looked for if `search`."""
        found = self._kind.match(line) if self._kind else None
        if found is None and search:
            if self._kind and self._opens(line):
                self._kind = None
            found = self._find(line)
        if found is None:
            return [*self.flush(), line]
        rest = line[found.end() :]
        if found.re is not RUNNER:
            return [rest]
        if found["joint"] == "+" and self._held is not None:
            self._held += rest
            return []
        whole, self._held = self.flush(), rest
        return whole

    def flush(self) -> list[str]:
        """The line that was held back because its rest might have come."""
        held, self._held = self._held, None
        return [] if held is None else [held]

    def _find(self, line: str) -> re.Match[str] | None:
        for kind in KINDS:
            found = kind.match(line)
            if found and self._opens(line[found.end() :]):
                # compose pads a service's name: the next line of this one begins with the same letters
                self._kind = re.compile(re.escape(found[0].rstrip()) + "(?: |$)") if kind is COMPOSE else kind
                return found
        return None
