"""Runs on disk: they come back as they went, and a file of another lab, or of nobody's, is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from lab.errors import ConfigError, HostError, LabError, UsageError
from lab.model import Outcome, Verdict
from lab.results.facts import BuildResult, CacheImport, StepResult
from lab.results.run import Production, Trial, find, load, save
from lab.results.shelf import create_folder, run_name
from tests import reporting

WHEN = datetime(2026, 5, 27, 18, 30, 5, tzinfo=UTC)
BUILD = BuildResult(
    steps=(
        StepResult(instruction="RUN a", outcome=Outcome.HIT, expected=Outcome.HIT),
        StepResult(instruction="COPY b b", outcome=Outcome.RAN, expected=Outcome.HIT, seconds=0.5),
    ),
    context_bytes=24,
    dockerfile_bytes=70,
    imports=(CacheImport(ref="localhost:5000/x", ok=True), CacheImport(ref="y", ok=None)),
    image="sha256:" + "0" * 64,
)


def trial(verdict: Verdict) -> Trial:
    return reporting.trial("a", "b", None, verdict, engine="e", scenario="s")


RUN = reporting.run(
    trial(Verdict.MISSED).model_copy(update={"build": BUILD, "because": "why", "seconds": 1.5}),
    name="r",
    scenario="s",
    started=WHEN,
    finished=WHEN + timedelta(minutes=3),
    dockerfile="FROM alpine\n",
    instructions=("RUN a", "COPY b b"),
    boxes=(reporting.facts("one", "e", security=("seccomp", "selinux"), info="grün"),),
    productions=(Production(producer="a", engine="e", reference="x", build=BUILD),),
)


def refusal(folder: Path, content: str | bytes) -> ConfigError:
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        load(folder)
    assert caught.value.message.startswith(f"cannot read {folder / 'run.json'}: ")
    return caught.value


def test_a_run_comes_back_as_it_went(tmp_path: Path) -> None:
    save(tmp_path / "r", RUN, "the table")
    assert load(tmp_path / "r") == RUN
    assert (tmp_path / "r" / "table.txt").read_text(encoding="utf-8") == "the table\n"
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["run.json", "table.txt"]


def test_the_file_speaks_in_words(tmp_path: Path) -> None:
    save(tmp_path, RUN, "")
    data = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert data["schema"] == 4
    assert data["started"] == "2026-05-27T18:30:05Z"
    assert data["trials"][0]["verdict"] == "missed"
    assert data["trials"][0]["build"]["steps"][1] == {
        "instruction": "COPY b b",
        "outcome": "ran",
        "expected": "hit",
        "seconds": 0.5,
        "targets": [],
    }
    assert data["boxes"][0]["security"] == ["seccomp", "selinux"]


def test_a_newer_schema_is_refused_with_the_way_on(tmp_path: Path) -> None:
    error = refusal(tmp_path, RUN.to_json().replace('"schema": 4', '"schema": 5'))
    assert error.message.endswith("its schema is 5, this version of lab reads 1 to 4")
    assert error.hint == "a newer version of lab wrote it; update lab"


@pytest.mark.parametrize("schema", ["0", "null", '"1"', "-3"])
def test_a_schema_that_never_was_is_refused(tmp_path: Path, schema: str) -> None:
    assert refusal(tmp_path, f'{{"schema": {schema}}}').hint is None


@pytest.mark.parametrize("content", ["", "hello", "[]", "5", "null", '"text"', b"\xff\xfe", "[" * 100_000])
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, content: str | bytes) -> None:
    assert "has no attribute" not in refusal(tmp_path, content).message


def test_json_of_somebody_elses_names_what_lacks(tmp_path: Path) -> None:
    assert refusal(tmp_path, "{}").message.endswith("its schema is None, this version of lab reads 1 to 4")
    assert refusal(tmp_path, '{"schema": 1}').message.endswith("name: Field required")
    wrong = RUN.to_json().replace('"missed"', '"bust"')
    assert "trials.0.verdict: Input should be 'as expected'" in refusal(tmp_path, wrong).message
    assert "flavour: Extra inputs" in refusal(tmp_path, RUN.to_json().replace("{", '{"flavour": 1,', 1)).message


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_half_a_file_is_refused(tmp_path: Path, share: float) -> None:
    text = RUN.to_json().rstrip()
    refusal(tmp_path, text[: int(len(text) * share)])


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    assert caught.value.message == f"cannot find a run at {tmp_path}: no run.json in it"


@pytest.mark.parametrize(
    ("complete", "verdicts", "good"),
    [
        (True, [Verdict.AS_EXPECTED, Verdict.AS_EXPECTED], True),
        (True, [Verdict.AS_EXPECTED, Verdict.MISSED], False),
        (True, [Verdict.UNEXPECTED_HIT], False),
        (True, [Verdict.BROKEN], False),
        (False, [Verdict.AS_EXPECTED], False),
        (True, [], False),  # no trial shows nothing
    ],
)
def test_a_run_is_as_expected_if_it_is_whole_and_every_trial_is(
    complete: bool, verdicts: list[Verdict], good: bool
) -> None:
    run = RUN.model_copy(update={"complete": complete, "trials": tuple(trial(verdict) for verdict in verdicts)})
    assert run.as_expected is good


# --- folders and names


def test_a_run_is_named_by_its_moment_in_utc() -> None:
    assert run_name("copy-bust", WHEN) == "20260527T183005Z-copy-bust"
    east = timezone(timedelta(hours=2))
    assert run_name("copy-bust", datetime(2026, 5, 28, 1, 0, 0, tzinfo=east)) == "20260527T230000Z-copy-bust"


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path) -> None:
    names = [create_folder(tmp_path / "results", "s", WHEN).name for _ in range(3)]
    assert names == ["20260527T183005Z-s", "20260527T183005Z-s-2", "20260527T183005Z-s-3"]


def test_results_that_cannot_be_written_are_an_error_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file", encoding="utf-8")
    with pytest.raises(HostError, match=r"cannot write .*results"):
        create_folder(tmp_path / "results", "s", WHEN)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for name in ("20260101T000000Z-old", "20260527T183005Z-new", "sample"):
        save(tmp_path / name, RUN, "")
    (tmp_path / "29990101T000000Z-empty").mkdir()
    return tmp_path


def test_a_run_is_found_by_name_path_or_as_the_newest(three: Path) -> None:
    assert find(three, "sample") == three / "sample"
    assert find(three, str(three / "20260101T000000Z-old")) == three / "20260101T000000Z-old"
    assert find(three, None) == three / "20260527T183005Z-new"


def test_an_unknown_run_is_guessed(three: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find(three, "20260527T183005Z-nw")
    message = 'cannot find the run "20260527T183005Z-nw" (did you mean "20260527T183005Z-new"?)'
    assert caught.value.message == message


@pytest.mark.parametrize("name", ["none", "sample"])
def test_without_runs_there_is_none(tmp_path: Path, name: str) -> None:
    if name == "sample":
        save(tmp_path / name, RUN, "")  # what the README shows is no run of the user's
    with pytest.raises(LabError) as caught:
        find(tmp_path, None)
    more = ", or name lab's own run: sample" if name == "sample" else ""
    assert caught.value.hint == f"make one with `python -m lab repro`{more}"
