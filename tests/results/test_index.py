"""The index over the stored runs: it reads what has changed, and never knows better than the folders."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from lab.boxes.transcript import Transcript
from lab.model import Verdict
from lab.results import index, journal
from lab.results import run as stored
from lab.results.run import Run, save
from lab.results.shelf import proven_boxes
from lab.results.summary import step_counts, summary_of
from lab.run.recorder import Recorder
from tests import reporting
from tests.conftest import ROOT
from tests.reporting import HIT, RAN, WHEN, trial

ONE = reporting.run(trial("a", "b", (HIT, RAN, RAN)))
TWO = reporting.run(trial("a", "b", (HIT, HIT, HIT)), trial("b", "a", (HIT, HIT, HIT)))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    for name, run in (("20260101T000000Z-x", ONE), ("20260102T000000Z-x", TWO)):
        (folder / name).mkdir(parents=True)
        save(folder / name, run)
    return folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the folders that were read."""
    names: list[str] = []
    load = stored.load

    def reading(folder: Path) -> Run:
        names.append(folder.name)
        return load(folder)

    monkeypatch.setattr(stored, "load", reading)
    return names


def check(results: Path, *runs: tuple[str, Run]) -> None:
    """The index holds what these runs hold."""
    assert index.summaries(results) == [summary_of(name, run) for name, run in runs]
    assert [(item.run, item.steps) for item in index.counts(results)] == [
        (name, steps) for name, run in runs for steps in step_counts(run)
    ]


BOTH = (("20260101T000000Z-x", ONE), ("20260102T000000Z-x", TWO))


def test_a_run_is_read_once(results: Path, reads: list[str]) -> None:
    check(results, *BOTH)
    check(results, *BOTH)
    assert reads == [name for name, _ in BOTH]
    assert (results / index.NAME).is_file()


def test_the_boxes_on_which_engines_were_used_come_from_the_index(results: Path, reads: list[str]) -> None:
    expected = {engine: ["a", "b"] for engine in sorted({box.engine for box in (*ONE.boxes, *TWO.boxes)})}
    assert {box.name for box in (*ONE.boxes, *TWO.boxes)} == {"a", "b"}
    assert expected and proven_boxes(results) == expected
    assert len(reads) == 2
    assert proven_boxes(results) == expected
    assert len(reads) == 2
    shutil.rmtree(results / BOTH[0][0])
    shutil.rmtree(results / BOTH[1][0])
    assert proven_boxes(results) == {}


