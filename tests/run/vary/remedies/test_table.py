"""The order of the remedies: what changes the project comes before what must be done on each machine."""

from __future__ import annotations

from lab.run.vary.remedies.commands import commands
from lab.run.vary.remedies.table import REMEDIES


def test_commands_on_a_machine_come_last() -> None:
    assert REMEDIES[-1] is commands and len(set(REMEDIES)) == len(REMEDIES)
