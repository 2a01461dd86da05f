"""The whole page: the modules beside this one compute its parts, the templates give them their looks."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from functools import partial
from typing import Any

import jinja2
from markupsafe import Markup

from lab.counting import counted
from lab.errors import ConfigError
from lab.report import printable, repeats, timing
from lab.report.evidence import Evidence
from lab.report.findings import plain
from lab.report.html import environment
from lab.report.outline import outline
from lab.report.page import boxes, lead, long, matrix, text, timeline, trial
from lab.report.page.commands import Stories, Story
from lab.report.page.packing import Piece, fit
from lab.report.page.records import spans
from lab.report.page.trial import View
from lab.report.project import project_lines
from lab.report.retries import retry_lines
from lab.report.trials import in_order, sent_word
from lab.report.vary import verdict_lines

PAGE, LONG_PAGE = "page.html.j2", "long.html.j2"


def render(evidence: Evidence, texts: Mapping[str, str]) -> str:
    """One HTML document that needs no other file and no network; a reader needs no script.

    `texts` holds the files of templates/reports/page by name. ConfigError for a template that cannot be used.
    """
    views = [trial.view(number, evidence, item) for number, item in enumerate(in_order(evidence.run), 1)]
    templates = _environment(texts)
    is_long = len(views) > long.MOST
    try:
        values = _long_values(evidence, views, texts) if is_long else _values(evidence, views, texts)
        page = partial(templates.get_template(LONG_PAGE if is_long else PAGE).render, **values)
        pieces = _Pieces(templates.get_template("pieces.html.j2").module, evidence, views, values["others"])
        if is_long:
            bare = page(stores=(), cut="")
            makers = len(evidence.run.productions)
            return long.fit(pieces.drawn, views, makers, lambda stores, cut: page(stores=stores, cut=cut), len(bare))
        return fit(pieces.drawn, pieces.stories.kept, lambda fitted: page(fitted=fitted))
    except jinja2.TemplateError as error:
        raise ConfigError(f"cannot make the page: {getattr(error, 'name', None) or PAGE}: {error}") from error


def _values(evidence: Evidence, views: Sequence[View], texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of the templates, except for the pieces."""
    run = evidence.run
    filters = _filters(views)
    return {
        **_common(evidence, views, texts, "page.js"),
        "panels": matrix.panels(run, views),
        "rates": repeats.rows_of(run),
        "rates_title": repeats.head_line(run),
        "timeline": timeline.timeline(evidence, views),
        "timings": [timing.row_of(one) for one in timing.timings(evidence)] if evidence.exchanges else [],
        "timing_parts": timing.PARTS,
        "notes": {box.engine: note for box in run.boxes if (note := evidence.engines.get(box.engine))},
        "rule_sets": evidence.rule_sets,
        "filters": filters,
        "index": {name: {word: value for value, word in choices} for name, choices in filters.items()},
    }


def _long_values(evidence: Evidence, views: Sequence[View], texts: Mapping[str, str]) -> dict[str, Any]:
    """The same for the page of a run with thousands of trials."""
    common = _common(evidence, views, texts, "long.js")
    return {**common, **long.values(evidence, views, _filters(views))}


def _common(evidence: Evidence, views: Sequence[View], texts: Mapping[str, str], code: str) -> dict[str, Any]:
    """What every page shows; `code` is the name of its script."""
    run = evidence.run
    head, script, style = (_part(texts, name) for name in ("head.js", code, "page.css"))
    return {
        "run": run,
        "project": outline([*project_lines(run), *verdict_lines(run), *retry_lines(run)]),
        "policy": policy((head, script), style),
        "head": Markup(head),
        "script": Markup(script),
        "style": Markup(style),
        "lead": lead.lead(evidence, views),
        "views": views,
        "facts": boxes.facts(run.boxes),
        "others": _others(evidence),
        "redacted": [counted(count, kind) for kind, count in sorted(evidence.redacted.items()) if count],
        "took": text.seconds((run.finished - run.started).total_seconds()) if run.finished else "",
        "when": f"{run.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    }


def policy(scripts: Iterable[str], style: str) -> str:
    """The content security policy: only these scripts and this style, no request, no form."""
    sources = " ".join(_source(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {sources}; style-src {_source(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _environment(texts: Mapping[str, str]) -> jinja2.Environment:
    made = environment(texts, finalize=_shown)
    made.filters |= {
        "sent": sent_word,
        "plural": counted,
        "phase": text.phase,
        "rules": spans,
        "plain": plain,
    }
    return made


def _shown(value: Any) -> Any:
    """Every value that a template prints passes here; the markup of the templates stays unchanged."""
    return printable.lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _part(texts: Mapping[str, str], name: str) -> str:
    try:
        part = texts[name]
    except KeyError as error:
        raise ConfigError(f"cannot make the page: its template {name} is missing") from error
    if "</s" in part.lower():  # it would end its element, and the policy's hash would not match
        raise ConfigError(f"cannot make the page: {name} holds an end tag")
    return part


def _source(part: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"


class _Pieces:
    """Markup of every trial, then of every production, of the other phases, and of the boxes.

    A piece that a smaller limit of lines does not change is drawn once, since a large page is drawn for several limits.
    """

    def __init__(self, draw: Any, evidence: Evidence, views: Sequence[View], others: Sequence[str]) -> None:
        self._draw = draw
        self._views = views
        self._phases = [*(evidence.phase(made) for made in evidence.run.productions), *others]
        self.stories = Stories(evidence.exchanges)
        self._summaries = [draw.summary(view) for view in views]
        self._boxes = [Piece(Markup(), draw.box(box)) for box in evidence.run.boxes]
        self._whole: dict[str, tuple[int, Markup]] = {}

    def drawn(self, limit: int) -> list[Piece]:
        """All pieces, with at most `limit` lines of each output."""
        trials = [
            Piece(summary, self._proof(view.trial.name, limit, partial(self._draw.proof, view)))
            for view, summary in zip(self._views, self._summaries, strict=True)
        ]
        phases = [Piece(Markup(), self._proof(name, limit, self._draw.story)) for name in self._phases]
        return [*trials, *phases, *self._boxes]

    def _proof(self, name: str, limit: int, draw: Callable[[Story], Markup]) -> Markup:
        longest, markup = self._whole.get(name, (limit + 1, Markup()))
        if longest > limit:
            story = self.stories.of(name, limit)
            longest, markup = story.longest, draw(story)
            if longest <= limit:
                self._whole[name] = longest, markup
        return markup


def _others(evidence: Evidence) -> list[str]:
    """Phases that are neither a trial nor a production: the base image, facts, cleaning up."""
    run = evidence.run
    known = {item.name for item in run.trials} | {evidence.phase(made) for made in run.productions}
    return [name for name in dict.fromkeys(item.about for item in evidence.exchanges) if name not in known]


def _filters(views: Sequence[View]) -> dict[str, list[tuple[str, str]]]:
    """Choices by filter: value and words. The values of names are numbers, so that no name is part of a selector."""

    def named(words: Iterable[str]) -> list[tuple[str, str]]:
        return [(str(number), word) for number, word in enumerate(dict.fromkeys(words))]

    return {
        "variation": named(view.trial.variation for view in views),
        "engine": named(view.trial.engine for view in views),
        "producer": named(view.trial.producer for view in views),
        "consumer": named(view.trial.consumer for view in views),
        "verdict": list(dict.fromkeys((view.look, view.word) for view in views)),
    }
