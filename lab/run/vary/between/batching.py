"""Puts many changes into few commands: each command on a box takes time of its own."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from lab.run.changes.kind import Change, Shell, script

LONGEST = 60 << 10  # characters of one script; Linux takes 128 KiB in one argument


@dataclass(frozen=True)
class Batch(Change):
    """Several changes that add no option to a build, as few scripts; the first command that fails ends the script."""

    made: tuple[Change, ...]

    def commands(self) -> list[Shell]:
        """The scripts, in the order of the changes."""
        every = [command for change in self.made for command in change.commands()]
        groups = groupby(every, key=lambda command: command.root)
        follows = tuple(dict.fromkeys(path for command in every for path in command.follows))
        names = tuple(dict.fromkeys(path for command in every for path in command.names))
        return [
            replace(script(text, root=root), follows=follows, names=names)
            for root, part in groups
            for text in _scripts(list(part))
        ]


def _scripts(commands: Sequence[Shell]) -> Iterator[str]:
    lines = ["set -e"]
    for command in commands:
        lines.append(shlex.join(command.argv))
        if sum(map(len, lines)) > LONGEST:
            yield "\n".join(lines)
            lines = ["set -e"]
    if len(lines) > 1:
        yield "\n".join(lines)
