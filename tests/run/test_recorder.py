"""A run in progress on disk: trials are appended, and whatever ends the program, what was stored is readable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.buildkit.contenthash.entry import file
from lab.errors import ConfigError, HostError
from lab.report.bundle import evidence_of
from lab.results import journal
from lab.results.contexts import Packed, pack
from lab.results.run import Production, Run, load, save
from lab.results.shelf import summaries
from lab.run.recorder import Recorder
from tests import reporting
from tests.conftest import ROOT
from tests.reporting import HIT, RAN, facts, trial

EMPTY = reporting.run().model_copy(update={"complete": False, "finished": None})
FIRST, SECOND = trial("a", "b", (HIT, HIT, HIT)), trial("b", "a", (HIT, RAN, RAN))


def context(text: bytes) -> Packed:
    return pack([file("bar", text)], None, ())


def recorded(folder: Path) -> tuple[Recorder, tuple[str, str]]:
    """A recorder with two trials, the second with a context of its own."""
    recorder = Recorder(folder, EMPTY)
    recorder.update()
    keys = recorder.keep(context(b"one\n")), recorder.keep(context(b"two\n"))
    recorder.add(FIRST.model_copy(update={"context": keys[0]}))
    assert recorder.keep(context(b"one\n")) == keys[0]
    recorder.add(SECOND.model_copy(update={"context": keys[1]}))
    return recorder, keys


def test_a_trial_is_appended_and_neither_the_run_nor_the_table_is_written(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, EMPTY)
    recorder.update()
    before = (tmp_path / "run.json").stat()
    recorder.add(FIRST)
    recorder.add(SECOND)
    after = (tmp_path / "run.json").stat()
    assert (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, after.st_size, after.st_mtime_ns)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "trials.jsonl"]
    assert load(tmp_path) == recorder.run
    assert [item.name for item in load(tmp_path).trials] == [FIRST.name, SECOND.name]


def test_a_context_is_stored_once_beside_the_first_trial_after_it(tmp_path: Path) -> None:
    recorder, keys = recorded(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / journal.NAME).read_text().splitlines()]
    assert [sorted(line["contexts"]) for line in lines] == [sorted(keys), []]
    assert [len(line["contents"]) for line in lines] == [2, 0]
    assert load(tmp_path) == recorder.run
    assert set(load(tmp_path).contexts) == set(keys)


def test_another_change_writes_the_run_whole(tmp_path: Path) -> None:
    recorder, _ = recorded(tmp_path)
    recorder.update(fresh="snapshot")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    recorder.add(trial("a", "a", (HIT, HIT, HIT)))
    assert load(tmp_path) == recorder.run
    assert (load(tmp_path).fresh, len(load(tmp_path).trials)) == ("snapshot", 3)


def test_a_trial_that_is_made_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    recorder, _ = recorded(tmp_path)
    again = SECOND.model_copy(update={"because": "again"})
    recorder.add(again)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert load(tmp_path).trials[1] == recorder.run.trials[1] == again


def test_facts_and_productions_are_appended_too(tmp_path: Path) -> None:
    recorder, _ = recorded(tmp_path)
    made = Production(producer="a", engine="19.03.8", reference="localhost:5000/x", context="of b")
    before = (tmp_path / "run.json").read_bytes()
    for _ in range(2):  # equal facts and productions may be stored twice, unlike trials
        recorder.add(facts("a"))
        recorder.add(made)
    assert (tmp_path / "run.json").read_bytes() == before
    assert load(tmp_path) == recorder.run
    assert (len(recorder.run.boxes), recorder.run.productions[-1]) == (len(EMPTY.boxes) + 2, made)


def test_what_is_stored_is_not_copied_for_each_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, _ = recorded(tmp_path)
    copies: list[Run] = []
    copy = Run.model_copy

    def counted(run: Run, **more: Any) -> Run:
        copies.append(run)
        return copy(run, **more)

    monkeypatch.setattr(Run, "model_copy", counted)
    for number in range(20):
        recorder.keep(context(b"%d\n" % number))
        recorder.add(trial(f"box{number}", "b", (HIT, HIT, HIT)))
        assert recorder.ground.trials == ()
    assert copies == []
    assert recorder.run is recorder.run
    assert len(copies) == 1
    assert (len(recorder.run.trials), len(recorder.run.contexts)) == (22, 22)


def test_the_end_draws_the_table_and_leaves_one_file_of_the_run(tmp_path: Path) -> None:
    recorder, _ = recorded(tmp_path)
    recorder.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "table.txt"]
    assert "incomplete" in (tmp_path / "table.txt").read_text()
    assert load(tmp_path) == recorder.run


KILLED = """\
import os, signal, sys
from pathlib import Path
from lab.run.recorder import Recorder
from tests.run.test_recorder import recorded
recorded(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_sigkill_leaves_every_stored_trial(tmp_path: Path) -> None:
    folder = tmp_path / "20260527T183000Z-copy-bust"
    folder.mkdir()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], env=env, cwd=ROOT, timeout=120)
    assert done.returncode == -signal.SIGKILL
    run = load(folder)
    assert [item.name for item in run.trials] == [FIRST.name, SECOND.name]
    assert not run.complete
    [summary] = summaries(tmp_path)
    assert (summary.problem, dict(summary.verdicts)) == (None, {"as expected": 2})
    assert set(evidence_of(folder).contexts) == {FIRST.name, SECOND.name}


@pytest.mark.parametrize("left", [0, 1, 40])
def test_a_last_line_that_is_cut_is_dropped(tmp_path: Path, left: int) -> None:
    recorded(tmp_path)
    path = tmp_path / journal.NAME
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:left])
    assert [item.name for item in load(tmp_path).trials] == [FIRST.name]
    path.write_bytes(first + second.rstrip(b"\n"))  # whole, but that is not known without its line end
    assert [item.name for item in load(tmp_path).trials] == [FIRST.name]


def test_lines_that_are_in_the_run_already_count_once(tmp_path: Path) -> None:
    """The program may be killed after it wrote run.json and before it removed the lines."""
    recorder, _ = recorded(tmp_path)
    lines = (tmp_path / journal.NAME).read_bytes()
    save(tmp_path, recorder.run)
    (tmp_path / journal.NAME).write_bytes(lines)
    assert load(tmp_path) == recorder.run


@pytest.mark.parametrize("line", ["", "{}", "[]", '"x"', "nonsense", '{"trial": 1, "contexts": {}, "contents": {}}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    recorded(tmp_path)
    path = tmp_path / journal.NAME
    path.write_text(f"{line}\n{path.read_text()}")
    with pytest.raises(ConfigError, match=r"run\.json with trials\.jsonl, line 1: not a trial of lab"):
        load(tmp_path)


def test_a_trial_of_another_form_is_named(tmp_path: Path) -> None:
    recorded(tmp_path)
    path = tmp_path / journal.NAME
    path.write_text(path.read_text().replace('"as expected"', '"odd"'))
    with pytest.raises(ConfigError, match=r"trials\.0\.verdict: Input should be 'as expected'"):
        load(tmp_path)


def test_a_disk_that_refuses_is_an_error_of_this_machine(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, EMPTY)
    (tmp_path / journal.NAME).mkdir()
    with pytest.raises(HostError, match=r"cannot write .*trials\.jsonl: Is a directory"):
        recorder.add(FIRST)


def test_a_whole_run_has_one_form_only(tmp_path: Path) -> None:
    made: Run = reporting.run(FIRST, SECOND)
    save(tmp_path, made, "the table")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "table.txt"]