def test_where_there_is_no_run_no_index_is_made(tmp_path: Path) -> None:
    assert proven_boxes(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_only_what_changed_is_read_again(results: Path, reads: list[str]) -> None:
    check(results, *BOTH)
    reads.clear()
    save(results / BOTH[0][0], TWO)
    check(results, (BOTH[0][0], TWO), BOTH[1])
    assert reads == [BOTH[0][0]]
    shutil.rmtree(results / BOTH[1][0])
    check(results, (BOTH[0][0], TWO))
    assert reads == [BOTH[0][0]]


def test_a_run_in_progress_is_followed(results: Path) -> None:
    folder = results / "20260103T000000Z-x"
    folder.mkdir()
    recorder = Recorder(folder, reporting.run(complete=False, instructions=reporting.STEPS))
    recorder.update()
    check(results, *BOTH, (folder.name, recorder.run))
    for item in TWO.trials:
        recorder.add(item)
        assert (folder / journal.NAME).exists()
        check(results, *BOTH, (folder.name, recorder.run))


def test_the_newest_runs_are_read_alone_and_no_other_is_forgotten(results: Path, reads: list[str]) -> None:
    assert index.newest(results, 1) == [summary_of(BOTH[1][0], TWO)]
    assert reads == [BOTH[1][0]]
    check(results, *BOTH)
    shutil.rmtree(results / BOTH[1][0])
    assert index.newest(results, 1) == [summary_of(BOTH[0][0], ONE)]
    assert sorted(reads) == [name for name, _ in BOTH]


def test_of_the_newest_runs_one_that_goes_on_is_left_out(tmp_path: Path, reads: list[str]) -> None:
    folder = tmp_path / "20260103T000000Z-x"
    folder.mkdir()
    save(folder, ONE)
    transcript = Transcript(folder / "transcript.jsonl", folder.name)  # as the run itself has it open
    assert index.newest(tmp_path, 20) == []
    assert reads == []
    assert not (tmp_path / index.NAME).exists()  # the first run of a folder makes nothing but its own
    transcript.close()
    assert index.newest(tmp_path, 20) == [summary_of(folder.name, ONE)]


@pytest.mark.parametrize("content", [b"", b"nonsense" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_index_is_built_again(results: Path, content: bytes) -> None:
    check(results, *BOTH)
    (results / index.NAME).write_bytes(content)
    check(results, *BOTH)
    assert sqlite3.connect(results / index.NAME).execute("SELECT count(*) FROM runs").fetchone() == (2,)


@pytest.mark.parametrize("place", range(0, 20_000, 1500))
def test_an_index_with_some_damaged_bytes_never_ends_the_program(results: Path, place: int) -> None:
    check(results, *BOTH)
    path = results / index.NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:place] + b"\xee" * 700 + whole[place + 700 :])
    assert len(index.summaries(results)) == 2
    index.counts(results)


def test_rows_that_lab_cannot_read_are_built_again(results: Path) -> None:
    check(results, *BOTH)
    with sqlite3.connect(results / index.NAME) as connection:
        connection.execute("UPDATE runs SET summary = '{\"name\": 1}'")
    check(results, *BOTH)


@pytest.mark.parametrize("started", ["0001-01-01T00:00:00+14:00", "2024-01-01T00:00:00"])
def test_a_time_that_no_run_has_is_not_taken_from_the_index(results: Path, started: str) -> None:
    check(results, *BOTH)
    with sqlite3.connect(results / index.NAME) as connection:
        connection.execute("UPDATE runs SET summary = json_set(summary, '$.started', ?)", (started,))
    connection.close()
    check(results, *BOTH)


@pytest.mark.parametrize("version", [0, index.VERSION + 1])
def test_an_index_of_another_version_is_built_again(results: Path, version: int, reads: list[str]) -> None:
    check(results, *BOTH)
    reads.clear()
    connection = sqlite3.connect(results / index.NAME)
    connection.executescript(f"ALTER TABLE runs RENAME TO other; PRAGMA user_version = {version}")
    connection.close()
    check(results, *BOTH)
    assert reads == [name for name, _ in BOTH]


def test_a_run_that_cannot_be_read_has_its_problem_each_time(results: Path) -> None:
    check(results, *BOTH)
    (results / BOTH[0][0] / "run.json").write_text("{")
    for _ in range(2):
        broken, whole = index.summaries(results)
        assert broken.problem is not None
        assert "cannot read" in broken.problem
        assert whole == summary_of(*BOTH[1])
        assert {item.run for item in index.counts(results)} == {BOTH[1][0]}


def test_without_a_place_for_the_file_the_index_is_in_memory(results: Path) -> None:
    (results / index.NAME.parent).write_text("a file where the folder should be")
    check(results, *BOTH)


def test_while_another_process_holds_the_file_the_index_is_in_memory(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(results, *BOTH)
    monkeypatch.setattr(index, "WAIT", 0.01)
    holder = sqlite3.connect(results / index.NAME, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    save(results / BOTH[0][0], TWO)
    check(results, (BOTH[0][0], TWO), BOTH[1])
    holder.close()
    check(results, (BOTH[0][0], TWO), BOTH[1])


def test_several_processes_build_one_index(results: Path) -> None:
    text = "import sys; from pathlib import Path; from lab.results import index; index.counts(Path(sys.argv[1]))"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [subprocess.Popen([sys.executable, "-c", text, str(results)], env=env) for _ in range(4)]
    assert [process.wait(120) for process in started] == [0, 0, 0, 0]
    connection = sqlite3.connect(results / index.NAME)
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check(results, *BOTH)


def test_a_name_that_is_not_text_is_indexed(results: Path) -> None:
    name = os.fsdecode(b"20260103T000000Z-\xff")
    (results / name).mkdir()
    save(results / name, ONE)
    check(results, *BOTH, (name, ONE))


def test_a_trial_of_several_runs_is_counted_once(tmp_path: Path) -> None:
    """Two shards, one run of both, a bundle of a shard merged again, and a trial that did not begin."""
    moments = [WHEN + timedelta(minutes=number) for number in range(3)]
    one = trial("a", "a", (HIT, HIT, HIT), started=moments[0])
    two = trial("a", "b", (HIT, RAN, RAN), started=moments[1])
    lost = trial("b", "b", None, Verdict.BROKEN)
    again = one.model_copy(update={"started": moments[2]})  # another real trial of the same cell
    runs = {
        "run-1": reporting.run(one),
        "run-2": reporting.run(two, lost),
        "all": reporting.run(one, two, lost, merged=("run-1", "run-2")),  # sorts before its parts
        "wider": reporting.run(one, two, lost, again, merged=("run-1", "run-2", "gone")),
    }

    def found() -> list[tuple[str, str, str]]:
        steps = [(item.run, item.steps) for item in index.counts(tmp_path)]
        return [(name, step.box, step.outcome) for name, step in steps if step.step == reporting.STEPS[1]]

    for name, run in runs.items():
        (tmp_path / name).mkdir()
        save(tmp_path / name, run)
    own = [("run-1", "a", "hit"), ("run-2", "b", "ran"), ("run-2", "b", "broken")]
    assert found() == [*own, ("wider", "a", "hit")]
    shutil.rmtree(tmp_path / "run-2")  # its trials are those of the merged run now
    assert found() == [("all", "b", "ran"), ("all", "b", "broken"), own[0], ("wider", "a", "hit")]
    shutil.rmtree(tmp_path / "all")
    assert sorted(found()) == sorted(
        [own[0], *(("wider", box, outcome) for _, box, outcome in own[1:]), ("wider", "a", "hit")]
    )
