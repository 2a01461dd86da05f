"""Remedies on the machine that differs: the commands that `lab why` proposes for files, run on the box."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.explain.remedies.offer import remedies
from lab.explain.remedies.remedy import Place, Remedy
from lab.run.vary.axis import changes
from lab.run.vary.between.searching import EVERY, REST
from lab.run.vary.remedies.candidate import Candidate, Ground

PROGRAMS = ("chmod", "find", "setfattr", "chcon")  # those that change files alone
TO_UNIX = re.compile(r"^dos2unix ")
SED = r"sed -i 's/\r$//' "  # every machine has it


def commands(ground: Ground) -> Iterator[Candidate]:
    """Yield for each axis of files the command after which both sides have the same digest by lab's model."""
    for missed in (item for item in ground.missed if item.name not in (EVERY, REST)):
        sides = ground.sides.get(missed.name)
        found = next((text for item in remedies(sides) if (text := _command(item))), None) if sides else None
        if found:
            yield Candidate(
                f"command-{missed.name}",
                f"`{found}` on the machine that differs, before the build",
                (missed.name,),
                after=changes({"commands": {"run": [["sh", "-c", found]], "root": True}}),
            )


def _command(remedy: Remedy) -> str | None:
    """The shell command of a remedy; None if it is no command on the machine that differs."""
    texts = [TO_UNIX.sub(lambda found: SED, step.text) for step in remedy.steps]
    if any(step.place is not Place.HERE for step in remedy.steps):
        return None
    if any(text.split()[0] not in (*PROGRAMS, "sed") for text in texts):
        return None
    return " && ".join(texts)
