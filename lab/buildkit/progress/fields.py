"""The fields of a vertex, as Docker 18.09 and BuildKit up to 0.4 print them.

They come whenever one changes, right-aligned: `#5    completed: 2019-03-22 19:46:01.54 +0000 UTC`,
`#5     duration: 39.481µs`, `#5       cached: true`, `#5        error: "executor failed running ..."`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.model import Outcome

FIELD = re.compile(r" +(digest|name|started|completed|duration|cached|error): ?(.*)")
# How Go prints a duration: `1h2m3.5s`, `14.432052ms`, `66.818µs` (U+00B5), `80ns`.
DURATION = re.compile(r"(\d{1,15}(?:\.\d+)?)(h|ms|m|s|µs|us|ns)")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


@dataclass(slots=True)
class Fields:
    """What the fields of a vertex say; a field holds until it is printed again."""

    completed: bool = False
    cached: bool = False
    error: str = ""
    seconds: float | None = None

    def take(self, name: str, value: str) -> None:
        """Take one field as it was printed."""
        if name in ("started", "completed"):
            self.completed = name == "completed"
        elif name == "duration":
            self.seconds = round(sum(float(count) * SECONDS[unit] for count, unit in DURATION.findall(value)), 3)
        elif name == "cached":
            self.cached = value == "true"
        elif name == "error":
            self.error = value.strip('"')

    def outcome(self) -> Outcome:
        """The outcome that the fields say together."""
        if not self.completed or self.error.endswith("context canceled"):
            return Outcome.UNKNOWN
        if self.error:
            return Outcome.ERROR
        return Outcome.HIT if self.cached else Outcome.RAN
