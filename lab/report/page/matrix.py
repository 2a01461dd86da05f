"""Tables of producers and consumers: one for each step, for every variation and engine of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.report.page.trial import KNOWN, View
from lab.results.run import Run


@dataclass(frozen=True, slots=True)
class Cell:
    """One trial in one table: its anchor, the word, the class for its colour, a second line."""

    trial: int
    word: str
    look: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """One table: `title` is the step, or empty for the whole trial; a cell holds every trial of its pair."""

    title: str
    consumers: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Cell, ...], ...]], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """All tables of one variation on one engine; `because` is the reason for expected misses."""

    variation: str
    engine: str
    because: str
    matrices: tuple[Matrix, ...]


def panels(run: Run, views: Sequence[View]) -> list[Panel]:
    """One panel for each variation and engine, in the order of the trials; boxes are in the order of the run."""
    order = list(dict.fromkeys([*(box.name for box in run.boxes), *(view.trial.producer for view in views)]))
    groups: dict[tuple[str, str], list[View]] = {}
    for view in views:
        groups.setdefault((view.trial.variation, view.trial.engine), []).append(view)
    return [_panel(run, key, group, order) for key, group in groups.items()]


def _panel(run: Run, key: tuple[str, str], views: Sequence[View], order: Sequence[str]) -> Panel:
    variation, engine = key
    place = {name: number for number, name in enumerate(order)}
    consumers = sorted({view.trial.consumer for view in views}, key=lambda name: (place.get(name, len(place)), name))
    makers = sorted(
        {(view.trial.producer, view.producer_engine) for view in views},
        key=lambda maker: (place.get(maker[0], len(place)), maker),
    )
    because = "; ".join(dict.fromkeys(view.trial.because for view in views if view.trial.because))
    pairs: dict[tuple[str, str, str], list[View]] = {}
    for view in views:
        pairs.setdefault((view.trial.producer, view.producer_engine, view.trial.consumer), []).append(view)

    def matrix(title: str, number: int | None) -> Matrix:
        rows = []
        for producer, made_by in makers:
            label = producer if made_by == engine else f"{producer} ({made_by})"
            found = (pairs.get((producer, made_by, consumer), []) for consumer in consumers)
            rows.append((label, tuple(tuple(_cell(view, number) for view in cell) for cell in found)))
        return Matrix(title, tuple(consumers), tuple(rows))

    steps = [matrix(instruction, number) for number, instruction in enumerate(run.instructions)]
    return Panel(variation, engine, because, (matrix("", None), *steps))


def _cell(view: View, number: int | None) -> Cell:
    if number is None:
        if view.look == KNOWN:  # the words are short, since every column is as wide as they are
            return Cell(view.number, "miss", view.look, f"as expected, {view.sent}")
        return Cell(view.number, view.word, view.look, view.sent)
    step = view.steps[number]
    note = "not predicted" if step.refuted else "not expected" if step.odd else ""
    return Cell(view.number, step.outcome.value, step.outcome.value, note)
