"""The hit rates of a step over time: rows of a table, and a page with a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import jinja2
from markupsafe import Markup

from lab import __version__
from lab.errors import ConfigError
from lab.report import printable
from lab.report.html import environment
from lab.report.page.document import policy
from lab.report.redactor import Redactor
from lab.results.history import Rate
from lab.results.rates import METHOD

HEADS = ("engine", "box", "builder", "day", "runs", "hits", "hit rate", "not counted")
PAGE, STYLE = "history.html.j2", "history.css"
WIDTH, HEIGHT = 900, 320  # units of the drawing
LEFT, RIGHT, TOP, BOTTOM = 60, 880, 16, 280
COLOURS = 6  # classes c0 to c5 of the style sheet; further lines repeat them with another dash
DASHES = ("none", "8 4", "2 4", "8 4 2 4")
MOST_DAYS = 8  # labels below the drawing


def row_of(rate: Rate) -> tuple[str, ...]:
    """The cells of one rate, under HEADS."""
    interval = f"{rate.rate:.2f} ({rate.low:.2f} to {rate.high:.2f})" if rate.rate is not None else "not known"
    left_out = [f"{word} {count}" for word, count in (("unknown", rate.unknown), ("broken", rate.broken)) if count]
    hits = f"{rate.hits} of {rate.known}"
    cells = (rate.engine, rate.box, rate.builder or "?", rate.day.isoformat(), str(rate.runs), hits, interval)
    return (*map(printable.line, cells), ", ".join(left_out))


@dataclass(frozen=True, slots=True)
class Label:
    """A word beside an axis, with its place in units of the drawing."""

    at: float
    word: str


@dataclass(frozen=True, slots=True)
class Point:
    """One rate: its place, the ends of its interval, and its numbers in words."""

    x: float
    y: float
    low: float
    high: float
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """The rates of one engine, box and builder over time; days on which nothing is known have no point."""

    name: str
    colour: int
    dash: str
    path: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing of one step, and the same in rows."""

    step: str
    lines: tuple[Line, ...]
    days: tuple[Label, ...]
    rows: tuple[tuple[str, ...], ...]
    levels: tuple[Label, ...] = tuple(
        Label(BOTTOM - level / 4 * (BOTTOM - TOP), f"{level / 4:.2f}") for level in range(5)
    )
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT


def history_page(title: str, rates: Sequence[Rate], texts: Mapping[str, str]) -> str:
    """One HTML document that needs no other file, no script and no network; placeholders replace secrets in steps.

    `texts` holds the files of templates/reports/history. ConfigError for a template that cannot be used.
    """
    redactor = Redactor(secrets_only=True)
    charts = [
        _chart(printable.line(redactor.text(step)), list(group))
        for step, group in groupby(rates, key=lambda rate: rate.step)
    ]
    try:
        style = texts[STYLE]
        return (
            environment(texts)
            .get_template(PAGE)
            .render(
                title=printable.line(redactor.text(title)),
                method=METHOD,
                charts=charts,
                style=Markup(style),
                policy=policy((), style),
                version=__version__,
            )
        )
    except (KeyError, jinja2.TemplateError) as error:
        raise ConfigError(f"cannot make the page: {error}") from error


def _chart(step: str, rates: Sequence[Rate]) -> Chart:
    days = sorted({rate.day for rate in rates})
    lines = []
    for number, (series, group) in enumerate(groupby(rates, key=lambda rate: rate.series)):
        points = [(rate, _point(rate, days)) for rate in group if rate.rate is not None]
        path = "".join(f"{'L' if place else 'M'}{point.x} {point.y}" for place, (_, point) in enumerate(points))
        name = ", ".join(map(printable.line, filter(None, series[1:])))
        dash = DASHES[number // COLOURS % len(DASHES)]
        lines.append(Line(name, number % COLOURS, dash, path, tuple(point for _, point in points)))
    step_of = max(1, -(-len(days) // MOST_DAYS))
    labels = tuple(Label(_x(day, days), day.isoformat()) for day in days[::step_of])
    return Chart(step, tuple(lines), labels, tuple(row_of(rate) for rate in rates))


def _point(rate: Rate, days: Sequence[date]) -> Point:
    assert rate.rate is not None
    words = ", ".join(cell for cell in row_of(rate) if cell)
    return Point(_x(rate.day, days), _y(rate.rate), _y(rate.low), _y(rate.high), words)


def _x(day: date, days: Sequence[date]) -> float:
    """The place of a day; one day alone is in the middle."""
    inner = 40  # room for half a label
    whole = (days[-1] - days[0]).days
    share = (day - days[0]).days / whole if whole else 0.5
    return round(LEFT + inner + share * (RIGHT - LEFT - 2 * inner), 1)


def _y(rate: float) -> float:
    return round(BOTTOM - rate * (BOTTOM - TOP), 1)
