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
from click.testing import CliRunner
from junitparser import Error, Failure, JUnitXml, Properties, TestCase

from lab.cli.reports import report
from lab.errors import Fault
from lab.model import Outcome, Verdict
from lab.project import Project
from lab.report import bundle, docker
from lab.report.document import document, run_schema
from lab.report.evidence import Evidence
from lab.report.findings import Kind, findings, plain
from lab.report.formats import FORMATS, Format, joined
from lab.report.junit import junit
from lab.report.markdown import markdown
from lab.report.page.lead import lead
from lab.report.page.trial import view
from lab.report.redact import redact
from lab.report.spreadsheet import COLUMNS, spreadsheet
from lab.report.table import table
from lab.report.trials import in_order, steps_of
from lab.results.run import READABLE, Run, load
from tests import reporting
from tests.conftest import ROOT
from tests.reporting import HIT, RAN, RUNS, UNKNOWN, run, trial

PROJECT = Project(ROOT, ROOT)

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
    assert found[0].classname.startswith("a`|<b>>=cmd|'calc'!A1:")
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
    row = found[1]
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
    assert found[0]["consumer"] == "'=cmd|'calc'!A1"
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
        {"schema": 5}, {"schema": "2"}, {"flavour": 1}, {"trials": None}, {"complete": "yes"}, {"name": 5},
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
    form = Format(
        lambda runs, project: "whole", ".x", parts=lambda run: dict.fromkeys(("a:1", "a/1", "../a\n1", "é"), "part")
    )
    made = Evidence(reporting.bug().run.model_copy(update={"name": "../evil"}))
    assert list(form.files(made, PROJECT)) == ["_evil-a_1.x", "_evil-a_1-1.x", "_evil-.._a_1.x", "_evil-_.x"]
    assert list(FORMATS["md"].files(made, PROJECT)) == ["_evil.md"]
    assert list(FORMATS["md"].files(Evidence(made.run.model_copy(update={"name": "../"})), PROJECT)) == ["_.md"]


def test_what_goes_into_a_folder_is_redacted_as_what_is_printed() -> None:
    made = reporting.with_contexts()
    for form in FORMATS.values():
        texts = form.files(made, PROJECT).values()
        assert all("hunter2" not in text for text in texts)
    assert any("hunter2" in text for text in FORMATS["sh"].files(made, PROJECT, redacted=False).values())


# --- one form is one function and one line


def test_a_new_form_is_one_line_and_its_verb_knows_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def names(evidence: Evidence) -> str:
        return "\n".join(trial.name for trial in evidence.run.trials) + "\n"

    monkeypatch.setitem(FORMATS, "names", Format(joined(names), ".names", packed="names.txt"))
    sample = ROOT / "tests" / "data" / "runs" / "default-and-user-xattr"
    done = CliRunner().invoke(report, [str(sample), "--format", "names"])
    assert (done.exit_code, done.output) == (0, names(Evidence(load(sample))))
    assert "names" in CliRunner().invoke(report, ["--help"]).output
    assert CliRunner().invoke(report, [str(sample), "--format", "nmes"]).exit_code == 2
    (tmp_path / "a.tar.gz").write_bytes(bundle.pack(sample, PROJECT))
    assert bundle.read(tmp_path / "a.tar.gz").files["names.txt"].decode() == done.output


# --- one answer to one question


def several_findings() -> Evidence:
    """Two trials with one cause, a miss on purpose, a wrong hit, a contradicted prediction, two broken trials."""
    made = (
        trial("a", "b", (HIT, RAN, RAN)),
        trial("b", "a", (HIT, RAN, RAN)),
        trial("a", "a", (HIT, RAN, RAN), variation="xattr", because="an attribute"),
        trial("a", "a", (HIT, HIT, HIT), Verdict.UNEXPECTED_HIT, variation="mode", expected=(HIT, RAN, RAN)),
        trial("a", "a", (HIT, HIT, HIT), predicted=(HIT, RAN, RAN)),
        trial("b", "b", None, Verdict.BROKEN, problem="no space left"),
        trial("c", "c", None, Verdict.BROKEN, problem="no space left"),
        trial("d", "d", (HIT, HIT, HIT)),
    )
    causes = {item.name: reporting.explained(item) for item in made[:2]}
    return Evidence(run(*made), causes)


def test_every_form_counts_the_same_findings() -> None:
    evidence = several_findings()
    found = findings(evidence)
    assert [(item.kind, len(item.trials)) for item in found] == [
        (Kind.UNEXPECTED_HIT, 1),
        (Kind.CONTRADICTED, 1),
        (Kind.MISS, 2),
        (Kind.MISS, 1),
        (Kind.BROKEN, 2),
    ]
    assert [item.deliberate for item in found] == [False, False, False, True, False]
    views = [view(number, evidence, item) for number, item in enumerate(in_order(evidence.run), 1)]
    assert len(lead(evidence, views).cards) == 5
    assert "The run has 5 findings (1 of a change made on purpose, 1 of broken trials)." in markdown(evidence)
    [suite] = JUnitXml.fromstring(junit([evidence]).encode())
    assert properties(suite)["findings"] == "5"


