"""The place of the variation's change: `vary: {side: producer}`."""

from __future__ import annotations

from lab.run.steps.kind import Step
from lab.run.steps.work import Work


class Vary(Step):
    """Make the change of the trial's variation here; without this step it comes before the consumer's last build."""

    begins_with_files = True

    def run(self, work: Work) -> None:
        """Make it."""
        for change in work.variation:
            work.change(change, work.doing)
