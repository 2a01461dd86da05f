"""The productions of a run by who made them: found at once, however many there are."""

from __future__ import annotations

from lab.results.run import Production, Run, Trial


class Productions:
    """The productions of a run, by box, engine and part; of two with the same three, the first counts."""

    def __init__(self, run: Run) -> None:
        self._places: dict[tuple[str, str, int], int] = {}
        self._made = run.productions
        for place, made in enumerate(run.productions):
            self._places.setdefault((made.producer, made.engine, made.part), place)

    def of(self, trial: Trial) -> Production | None:
        """The production whose image a trial rebuilds; None if the run ended before it was stored."""
        place = self.place(trial)
        return None if place is None else self._made[place]

    def place(self, trial: Trial) -> int | None:
        """The place of that production in the run, from 0; None if the run ended before it was stored."""
        return self._places.get((trial.producer, trial.producer_engine or trial.engine, trial.part))
