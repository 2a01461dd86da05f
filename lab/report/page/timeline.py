"""What ran on every box, when, and for how long; from the transcript, else from the times of the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lab.buildkit.progress.durations import covered
from lab.model import CONTROL, Exchange
from lab.report.evidence import Evidence
from lab.report.page.commands import kind
from lab.report.page.text import seconds
from lab.report.page.trial import View
from lab.report.timing import duration, valid
from lab.results.run import Run

KINDS = ("build", "push", "prune", "prepare")
WIDTH = 10_000  # units of a lane's drawing; it is stretched to the page
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
MOST_TICKS = 9
NARROWEST = 670.0  # pixels of the drawing, at least; page.css gives .lanes a min-width of 44rem
LETTER, MARGIN = 8.0, 10.0  # pixels of a wide letter at 12 px, and of the space around a label


@dataclass(slots=True)
class Span:
    """One phase or trial on one box: `what` in words, times in seconds since 1970, seconds by kind of command.

    `labels` are texts for its bar, the longest first; the first one that fits is shown.
    """

    box: str
    what: str
    trial: int | None
    look: str
    start: float
    end: float
    commands: int = 0
    by_kind: dict[str, float] = field(default_factory=dict)
    row: int = 0
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """A span as drawn: `left` and `width` in percent of the time line; `label` is empty where none fits."""

    left: str
    width: str
    top: int
    span: Span
    label: str
    words: str
    after: str
    took: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One box: its bars in as many rows as ran at once, and one path for each kind of command."""

    box: str
    rows: int
    bars: tuple[Bar, ...]
    paths: tuple[tuple[str, str], ...]
    spent: tuple[tuple[str, str], ...]
    busy: str
    idle: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """All lanes over the same axis; `ticks` are percents with their words."""

    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[str, str], ...]
    began: str
    took: str


def timeline(evidence: Evidence, views: Sequence[View]) -> Timeline | None:
    """The time line; None if no time is known."""
    run = evidence.run
    exchanges = [item for item in evidence.exchanges if not _is_earlier(item, run)]
    spans = _from_exchanges(evidence, exchanges, views) if exchanges else _from_run(run, views)
    if not spans:
        return None
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    whole = max(end - start, 0.001)
    boxes = dict.fromkeys([*(box.name for box in run.boxes), *(span.box for span in spans)])
    lanes = []
    for box in boxes:
        mine = sorted((span for span in spans if span.box == box), key=lambda span: span.start)
        if mine:
            lanes.append(_lane(box, mine, [item for item in exchanges if item.box == box], start, whole))
    return Timeline(tuple(lanes), _ticks(whole), f"{datetime.fromtimestamp(start, UTC):%H:%M:%S} UTC", seconds(whole))


def _is_earlier(item: Exchange, run: Run) -> bool:
    """True for an answer of an engine that was given before the run began, and kept."""
    return item.about.endswith("/facts") and item.started < run.started


def _from_exchanges(evidence: Evidence, exchanges: Iterable[Exchange], views: Iterable[View]) -> list[Span]:
    """Consecutive commands of one phase are one span; a box may do other things in between."""
    trials = {view.trial.name: view for view in views}
    phases = {evidence.phase(made): f"build and push ({made.engine})" for made in evidence.run.productions}
    phases |= {"": "begin and end", "base": "base image"}
    spans: dict[tuple[str, str], Span] = {}
    found: list[Span] = []
    latest: dict[str, str] = {}
    for item in sorted(exchanges, key=_start):
        key, start = (item.box, item.about), _start(item)
        if key not in spans or (not item.about and latest.get(item.box) != ""):
            view = trials.get(item.about)
            what = _from(view) if view else phases.get(item.about) or _phase(item.about)
            look = view.look if view else "phase"
            spans[key] = Span(item.box, what, view.number if view else None, look, start, start)
            spans[key].labels = _labels(view) if view else (what, what.partition(" (")[0], what.partition(" ")[0])
            found.append(spans[key])
        span = spans[key]
        latest[item.box] = item.about
        span.end = max(span.end, start + duration(item))
        span.commands += 1
        span.by_kind[kind(item)] = span.by_kind.get(kind(item), 0.0) + duration(item)
    return found


