"""JUnit, CSV and JSON: read back by libraries that others use to read them."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from junitparser import Error, Failure, JUnitXml, Properties, TestCase

from lab.model import Fault, Outcome, Verdict
from lab.report.document import document, run_schema
from lab.report.evidence import Evidence
from lab.report.formats import FORMATS, Format
from lab.report.junit import junit
from lab.report.redact import redact
from lab.report.spreadsheet import COLUMNS, spreadsheet
from lab.results.run import READABLE, Run, load
from tests import reporting
from tests.reporting import HIT, RAN, RUNS, UNKNOWN, run, trial

# --- JUnit


def cases(*runs: Evidence) -> list[Any]:
    return [case for suite in JUnitXml.fromstring(junit(runs).encode()) for case in suite]


def properties(element: Any) -> dict[str, str]:
    return {item.name: item.value for block in element.iterchildren(Properties) for item in block}


def test_a_suite_a_scenario_a_case_a_trial_and_step() -> None:
    one, other = reporting.bug(), Evidence(run(trial("a", "b", (HIT, HIT, HIT)), scenario="modes"))
    suites = list(JUnitXml.fromstring(junit([one, other]).encode()))
    assert [(suite.name, suite.tests, suite.failures, suite.errors) for suite in suites] == [
        ("copy-bust", 9, 0, 0),
        ("modes", 3, 0, 0),
    ]
    names = [(case.classname, case.name) for case in suites[1]]
    assert names == [
        ("a>b:19.03.8/copy-bust:none", f"{number}. {step}") for number, step in enumerate(reporting.STEPS, 2)
    ]
    found = properties(suites[0])
    assert found["centos.19.03.13.server"] == "19.03.13"
    assert found["ubuntu.19.03.8.kernel"] == "3.10.0-1127.el7.x86_64"


def busted() -> Evidence:
    made = trial("ubuntu", "centos", (HIT, RAN, RAN), Verdict.MISSED, expected=(HIT, HIT, HIT))
    return Evidence(run(made), {made.name: reporting.explained(made)})


def test_a_failure_holds_the_cause() -> None:
    first, second, third = cases(busted())
    assert first.result == []
    [failure] = second.result
    assert isinstance(failure, Failure)
    assert (failure.type, failure.message) == ("missed", "COPY bar bar ran, hit was expected")
    for words in (
        "cause: bar has security.selinux on the consumer only",
        f"bar: security.selinux: producer absent, consumer {reporting.LABEL}\\0",
        "upstream: https://github.com/moby/buildkit/issues/1330",
        "fixed in: Docker 19.03.13",
    ):
        assert words in str(failure.text)
    assert "cause: the step before it missed" in str(third.result[0].text)


def test_an_unexplained_failure_says_so() -> None:
    bare = Evidence(busted().run)
    assert "cause: not known" in str(cases(bare)[1].result[0].text)


def test_what_is_not_known_is_an_error_and_never_a_pass() -> None:
    lost = trial("a", "b", None, Verdict.BROKEN, problem="cannot build: no space left")
    unread = trial("a", "c", (HIT, UNKNOWN, UNKNOWN), Verdict.BROKEN)
    nocache = trial("a", "d", (RAN, RAN, RAN), Verdict.BROKEN, problem="the cache of x could not be read")
    found = cases(Evidence(run(lost, unread, nocache)))
    assert [[type(result) for result in case.result] for case in found] == [[Error]] * 9
    assert "no space left" in str(found[0].result[0].text)


def test_an_unexpected_hit_is_a_failure_too() -> None:
    made = trial("a", "b", (HIT, HIT, HIT), Verdict.UNEXPECTED_HIT, expected=(HIT, RAN, RAN))
    kinds = [[result.type for result in case.result] for case in cases(Evidence(run(made)))]
    assert kinds == [[], ["hit unexpectedly"], ["hit unexpectedly"]]


def test_a_contradicted_prediction_is_a_failure() -> None:
    made = trial("a", "b", (HIT, RAN, RAN), predicted=(HIT, HIT, UNKNOWN))
    found = cases(Evidence(run(made)))
    assert [[result.type for result in case.result] for case in found] == [[], ["contradicted"], []]
    assert properties(found[1])["predicted"] == "hit"


@pytest.mark.parametrize("fault", list(Fault))
def test_a_broken_trial_is_an_error_of_whose_fault_it_is(fault: Fault) -> None:
    lost = trial("a", "b", None, Verdict.BROKEN, problem="it ended", fault=fault)
    nocache = trial("a", "b", (RAN, RAN, RAN), Verdict.BROKEN, expected=(HIT, HIT, HIT), fault=fault)
    made = run(lost, nocache)
    [production, *_] = made.productions
    made = made.model_copy(update={"productions": (production.model_copy(update={"problem": "p", "fault": fault}),)})
    results = [result for case in cases(Evidence(made)) for result in case.result]
    assert [(type(result), result.type) for result in results] == [(Error, fault.value)] * 7


def test_a_producer_without_an_image_is_an_error() -> None:
    made = run(trial("a", "b", (HIT, HIT, HIT)))
    [production, *_] = made.productions
    made = made.model_copy(update={"productions": (production.model_copy(update={"problem": "disk full"}),)})
    last = cases(Evidence(made))[-1]
    assert (last.classname, last.name, last.result[0].message) == ("a:19.03.8", "push an image", "disk full")


def test_two_runs_of_one_scenario_keep_their_cases_apart() -> None:
    one = busted()
    other = Evidence(one.run.model_copy(update={"name": "later"}))
    found = cases(one, other)
    assert len({(case.classname, case.name) for case in found}) == 6


def test_steps_that_read_alike_stay_apart() -> None:
    steps = ("RUN x", "RUN x")
    found = cases(Evidence(run(trial("a", "b", (HIT, HIT), steps=steps), steps=steps)))
    assert [case.name for case in found] == ["2. RUN x", "3. RUN x"]


def test_hostile_text_is_text_in_xml() -> None:
    found = cases(reporting.hostile())
    assert [case.name.partition(" ")[2] for case in found[:3]] == [
        reporting.HOSTILE[0],
        reporting.HOSTILE[1],
        '=HYPERLINK("http://evil.example","RUN")\\x00\\u202egnp',
    ]
    assert found[0].classname.startswith("a`|<b>>=cmd|'/c calc'!A1:")
    assert "]]>" in {value for case in found for value in properties(case).values()}
    assert all(isinstance(case, TestCase) for case in found)
    assert "</script>" in str(found[3].result[0].text)


@pytest.mark.parametrize("odd", [*range(0x20), 0x7F, 0x85, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x202E])
def test_no_character_breaks_the_xml(odd: int) -> None:
    steps = (f"RUN a{chr(odd)}b",)
    made = trial("a", "b", (RAN,), Verdict.MISSED, expected=(HIT,), steps=steps, because=f"x{chr(odd)}")
    [case] = cases(Evidence(run(made, steps=steps)))
    assert re.fullmatch(r"2\. RUN a.+b", case.name, re.DOTALL)


# --- CSV


def sheet(*runs: Evidence) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(spreadsheet(runs), newline="")))


def test_a_row_a_trial_and_step() -> None:
    found = sheet(reporting.bug())
    assert len(found) == 9
    assert list(found[0]) == list(COLUMNS)
    row = found[4]
    told = ("producer", "consumer", "engine", "producer_engine", "context_bytes", "step")
    assert [row[key] for key in told] == ["ubuntu", "centos", "19.03.8", "19.03.8", "93", "3"]
    assert (row["instruction"], row["outcome"], row["expected"], row["verdict"]) == (
        "COPY bar bar", "ran", "ran", "as expected",
    )  # fmt: skip
    assert row["cause"] == "bar has security.selinux on the consumer only"
    assert row["started"] == "2026-05-27T18:30:00Z"


def test_what_is_not_known_is_empty_or_said() -> None:
    row = sheet(Evidence(run(trial("a", "b", None, Verdict.BROKEN, problem="gone"))))[0]
    assert (row["outcome"], row["expected"], row["context_bytes"], row["seconds"]) == ("unknown", "", "", "")


def test_formulas_are_defused_and_can_be_told_back() -> None:
    found = sheet(reporting.hostile())
    cells = [cell for row in found for cell in row.values()]
    assert not [cell for cell in cells if cell.lstrip(" ").startswith(tuple("=+-@\t\r\n＝＋－＠"))]
    assert found[0]["consumer"] == "'=cmd|'/c calc'!A1"
    assert {row["producer"] for row in found} == {"a`|<b>", "'-2+3"}
    assert found[3]["consumer"] == "'@sum"
    assert found[2]["instruction"].startswith("'=HYPERLINK(")
    assert found[1]["instruction"] == reporting.HOSTILE[1]


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@x", "'x", "''=x", "\tx", "  =1", "＝1", "plain", "a=1", "x\ny", 'q"q', "a,b;c"]
)
def test_the_apostrophe_is_the_only_change(text: str) -> None:
    steps = (text,)
    [row] = sheet(Evidence(run(trial("a", "b", (HIT,), steps=steps), steps=steps)))
    cell = row["instruction"]
    assert (cell[1:] if cell.startswith("'") else cell) == text


def test_lines_end_as_the_rfc_says() -> None:
    text = spreadsheet([reporting.bug()])
    assert text.count("\r\n") == 10 == text.count("\n")


# --- JSON, and its schema


STORED = sorted(RUNS.glob("schema-*"))


def checked(value: Any) -> None:
    jsonschema.validate(value, run_schema(), cls=jsonschema.Draft202012Validator)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(run_schema())
    assert run_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_stored_run_of_every_schema_version_is_kept_here() -> None:
    assert [folder.name for folder in STORED] == [f"schema-{version}" for version in READABLE]


@pytest.mark.parametrize("folder", STORED, ids=lambda folder: folder.name)
def test_old_runs_load_and_fit_the_schema(folder: Path) -> None:
    stored = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert f"schema-{stored['schema']}" == folder.name
    checked(stored)
    loaded = load(folder)
    assert loaded.version == stored["schema"]
    assert [trial.name for trial in loaded.trials] == [trial["name"] for trial in stored["trials"]]
    checked(json.loads(document([Evidence(loaded)])))
    assert json.loads(document([Evidence(loaded)]))["schema"] == READABLE[-1]


@pytest.mark.parametrize(
    "evidence",
    [
        reporting.bug(),
        reporting.with_contexts(),
        redact(reporting.with_contexts()),
        reporting.hostile(),
        redact(reporting.hostile()),
        Evidence(run(complete=False)),
    ],
)
def test_what_is_printed_fits_the_schema_and_loads_again(evidence: Evidence, tmp_path: Path) -> None:
    text = document([evidence])
    checked(json.loads(text))
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    assert load(tmp_path) == evidence.run.model_copy(update={"version": READABLE[-1]})


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 4}, {"schema": "2"}, {"flavour": 1}, {"trials": None}, {"complete": "yes"}, {"name": 5},
        {"base": {"reference": "x", "source": "elsewhere"}}, {"started": 5},
    ],
)  # fmt: skip
def test_the_schema_refuses_what_lab_refuses(change: dict[str, Any], tmp_path: Path) -> None:
    value = {**json.loads(document([reporting.bug()])), **change}
    with pytest.raises(jsonschema.ValidationError):
        checked(value)


def test_a_wrong_word_deep_inside_is_refused() -> None:
    value = json.loads(document([reporting.bug()]))
    value["trials"][0]["build"]["steps"][0]["outcome"] = "maybe"
    with pytest.raises(jsonschema.ValidationError):
        checked(value)


def test_several_runs_are_a_list() -> None:
    found = json.loads(document([reporting.bug(), reporting.sample()]))
    assert [item["name"] for item in found] == ["20260527T183000Z-copy-bust", "20261123T212733Z-copy-bust"]


def test_the_words_of_the_schema_are_the_models() -> None:
    outcomes = run_schema()["$defs"]["Outcome"]["enum"]
    assert outcomes == [outcome.value for outcome in Outcome]
    assert "trials" in Run.model_fields


# --- files of a folder


def test_names_of_files_stay_in_their_folder_and_apart() -> None:
    form = Format(lambda runs: "whole", ".x", parts=lambda run: dict.fromkeys(("a:1", "a/1", "../a\n1", "é"), "part"))
    made = Evidence(reporting.bug().run.model_copy(update={"name": "../evil"}))
    assert list(form.files(made)) == ["_evil-a_1.x", "_evil-a_1-1.x", "_evil-.._a_1.x", "_evil-_.x"]
    assert list(FORMATS["md"].files(made)) == ["_evil.md"]
    assert list(FORMATS["md"].files(Evidence(made.run.model_copy(update={"name": "../"})))) == ["_.md"]


def test_what_goes_into_a_folder_is_redacted_as_what_is_printed() -> None:
    made = reporting.with_contexts()
    for form in FORMATS.values():
        texts = form.files(made).values()
        assert all("hunter2" not in text for text in texts)
    assert any("hunter2" in text for text in FORMATS["sh"].files(made, redacted=False).values())
