"""Repeated trials in every form of a report: one row for all repeats, the hit rates, and the flaky steps by name."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.model import Verdict
from lab.project import find
from lab.report.comparison import compare
from lab.report.evidence import Evidence
from lab.report.formats import FORMATS
from lab.report.repeats import one_word
from lab.report.script.script import script
from lab.report.table import table
from lab.results import golden
from lab.results.run import Run
from tests.reporting import HIT, RAN, run, sample, trial
from tests.results.test_rates import repeated, repeats

FLAKY = repeated(*repeats((HIT, HIT, HIT), (HIT, RAN, RAN), (HIT, HIT, HIT)))
STEADY = repeated(*repeats((HIT, HIT, HIT), (HIT, HIT, HIT), (HIT, HIT, HIT)))


def shown(name: str, made: Run) -> str:
    return FORMATS[name].text([Evidence(made)], find())


def test_one_cell_has_each_word_once() -> None:
    assert one_word(["hit", "hit"]) == "hit"
    assert one_word(["ran", "hit", "hit"]) == "hit 2, ran 1"
    assert one_word([]) == ""


def test_the_table_has_one_row_for_all_repeats_and_names_the_flaky_steps() -> None:
    text = table(FLAKY)
    rows = [line for line in text.splitlines() if line.startswith("a ")]
    assert len(rows) == 1
    assert "hit 2, ran 1" in rows[0]
    assert "hit rates over 3 repeats, in the order of seed 7; 95 % intervals by Wilson's method" in text
    assert "FLAKY: a>b:19.03.8/copy-bust:none: COPY bar bar: hit 2, ran 1" in text
    assert "0.67 (0.21 to 0.94)  hit 2 of 3  COPY bar bar" in text
    assert "RUN echo foo: hit" not in text.partition("FLAKY")[2]


def test_a_steady_run_says_that_no_step_is_flaky() -> None:
    text = table(STEADY)
    assert "no step is flaky" in text
    assert "FLAKY" not in text
    assert "1.00 (0.44 to 1.00)  hit 3 of 3  COPY bar bar" in text


def test_markdown_and_the_page_name_the_flaky_steps() -> None:
    for form in ("md", "html"):
        text = shown(form, FLAKY)
        assert "flaky" in text
        assert "hit 2, ran 1" in text
        assert "0.67 (0.21 to 0.94)" in text
        assert "No step is flaky" in shown(form, STEADY)


def test_json_has_the_rates_and_csv_the_number_of_the_repeat() -> None:
    data = json.loads(shown("json", FLAKY))
    assert [(rate["instruction"], rate["outcomes"]) for rate in data["rates"]][1] == (
        "COPY bar bar",
        {"hit": 2, "ran": 1},
    )
    assert Run.model_validate_json(json.dumps(data)).rates[1].is_flaky
    rows = list(csv.DictReader(io.StringIO(shown("csv", FLAKY))))
    assert [row["repeat"] for row in rows] == ["1"] * 3 + ["2"] * 3 + ["3"] * 3


def test_every_repeat_is_a_case_of_its_own_for_ci() -> None:
    text = shown("junit", FLAKY)
    assert text.count('classname="a&gt;b:19.03.8/copy-bust:none#2"') == 3


def test_a_script_makes_a_repeated_trial_once() -> None:
    made = sample()
    once = script(made)
    other = made.run.trials[-1]
    again = other.model_copy(update={"repeat": 2, "name": f"{other.name}#2"})
    exchanges = [replace(item, about=again.name) for item in made.during(other.name)]
    run = made.run.model_copy(update={"trials": (*made.run.trials, again)})
    twice = replace(made, run=run, exchanges=(*made.exchanges, *exchanges))
    assert script(twice).count("\nrebuild_") == once.count("\nrebuild_") > 0


def test_a_golden_table_takes_steady_repeats_only_and_checks_each(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the repeats of .*none#2 have different outcomes"):
        golden.save(tmp_path, FLAKY)
    golden.save(tmp_path, STEADY)
    assert golden.check(tmp_path, STEADY) == ([], 1, [])
    found, held, new = golden.check(tmp_path, FLAKY)
    assert {difference.trial for difference in found} == {"a>b:19.03.8/copy-bust:none#2"}
    assert (held, new) == (1, [])


@pytest.mark.parametrize("form", ["table", "md", "html"])
def test_a_run_without_repeats_shows_no_rates(form: str) -> None:
    text = shown(form, run(trial("a", "b", (HIT, RAN, RAN), Verdict.MISSED)))
    assert "hit rate" not in text.lower()


def test_two_repeated_runs_are_compared_repeat_by_repeat() -> None:
    found = compare(Evidence(FLAKY), Evidence(STEADY))
    assert {change.trial for change in found.changes} == {"a>b:19.03.8/copy-bust:none#2"}
    assert (found.same, found.only_before, found.only_after) == (2, (), ())
