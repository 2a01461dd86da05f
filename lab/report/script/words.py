"""The words of a recorded command in a script: what belongs to the run is replaced by variables of the script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.report.script import shell


@dataclass(frozen=True)
class Words:
    """The registry of the run, and folders of its box by the variables of the script that take their place."""

    registry: str
    folders: Mapping[str, str] = field(default_factory=dict)

    def of(self, text: str) -> str:
        """The text as one word of a command, with variables in place of the registry and of the folders."""
        names = {f"{self.registry}/": "REGISTRY", **{f"{folder}/": name for folder, name in self.folders.items()}}
        either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        found = re.split(rf"(?<![A-Za-z0-9])({either})", text)
        parts = [shell.word(found[0])] if found[0] else []
        for known, after in zip(found[1::2], found[2::2], strict=True):
            parts.append(f'"${names[known]}"{shell.word("/" + after)}')
        return "".join(parts) or shell.word(text)
