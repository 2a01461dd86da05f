"""The table of `lab vary`: a row for each axis, and the outcome of each step; it fits the columns of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from lab.model import Outcome
from lab.report.printable import filled, line
from lab.results.run import Run
from lab.results.varied import AxisFacts, State, VaryFacts

LETTERS = {Outcome.HIT: ".", Outcome.RAN: "R", Outcome.ERROR: "E", Outcome.WRONG_HIT: "W"}
LEGEND = "a letter for each step: . hit, R ran, E error, W hit with a wrong result, ? not known"
FIRST = 2  # the number of the first step after FROM, as reports count
CAUSE = 24  # the fewest columns in which a cause stands beside its row
WIDEST_CAUSE = 44
LEAST_STEPS = 8  # the fewest letters on a line
CONTROL, DELIBERATE = "(no change)", "(must miss)"

Row = tuple[str, str, Sequence[Outcome], str]


def vary_table(run: Run, found: VaryFacts, width: int) -> str:
    """Return the table in at most `width` columns, and the sentences that explain it.

    The widest layout that fits is taken: a word for each step with the cause beside it, then a letter for each step,
    then each cause below its row. A name that is longer than the line is not divided.
    """
    rows = list(_rows(found))
    below = [f"{DELIBERATE}: {found.deliberate_what}"] if found.deliberate_what else []
    words = [str(number) for number, _ in enumerate(run.instructions, FIRST)]
    for steps in (words, None):
        text = _grid(rows, steps, width)
        if text is not None:
            break
    else:
        text = "\n".join(_stacked(rows, width))
    legend = [] if steps else [LEGEND]
    return "\n".join(
        [text, *(part for note in (*legend, *below) for part in filled(note, "  ", first="", width=width))]
    )


def _rows(found: VaryFacts) -> Iterator[Row]:
    yield CONTROL, "built", found.control, ""
    yield DELIBERATE, "built", found.deliberate, ""
    for axis in found.axes:
        if axis.outcomes:
            yield axis.name, state_of(axis), axis.outcomes, line(_cause(axis))


def _grid(rows: Sequence[Row], steps: Sequence[str] | None, width: int) -> str | None:
    """The table with causes beside the rows; None if `width` columns are too few for it."""
    header = ["axis", "how", *(steps or ["steps"])]
    cells = [[name, how, *_cells(outcomes, steps)] for name, how, outcomes, _ in rows]
    room = width - _columns(tabulate(cells, header, tablefmt="plain", disable_numparse=True)) - 2
    needed = min(CAUSE, max(len(row[3]) for row in rows))
    if room < needed:
        return None
    widths = [*(None for _ in header), min(room, WIDEST_CAUSE)] if needed else None
    whole = [[*cell, row[3]] for cell, row in zip(cells, rows, strict=True)]
    return tabulate(whole, [*header, "cause"], tablefmt="plain", disable_numparse=True, maxcolwidths=widths)


def _stacked(rows: Sequence[Row], width: int) -> Iterator[str]:
    """The rows with letters, and each cause below its row; a long row of letters takes several lines."""
    first = max(len(row[0]) for row in rows)
    second = max(len(row[1]) for row in rows)
    start = first + second + 4
    room = max(LEAST_STEPS, width - start)
    yield f"{'axis':<{first}}  {'how':<{second}}  steps"
    for name, how, outcomes, cause in rows:
        letters = _cells(outcomes, None)[0]
        parts = [letters[at : at + room] for at in range(0, len(letters), room)]
        yield f"{name:<{first}}  {how:<{second}}  {parts[0]}"
        yield from (f"{'':<{start}}{part}" for part in parts[1:])
        yield from filled(cause, "    ", width=width)


def _columns(text: str) -> int:
    return max(map(len, text.splitlines()))


def _cells(outcomes: Sequence[Outcome], steps: Sequence[str] | None) -> list[str]:
    if steps:
        return [outcome.value for outcome in outcomes] or ["?"]
    return ["".join(LETTERS.get(outcome, "?") for outcome in outcomes) or "?"]


def state_of(axis: AxisFacts) -> str:
    """Return in a word or two how the answer on an axis was found."""
    return {State.RAN: "spot check" if axis.spot else "built", State.FAILED: "failed"}.get(axis.state, axis.state.value)


def _cause(axis: AxisFacts) -> str:
    return axis.cause or (axis.reason or "" if axis.state is State.FAILED else "")
