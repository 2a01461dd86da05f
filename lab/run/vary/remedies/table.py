"""The remedies that `lab vary` tries: a new kind is one file here and one line in this table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.run.vary.remedies.arguments import arguments
from lab.run.vary.remedies.candidate import Candidate, Ground
from lab.run.vary.remedies.commands import commands
from lab.run.vary.remedies.ignore import ignore, names
from lab.run.vary.remedies.normalise import normalise

REMEDIES: tuple[Callable[[Ground], Iterator[Candidate]], ...] = (normalise, ignore, names, arguments, commands)
