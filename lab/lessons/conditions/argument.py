"""A build argument of the student's Dockerfile: `argument: {name: VERSION, used: true}`."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import Field

from lab.lessons.conditions.kind import Condition, Finding
from lab.lessons.dockerfiles import parsed
from lab.lessons.evidence import Evidence
from lab.run.changes.kind import InContext
from lab.yamlfile import Strict


class Argument(Condition, Strict):
    """An ARG of this name stands in the Dockerfile, and an instruction after it in its stage names the variable.

    With `used: false`, no ARG has the name. Which steps the value reaches, a `step` of two builds with other
    `arguments` proves.
    """

    findings: ClassVar = ("not-declared", "not-used", "declared", "unreadable")

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    used: bool = True
    file: InContext = "Dockerfile"

    @property
    def paths(self) -> tuple[str, ...]:
        """The Dockerfile."""
        return (self.file,)

    def look(self, evidence: Evidence) -> Finding:
        """Read the Dockerfile."""
        dockerfile = parsed(evidence.folder / self.file)
        if isinstance(dockerfile, str):
            return Finding(False, "unreadable", dockerfile)
        declares = re.compile(rf"\b{self.name}\b(?!\$)")
        uses = re.compile(rf"\$(?:{self.name}\b|\{{{self.name}\b)")
        declared = used = False
        for stage in dockerfile.stages:
            inside = False
            for item in stage.instructions:
                used = used or (inside and uses.search(item.text) is not None)
                inside = inside or (item.word == "ARG" and declares.search(item.text) is not None)
            declared = declared or inside
        if not self.used:
            return Finding(not declared, "declared" if declared else "not-declared", self.name)
        return Finding(used, "used" if used else "not-used" if declared else "not-declared", self.name)
