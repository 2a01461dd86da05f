"""A change between two steps: `change: {make: [{mode: {app.txt: "0664"}}]}`."""

from __future__ import annotations

from pydantic import Field

from lab.run.changes.table import NamedChange
from lab.run.steps.kind import Step
from lab.run.steps.work import Work


class ChangeStep(Step):
    """Make changes to the side's context and options; every trial makes them, whatever its variation."""

    begins_with_files = True
    make: tuple[NamedChange, ...] = Field(min_length=1)

    def run(self, work: Work) -> None:
        """Make them in order."""
        for item in self.make:
            work.change(item.change, f"make the change {item.kind}")
