"""The page of hit rates over time: a chart and the same numbers in a table, without a script or a request."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from lab.errors import ConfigError
from lab.project import Project
from lab.report.history import BOTTOM, HEADS, TOP, history_page, row_of
from lab.results.history import Rate
from tests.conftest import ROOT

TEXTS = Project(ROOT, ROOT).texts("history")


def rate(day: int, hits: int, known: int, low: float = 0.0, high: float = 1.0, **fields: object) -> Rate:
    words = {"step": "COPY a b", "engine": "20.10.9", "box": "one", "builder": "buildkit"} | fields
    when = date(2026, 11, 1) + timedelta(day)
    rest = {"unknown": 0, "broken": 0, **{name: words.pop(name) for name in ("unknown", "broken") if name in words}}
    return Rate(**words, day=when, runs=1, hits=hits, known=known, low=low, high=high, outcomes={}, **rest)  # type: ignore[arg-type]


def test_a_row_has_the_rate_with_its_interval_and_what_is_not_counted() -> None:
    cells = dict(zip(HEADS, row_of(rate(0, 3, 4, 0.3, 0.95, unknown=1, broken=2)), strict=True))
    assert (cells["hits"], cells["hit rate"], cells["not counted"]) == (
        "3 of 4",
        "0.75 (0.30 to 0.95)",
        "unknown 1, broken 2",
    )
    assert dict(zip(HEADS, row_of(rate(0, 0, 0, broken=1)), strict=True))["hit rate"] == "not known"


def drawing(page: str) -> ElementTree.Element:
    found = re.search(r'<svg class="chart".*?</svg>', page, re.S)
    assert found
    return ElementTree.fromstring(found[0])


def test_each_day_with_a_known_outcome_is_a_point_of_its_line() -> None:
    rates = [rate(0, 0, 4), rate(1, 0, 0, broken=3), rate(4, 4, 4), rate(0, 1, 2, 0.1, 0.9, engine="26.1.5")]
    chart = drawing(history_page("COPY*", rates, TEXTS))
    first, second = ([*group.iter("circle")] for group in chart.findall("g"))
    assert [float(point.attrib["cy"]) for point in first] == [BOTTOM, TOP]
    assert float(first[0].attrib["cx"]) < float(first[1].attrib["cx"])
    assert [(point.attrib["cx"], float(point.attrib["cy"])) for point in second] == [
        (first[0].attrib["cx"], (TOP + BOTTOM) / 2)
    ]


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    page = history_page("COPY*", [rate(0, 1, 1, step="RUN </script><img src=x onerror=alert(1)>")], TEXTS)
    assert "default-src 'none'" in html.unescape(page)
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r'(?:src|href)="', page)


def test_secrets_of_a_step_are_replaced() -> None:
    page = history_page("RUN*", [rate(0, 1, 1, step="RUN login --password=hunter2x")], TEXTS)
    assert "hunter2x" not in page
    assert "[secret]" in page


@pytest.mark.parametrize("texts", [{}, {**TEXTS, "history.html.j2": "{{ nothing }}"}])
def test_a_template_that_cannot_be_used_is_an_error(texts: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="cannot make the page"):
        history_page("COPY*", [rate(0, 1, 1)], texts)
