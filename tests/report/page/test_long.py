"""The page of a run with thousands of trials: a list in parts, and trials that are unpacked when they are opened."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.project import Project
from lab.report.evidence import Evidence
from lab.report.page import long
from lab.report.page.document import render
from lab.report.trials import in_order
from tests import page_runs
from tests.chromium import Browser, axe_source, browser
from tests.conftest import ROOT
from tests.report.page.test_document import hostile

pytestmark = pytest.mark.slow

TEXTS = Project(ROOT, ROOT).texts("page")


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of 400 trials takes the form of a long one: some parts of the list, some stores."""
    monkeypatch.setattr(long, "MOST", 2)


@pytest.fixture(scope="module")
def made() -> Evidence:
    return page_runs.large(400).evidence


def unpacked(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def parts(page: str) -> tuple[dict[str, Any], list[str]]:
    """The index of the list, and all packed pieces."""
    index = re.search(r'id="index">([^<]*)<', page)
    assert index
    stores = re.findall(r'class="store">([^<]*)<', page)
    return unpacked(index[1]), [piece for store in stores for piece in unpacked(store)]


def test_a_run_of_up_to_the_limit_has_all_trials_in_the_document(made: Evidence) -> None:
    assert "id=t400" in render(made, TEXTS)


@pytest.mark.usefixtures("short_limit")
def test_each_trial_and_production_is_a_piece_in_order(made: Evidence) -> None:
    index, pieces = parts(render(made, TEXTS))
    trials = in_order(made.run)
    assert len(pieces) == len(trials) + len(made.run.productions)
    assert index["makers"] == len(made.run.productions)
    for row, piece, trial in zip(index["rows"], pieces, trials, strict=False):
        words = {name: index["words"][name][place] for name, place in zip(index["fields"], row, strict=True)}
        assert (words["producer"], words["consumer"], words["engine"], words["variation"]) == (
            trial.producer,
            trial.consumer,
            trial.engine,
            trial.variation,
        )
        assert trial.name.replace(">", "&gt;") in piece
    for made_by, piece in zip(made.run.productions, pieces[len(trials) :], strict=True):
        assert made_by.reference in piece


@pytest.mark.usefixtures("short_limit")
def test_outputs_are_cut_and_then_left_out_where_there_is_no_room(
    made: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = render(made, TEXTS)
    monkeypatch.setattr(long, "ROOM", len(whole) * 9 // 10)
    cut = render(made, TEXTS)
    assert len(cut) < len(whole)
    assert all("class=commands" in piece for piece in parts(cut)[1])
    monkeypatch.setattr(long, "TIERS", [tier for tier in long.TIERS if tier[1]])
    some = render(made, TEXTS)
    assert "The files and commands of the trials in which every step hit" in some
    for number, piece in enumerate(parts(some)[1]):
        is_dull = number < len(made.run.trials) and 'class="chip expected"' in piece
        assert ("class=commands" in piece) is not is_dull
    monkeypatch.setattr(long, "ROOM", 0)
    least = render(made, TEXTS)
    assert "The files and commands of all trials are left out" in least
    assert not any("class=commands" in piece for piece in parts(least)[1])
    assert all("<h3>Cause</h3>" in piece for piece in parts(least)[1][: len(made.run.trials)])


@pytest.mark.usefixtures("short_limit")
def test_the_groups_count_every_trial(made: Evidence) -> None:
    page = render(made, TEXTS)
    counts = [int(count) for count in re.findall(r'<a href="#f\d+">(\d+)</a>', page)]
    assert sum(counts) == len(made.run.trials)


@pytest.mark.usefixtures("short_limit")
def test_many_groups_and_boxes_are_counted_and_not_shown(made: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long, "MOST_GROUPS", 1)
    monkeypatch.setattr(long, "MOST_BOXES", 3)
    page = render(made, TEXTS)
    assert len(re.findall(r'href="#f\d+"', page)) == 1
    assert f"<p>{len(made.run.boxes) - 3} more rows, not shown; the run's" in page


@pytest.fixture
def opened(tmp_path: Path, made: Evidence, short_limit: None) -> Iterator[Browser]:
    path = tmp_path / "page.html"
    path.write_text(render(made, TEXTS), encoding="utf-8")
    with browser(tmp_path / "profile") as chromium:
        chromium.open(path.as_uri())
        chromium.until("return document.querySelectorAll('#rows tr').length")
        yield chromium


def test_a_browser_shows_parts_of_the_list_and_unpacks_a_trial(opened: Browser, made: Evidence) -> None:
    trials = in_order(made.run)
    place = "return document.getElementById('rows-place').textContent"
    assert opened.js("return document.querySelectorAll('#rows tr').length") == 100
    assert opened.js(place) == "Rows 1 to 100 of 400"
    for _ in range(3):
        opened.js("document.getElementById('rows-after').click()")
    assert opened.js(place) == "Rows 301 to 400 of 400"
    assert opened.js("return document.getElementById('rows-after').disabled")
    opened.js("document.querySelector('#rows a').click()")
    assert opened.until("return document.querySelector('#panel .commands') && location.hash") == "#t301"
    assert opened.js("return document.querySelector('#panel .name').textContent.trim()") == trials[300].name
    opened.js("document.getElementById('panel-after').click()")
    opened.until(
        f"return document.querySelector('#panel .name')?.textContent.trim() === {json.dumps(trials[301].name)}"
    )
    opened.js("document.querySelector('#panel a[href^=\"#m\"]').click()")
    opened.until("return !document.querySelector('#panel .name') && document.querySelector('#panel .commands')")
    opened.js("document.getElementById('panel-close').click()")
    assert opened.violations(axe_source()) == []
    assert [one for one in opened.requests() if not one.startswith("file:")] == []
    assert opened.console() == []


def test_a_browser_filters_the_list(opened: Browser, made: Evidence) -> None:
    consumer = made.run.trials[0].consumer
    opened.choose("consumer", consumer)
    wanted = sum(trial.consumer == consumer for trial in made.run.trials)
    assert opened.js("return document.getElementById('shown').textContent") == f"{wanted} of 400 trials"
    count = opened.js("const link = document.querySelector('a[href^=\"#f\"]'); link.click(); return link.textContent")
    shown = opened.js("return document.getElementById('shown').textContent")
    assert int(shown.split()[0]) <= int(count)


@pytest.mark.usefixtures("short_limit")
def test_hostile_texts_run_nothing(tmp_path: Path) -> None:
    evil = hostile().evidence
    trials = tuple(
        trial.model_copy(update={"name": f"{trial.name}{number}"}) for number in range(3) for trial in evil.run.trials
    )
    page = render(replace(evil, run=evil.run.model_copy(update={"trials": trials})), TEXTS)
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    with browser(tmp_path / "profile") as chromium:
        chromium.open(path.as_uri())
        chromium.until("return document.querySelectorAll('#rows tr').length")
        chromium.js("document.querySelector('#rows a').click()")
        chromium.until("return document.querySelector('#panel .name')")
        assert chromium.js("return document.querySelectorAll('img, #panel script').length") == 0
        assert [one for one in chromium.requests() if not one.startswith("file:")] == []
