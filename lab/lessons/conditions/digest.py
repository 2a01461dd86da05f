"""Digests of a COPY in two builds: `digest: {between: [start, folder], sources: [app.txt], same: true}`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from lab.errors import ContextError, ReadError
from lab.lessons.conditions.kind import Condition, Finding
from lab.lessons.evidence import FOLDER, START, Evidence
from lab.run.changes.kind import InContext
from lab.yamlfile import Strict


class Digest(Condition, Strict):
    """The engine's BuildKit computes the same digest for a COPY of these sources on both sides, or with `same: false`
    another one.

    `between` names two builds of the check; `start` is the lesson's own start folder, and `folder` is the student's.
    """

    findings: ClassVar = ("same", "differs", "none")

    between: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]
    sources: Annotated[tuple[InContext, ...], Field(min_length=1)]
    same: bool = True

    @property
    def builds(self) -> tuple[str, ...]:
        """The builds whose files are compared."""
        return tuple(name for name in self.between if name not in (START, FOLDER))

    @property
    def paths(self) -> tuple[str, ...]:
        """The sources."""
        return self.sources

    def look(self, evidence: Evidence) -> Finding:
        """Compute both digests."""
        try:
            first, second = (self._digest(evidence, name) for name in self.between)
        except (ContextError, ReadError) as error:
            return Finding(False, "none", error.message)
        equal = first == second
        return Finding(equal == self.same, "same" if equal else "differs", f"{first[:19]} and {second[:19]}")

    def _digest(self, evidence: Evidence, name: str) -> str:
        from lab.buildkit.contenthash.query import Query, content_part  # late: few exercises need it
        from lab.buildkit.contenthash.tree import Tree
        from lab.buildkit.context import read_context

        rules = evidence.rules[0]
        part = content_part(
            Tree.read(read_context(evidence.side(name)), rules), [Query(path) for path in self.sources], rules
        )
        if part is None:
            raise ContextError("the sources have no digest")
        return part.text
