"""The page of a run with thousands of trials: counts in place of matrices, and a list of which one part is shown.

All trials are packed in stores of some pieces each, so that a browser unpacks only those that a reader opens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lab.model import Verdict
from lab.report import timing
from lab.report.evidence import Evidence
from lab.report.page import totals
from lab.report.page.packing import LIMITS, Piece, pack
from lab.report.page.trial import LOOKS, View
from lab.results.rates import METHOD
from lab.results.run import Run

MOST = 1500  # trials of a page that has all of them in the document
ROOM = 4_900_000  # characters of the whole page
CHUNK = 100  # pieces of one store
MOST_GROUPS, MOST_BOXES = 400, 100  # rows of the tables
EXPECTED = LOOKS[Verdict.AS_EXPECTED]
SOME = "The files and commands of the trials in which every step hit, as expected, are left out: the run is too large."
ALL = "The files and commands of all trials are left out: the run is too large."
# What is tried in this order: how many lines of each output, and what is left out, in words.
TIERS = ((LIMITS[1], None), (LIMITS[2], None), (LIMITS[3], None), (LIMITS[3], SOME), (1, SOME), (1, ALL))
FIELDS = ("variation", "engine", "producer", "consumer", "verdict", "result")


@dataclass(frozen=True, slots=True)
class Group:
    """The trials of one variation with one engine: how many of each verdict; `place` is that of the first one."""

    variation: str
    engine: str
    place: int
    trials: int
    counts: tuple[int, ...]


def values(evidence: Evidence, views: Sequence[View], filters: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    """The values of the template beside those of every page, except for the stores."""
    verdicts = [look for look, _ in filters["verdict"]]
    groups = _groups(views, verdicts)
    times, steps = totals.mean_times(evidence), totals.step_totals(evidence.run)
    return {
        "groups": groups[:MOST_GROUPS],
        "more_groups": len(groups[MOST_GROUPS:]),
        "times": [*times[:-1][:MOST_GROUPS], *times[-1:]],
        "more_times": len(times[:-1][MOST_GROUPS:]),
        "timing_parts": timing.PARTS,
        "steps": steps[:MOST_GROUPS],
        "more_steps": len(steps[MOST_GROUPS:]),
        "rate_method": METHOD,
        "most_boxes": MOST_BOXES,
        "filters": {**filters, "verdict": [(str(number), word) for number, (_, word) in enumerate(filters["verdict"])]},
        "index_store": pack(_index(evidence.run, views, filters)),
    }


def fit(
    draw: Callable[[int], Sequence[Piece]],
    views: Sequence[View],
    makers: int,
    page: Callable[[Sequence[str], str], str],
    size: int,
) -> str:
    """The page with as much of each output as there is room for; it has the pieces of the trials and of the makers.

    `size` is the number of characters of the page without the stores. Where not even the smallest limit of lines fits,
    the files and commands of the trials in which all is as expected are left out, then all of them; the page says so.
    """
    dull = [view.look == EXPECTED for view in views] + [False] * makers
    for limit, left_out in TIERS:
        drawn = draw(limit)[: len(dull)]
        shows = [left_out is None or (left_out == SOME and not plain) for plain in dull]
        pairs = zip(drawn, shows, strict=True)
        stores = list(_stores([piece.summary + (piece.proof if shown else Markup()) for piece, shown in pairs]))
        if size + sum(map(len, stores)) <= ROOM:
            break
    return page(stores, left_out or "")


def _stores(pieces: Sequence[Markup]) -> Iterable[str]:
    for start in range(0, len(pieces), CHUNK):
        yield pack([str(piece) for piece in pieces[start : start + CHUNK]])


def _index(run: Run, views: Sequence[View], filters: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    """What the list shows of each trial, as numbers of words."""
    words = {name: [word for _, word in choices] for name, choices in filters.items()}
    words["result"] = list(dict.fromkeys(view.summary for view in views))
    places = {name: {word: number for number, word in enumerate(found)} for name, found in words.items()}
    return {
        "chunk": CHUNK,
        "makers": len(run.productions),
        "fields": FIELDS,
        "words": words,
        "looks": [look for look, _ in filters["verdict"]],
        "rows": [[places[name][text] for name, text in zip(FIELDS, _texts(view), strict=True)] for view in views],
    }


def _texts(view: View) -> tuple[str, ...]:
    trial = view.trial
    return trial.variation, trial.engine, trial.producer, trial.consumer, view.word, view.summary


def _groups(views: Sequence[View], verdicts: Sequence[str]) -> list[Group]:
    found: dict[tuple[str, str], list[View]] = {}
    for view in views:
        found.setdefault((view.trial.variation, view.trial.engine), []).append(view)
    return [
        Group(
            *key,
            group[0].number - 1,
            len(group),
            tuple(sum(view.look == look for view in group) for look in verdicts),
        )
        for key, group in found.items()
    ]
