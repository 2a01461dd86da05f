"""GitLab's runner: times with the number and name of the stream, lines in parts, and marks of sections."""

from __future__ import annotations

import re

STAMP = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
# Time, stream, and `+` where the line goes on with the one before.
PART = re.compile(rf"{STAMP} [0-9a-f]{{2}}[OE](?P<joint>[ +])")
SECTION = re.compile(r"(?:(?:\x1b\[0K){0,8}section_(?:start|end):\d{1,12}:[\w.-]{1,200}(?:\[[^\]\s]*\])?\r?\x1b\[0K)+")
NAME = "GitLab's runner"


class Runner:
    """Takes the runner's own text off lines, and puts lines together that it has cut into parts."""

    def __init__(self) -> None:
        self._held: str | None = None
        self.seen = False
        """Whether such a line was met at all."""

    @property
    def holds_text(self) -> bool:
        """Whether a line is held back because its rest may come."""
        return self._held is not None

    def lines(self, line: str) -> list[str]:
        """The lines that are whole with this one."""
        if "section_" in line:
            line = SECTION.sub("", line)
        part = PART.match(line)
        if part is None:
            return [line] if self._held is None else [*self.flush(), line]
        self.seen = True
        rest = line[part.end() :]
        if part["joint"] == "+" and self._held is not None:
            self._held += rest
            return []
        whole, self._held = self.flush(), rest
        return whole

    def flush(self) -> list[str]:
        """The line that was held back because its rest might have come."""
        held, self._held = self._held, None
        return [] if held is None else [held]
