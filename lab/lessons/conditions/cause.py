"""The field that makes the files of two builds differ: `cause: {between: [a, b], path: run.sh, field: mode}`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from lab.errors import ContextError, ReadError
from lab.lessons.conditions.kind import Condition, Finding
from lab.lessons.evidence import FOLDER, START, Evidence
from lab.run.changes.kind import InContext
from lab.yamlfile import Strict


class Cause(Condition, Strict):
    """Of the files that the two builds send, this field of this path differs, as `lab diff` and `lab why` name it.

    `between` names two builds of the check; `start` is the lesson's own start folder, and `folder` is the student's.
    `field` is the beginning of the field's name, such as mode, content, security.selinux or presence. With `only`,
    nothing else may differ; without `path`, that nothing differs at all is what is asked.
    """

    findings: ClassVar = ("same", "other", "more", "differs", "unreadable")

    between: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]
    path: InContext | None = None
    field: str = ""
    only: bool = False

    @property
    def builds(self) -> tuple[str, ...]:
        """The builds whose files are compared."""
        return tuple(name for name in self.between if name not in (START, FOLDER))

    def look(self, evidence: Evidence) -> Finding:
        """Compare every field that the engine's BuildKit hashes."""
        from lab.buildkit.contenthash.compare import compare  # late: few exercises need it
        from lab.buildkit.context import read_context

        try:
            first, second = (read_context(evidence.side(name)) for name in self.between)
        except (ContextError, ReadError) as error:
            return Finding(False, "unreadable", error.message)
        found = [(item.path, item.field) for item in compare(first, second, evidence.rules, every=False)]
        seen = "; ".join(f"{field} of {path}" for path, field in found[:3])
        if self.path is None:
            return Finding(not found, "differs" if found else "same", seen)
        wanted = [(path, field) for path, field in found if path == self.path and field.startswith(self.field)]
        if not found:
            return Finding(False, "same", self.path)
        if not wanted:
            return Finding(False, "other", seen)
        others = [item for item in found if item not in wanted]
        return Finding(False, "more", seen) if others and self.only else Finding(True, "as it should be", seen)
