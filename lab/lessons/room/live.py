"""The table of a run while it fills, trial by trial, as plain values for a page."""

from __future__ import annotations

from typing import Any

from lab.model import Begun, Filled, Outcome, Planned, RunEvent, TrialKey, Verdict

PENDING, RUNNING, MADE, BROKEN = "pending", "running", "made", "broken"


class LiveTable:
    """What is known of a run: its plan, the trials that have begun, and those that are made."""

    def __init__(self) -> None:
        self._planned: Planned | None = None
        self._begun: set[TrialKey] = set()
        self._filled: dict[TrialKey, Filled] = {}

    def take(self, event: RunEvent) -> None:
        """Take one event of a run. A new plan of the same run keeps the trials that are made; another run clears it."""
        if isinstance(event, Planned):
            if self._planned is None or self._planned.run != event.run:
                self._begun, self._filled = set(), {}
            self._planned = event
        elif isinstance(event, Begun):
            self._begun.add(event.key)
        else:
            self._filled[event.key] = event

    def values(self) -> dict[str, Any] | None:
        """The table as values for JSON; None before there is a plan.

        A row has the `variation`, the `engines` with their boxes if there are several (empty if all trials have the
        same), one word of `outcomes` for each step, and its `state`: pending, running, made or broken. An outcome is ""
        until it is known.
        """
        if self._planned is None:
            return None
        keys = self._planned.trials
        mixed = len({key.ends for key in keys}) > 1
        one_box = len({box for key in keys for box in (key.producer, key.consumer)}) == 1
        rows = [
            {
                "variation": key.variation,
                "engines": (_engines(key) if one_box else key.ends) if mixed else "",
                **self._row(key),
            }
            for key in keys
        ]
        return {
            "scenario": self._planned.scenario,
            "steps": list(self._planned.steps),
            "made": sum(key in self._filled for key in keys),
            "rows": rows,
        }

    def _row(self, key: TrialKey) -> dict[str, Any]:
        steps = len(self._planned.steps) if self._planned else 0
        filled = self._filled.get(key)
        if filled is None:
            return {"state": RUNNING if key in self._begun else PENDING, "outcomes": [""] * steps}
        outcomes = [outcome.value for outcome in filled.outcomes[:steps]]
        outcomes += [Outcome.UNKNOWN.value] * (steps - len(outcomes))
        return {"state": BROKEN if filled.verdict is Verdict.BROKEN else MADE, "outcomes": outcomes}


def _engines(key: TrialKey) -> str:
    """The engine of a trial; the producer's too if it is another one."""
    return key.engine if key.producer_engine == key.engine else f"{key.producer_engine} > {key.engine}"
