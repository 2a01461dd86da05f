"""The order of two instructions of a Dockerfile: `order: {first: "RUN install*", then: "COPY app.py *"}`."""

from __future__ import annotations

from typing import ClassVar

from lab.lessons.conditions.kind import MISSING, Condition, Finding, matching
from lab.lessons.dockerfiles import instructions_of
from lab.lessons.evidence import Evidence
from lab.run.changes.kind import InContext
from lab.yamlfile import Strict


class Order(Condition, Strict):
    """The first instruction that matches `first` stands before the first one that matches `then`; both are globs."""

    UNREADABLE: ClassVar = "unreadable"
    findings: ClassVar = ("reversed", MISSING, UNREADABLE)

    first: str
    then: str
    file: InContext = "Dockerfile"

    @property
    def paths(self) -> tuple[str, ...]:
        """The Dockerfile."""
        return (self.file,)

    def look(self, evidence: Evidence) -> Finding:
        """Read the Dockerfile and compare the places."""
        listed = instructions_of(evidence.folder / self.file)
        if isinstance(listed, str):
            return Finding(False, self.UNREADABLE, listed)
        numbered = [(text, number) for number, text in enumerate(listed)]
        places = [(pattern, matching(numbered, pattern)) for pattern in (self.first, self.then)]
        for pattern, place in places:
            if place is None:
                return Finding(False, MISSING, pattern)
        (_, first), (_, then) = places
        assert first is not None and then is not None
        return Finding(first < then, "in order" if first < then else "reversed")