def test_every_form_shows_the_trials_in_one_order() -> None:
    evidence = Evidence(run(*(trial("b", "a", (HIT, HIT, HIT), engine=name) for name in ("19.03.13", "19.03.8"))))
    wanted = ["19.03.8", "19.03.13"]
    assert [item.engine for item in in_order(evidence.run)] == wanted
    assert [re.findall(r"19\.03\.\d+", line)[0] for line in table(evidence.run).splitlines()[4:6]] == wanted
    rows = [line for line in markdown(evidence).splitlines() if line.startswith("| `b`")]
    assert [re.findall(r"19\.03\.\d+", line)[0] for line in rows] == wanted
    assert [case.classname for case in cases(evidence)][::3] == [f"b>a:{name}/copy-bust:none" for name in wanted]
    assert [row["engine"] for row in sheet(evidence)][::3] == wanted


def test_a_step_that_was_not_read_is_unknown_in_every_form() -> None:
    made = trial("a", "b", (HIT,), steps=reporting.STEPS[:1])
    evidence = Evidence(run(made))
    assert [step.outcome for step in steps_of(evidence.run, made)] == [HIT, UNKNOWN, UNKNOWN]
    assert [row["outcome"] for row in sheet(evidence)] == ["hit", "unknown", "unknown"]
    assert [properties(case)["outcome"] for case in cases(evidence)] == ["hit", "unknown", "unknown"]
    assert "hit           unknown       unknown" in table(evidence.run)
    assert "| hit | **unknown** | **unknown** |" in markdown(evidence)
    assert [step.outcome.value for step in view(1, evidence, made).steps] == ["hit", "unknown", "unknown"]


def test_a_broken_trial_without_any_step_is_an_error_too() -> None:
    lost = trial("a", "b", None, Verdict.BROKEN, problem="the machine is gone")
    [case] = cases(Evidence(run(lost, steps=())))
    assert [type(result) for result in case.result] == [Error]
    assert (case.result[0].type, str(case.result[0].text)) == ("command", "the machine is gone")


def test_a_broken_trial_never_fails() -> None:
    """Its steps ran against expectation because the cache could not be read: that is no result of the steps.

    Without a stored fault, a trial with a build is broken by the output, and one without a build by a command.
    """
    lost = trial("a", "b", (HIT, RAN, RAN), Verdict.BROKEN, expected=(HIT, HIT, HIT), predicted=(HIT, HIT, HIT))
    found = cases(Evidence(run(lost)))
    assert [[(type(result), result.type) for result in case.result] for case in found] == [[(Error, "output")]] * 3


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Docker 20.10.24 hashes it (R5)", "Docker 20.10.24 hashes it"),
        ("Docker x hashes them (R5+xattrs=all)", "Docker x hashes them"),
        ("by other rules (R1) than b (R5)", "by other rules than b"),
        ("the mode (0644) differs.", "the mode (0644) differs"),
        ("the label is hashed (fixed by moby/moby#41222)", "the label is hashed (fixed by moby/moby#41222)"),
    ],
)
def test_a_reader_never_sees_the_name_of_a_rule_set(sentence: str, said: str) -> None:
    assert plain(sentence) == said


SOCKET = ("-H", "unix:///run/lab/docker.sock")


@pytest.mark.parametrize(
    ("argv", "client", "words", "verb"),
    [
        (["docker", "build", "."], 1, ["build", "."], "build"),
        (["docker", *SOCKET, "push", "x"], 3, ["push", "x"], "push"),
        (["/opt/engine/docker", *SOCKET, "system", "prune", "-a"], 3, ["system", "prune", "-a"], "system prune"),
        (
            ["sudo", "-n", "--preserve-env=A", "docker", "buildx", "build", "."],
            4,
            ["buildx", "build", "."],
            "buildx build",
        ),
        (["docker"], 1, [], ""),
    ],
)
def test_a_docker_command_is_told_from_how_its_client_was_called(
    argv: list[str], client: int, words: list[str], verb: str
) -> None:
    assert docker.split(argv) == (tuple(argv[:client]), tuple(words))
    assert docker.verb(argv) == verb
    assert docker.builds(argv) == verb.endswith("build")
    assert docker.prunes(argv) == verb.endswith("prune")


@pytest.mark.parametrize("argv", [[], ["sh", "-c", "docker build ."], ["sudo"], ["sudo", "-n"], ["mydocker", "build"]])
def test_what_is_not_docker_is_no_docker_command(argv: list[str]) -> None:
    assert docker.split(argv) is None
    assert docker.verb(argv) == ""
