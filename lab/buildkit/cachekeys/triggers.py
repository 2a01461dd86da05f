"""The triggers that ONBUILD sets for stages and images that begin with this one."""

from __future__ import annotations

import re

from lab.buildkit.cachekeys.dockerfile import Stage, parse
from lab.buildkit.cachekeys.frontend import Frontend
from lab.buildkit.cachekeys.instruction import Instruction


def onbuild_of(stage: Stage) -> tuple[str, ...]:
    """Return the triggers that a stage sets (ONBUILD), as text."""
    found = []
    for item in stage.instructions:
        if item.word == "ONBUILD":
            documents = "".join(f"\n{doc.content}{doc.name}" for doc in item.heredocs)
            found.append(re.sub(r"(?i)^\s*ONBUILD\s*", "", item.original) + documents)
    return tuple(found)


def triggers_of(texts: tuple[str, ...], frontend: Frontend) -> list[Instruction]:
    """Return the instructions that triggers add to a stage; malformed ones are left out."""
    return [item for text in texts for item in parse(f"FROM scratch\n{text}\n", frontend).stages[0].instructions]