def _from_run(run: Run, views: Iterable[View]) -> list[Span]:
    spans = []
    for made in run.productions:
        if made.started and (took := valid(made.seconds)) is not None:
            start = made.started.timestamp()
            spans.append(
                Span(
                    made.producer,
                    "build and push",
                    None,
                    "phase",
                    start,
                    start + took,
                    labels=("build and push", "build"),
                )
            )
    for view in views:
        trial = view.trial
        if trial.started and (took := valid(trial.seconds)) is not None:
            start = trial.started.timestamp()
            what, end = _from(view), start + took
            spans.append(Span(trial.consumer, what, view.number, view.look, start, end, labels=_labels(view)))
    return spans


def _phase(about: str) -> str:
    """A phase by its name in the transcript."""
    if about.endswith("/facts"):
        return f"facts ({about.removesuffix('/facts').rpartition(':')[2]})"
    return about


def _from(view: View) -> str:
    change = "" if view.trial.key.change == CONTROL else f", {view.trial.key.change}"
    return f"trial {view.number}: from {view.trial.producer}{change} ({view.trial.engine})"


def _labels(view: View) -> tuple[str, ...]:
    """Labels of a trial's bar, the longest first."""
    return f"{view.number} from {view.trial.producer}", f"trial {view.number}", str(view.number)


def _lane(box: str, spans: Sequence[Span], exchanges: Iterable[Exchange], start: float, whole: float) -> Lane:
    ends: list[float] = []
    for span in spans:
        span.row = next((row for row, end in enumerate(ends) if end <= span.start), len(ends))
        ends[span.row : span.row + 1] = [span.end]
    spent = {kind: sum(span.by_kind.get(kind, 0.0) for span in spans) for kind in KINDS}
    busy = covered((span.start, span.end) for span in spans)
    idle = max(span.end for span in spans) - min(span.start for span in spans) - busy
    strip = _strip(exchanges, start, whole)
    return Lane(
        box=box,
        rows=len(ends),
        bars=tuple(_bar(span, start, whole) for span in spans),
        paths=tuple((kind, strip[kind]) for kind in KINDS if kind in strip),
        spent=tuple((kind, seconds(value)) for kind, value in spent.items()) if any(spent.values()) else (),
        busy=seconds(busy),
        idle=seconds(idle),
    )


def _strip(exchanges: Iterable[Exchange], start: float, whole: float) -> dict[str, str]:
    """By kind of command, the path that draws when they ran; commands that touch in the drawing are one stroke."""
    found: dict[str, list[tuple[int, int]]] = {}
    for item in sorted(exchanges, key=_start):
        left = round((_start(item) - start) / whole * WIDTH)
        right = left + max(1, round(duration(item) / whole * WIDTH))
        strokes = found.setdefault(kind(item), [])
        if strokes and left <= strokes[-1][1] + 1:
            strokes[-1] = strokes[-1][0], max(strokes[-1][1], right)
        else:
            strokes.append((left, right))
    return {
        name: "".join(f"M{left} 0h{right - left}v9h-{right - left}" for left, right in strokes)
        for name, strokes in found.items()
    }


def _start(exchange: Exchange) -> float:
    return exchange.started.timestamp()


def _bar(span: Span, start: float, whole: float) -> Bar:
    left, width = (span.start - start) / whole * 100, (span.end - span.start) / whole * 100
    return Bar(
        left=f"{left:.2f}",
        width=f"{max(width, 0.1):.2f}",
        top=span.row * 26,
        span=span,
        label=next((text for text in span.labels if len(text) * LETTER + MARGIN <= width / 100 * NARROWEST), ""),
        words=span.what,
        after=seconds(span.start - start),
        took=seconds(span.end - span.start),
    )


def _ticks(whole: float) -> tuple[tuple[str, str], ...]:
    step = next((size for size in TICKS if whole / size <= MOST_TICKS), TICKS[-1])
    if whole / step > MOST_TICKS:
        step = int(whole / MOST_TICKS)
    return tuple(
        (f"{number * step / whole * 100:.2f}", _short(number * step)) for number in range(int(whole / step) + 1)
    )


def _short(value: int) -> str:
    """The label of a tick: 30 s, 2 min, 1 h 30."""
    if value < 60:
        return f"{value} s"
    if value < 3600:
        return f"{value // 60} min" + (f" {value % 60}" if value % 60 else "")
    return f"{value // 3600} h" + (f" {value % 3600 // 60}" if value % 3600 else "")
