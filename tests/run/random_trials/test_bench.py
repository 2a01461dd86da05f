"""One trial on a stand-in for Docker's client, whose output is that of a build with BuildKit."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.errors import EngineError
from lab.model import Outcome
from lab.registry.server import Registry
from lab.results.contexts import load_context
from lab.results.run import load as load_run
from lab.run.random_trials.bench import Bench, Seat, filled
from lab.run.random_trials.case import Case, Names, Stage, change
from lab.run.random_trials.stored import load
from lab.run.station import Station
from tests.conftest import ROOT
from tests.run.random_trials.test_stored import FILES
from tests.vectors import BOOK

STORED = load(FILES[0]).run
FACTS = load_run(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]
NAMES = Names(
    base="localhost:1/base:1", tagged="localhost:1/tagged:1", other="localhost:1/other:1", server="localhost:1"
)
DOCKER = """\
#!/bin/sh
echo "$*" >> {log}
case "$1" in
build)
  case "$*" in *--cache-from*) printf '#1 [2/2] COPY a /a\\n#1 CACHED\\n' >&2 ;; esac
  test ! -e broken || {{ echo "it broke" >&2; exit 1; }} ;;
version) exit {answers} ;;
esac
"""
CASE = Case(
    stages=(Stage(start="FROM {{base}}", lines=("COPY a /a",)),),
    files={"a": "a"},
    arguments={"A": "1"},
    flags=("--network=none",),
    change=(change(append={"a": "{{server}}"}),),
)


def bench(folder: Path, answers: int = 0) -> Bench:
    program = folder / "docker"
    program.write_text(DOCKER.format(log=folder / "log", answers=answers))
    program.chmod(0o755)
    engine = Engine("20.10.24", (str(program),), "20.10.24", "20.10.24", "")
    registry = Registry("localhost:1", "external")
    home = PurePosixPath(folder / "home")
    station = Station(LocalBox("local"), lambda what: nullcontext(), engine, FACTS, home, registry)
    assert STORED.base_image
    images = dict.fromkeys((NAMES.base, NAMES.tagged, NAMES.other), STORED.base_image)
    return Bench({"20.10.24": Seat(station)}, registry, NAMES, images, BOOK)


def commands(folder: Path) -> list[str]:
    """The first word of each call of Docker's client."""
    return [line.split()[0] for line in (folder / "log").read_text().splitlines()]


def test_a_trial_gives_what_was_printed_and_what_its_prediction_needs(tmp_path: Path) -> None:
    made = bench(tmp_path).make(CASE, "20.10.24", "20.10.24", "7")
    assert made.problem is None
    assert [(step.place, step.outcome) for step in made.seen] == [(("", 2), Outcome.HIT)]
    [step] = made.steps
    assert step.unknown and step.predicted is Outcome.UNKNOWN  # no image was pushed, so nothing is known of its cache
    assert made.run.dockerfile == "FROM localhost:1/base:1\nCOPY a /a\n"
    [producer, consumer] = [load_context(made.run, key) for key in made.run.contexts]
    assert not isinstance(producer, str) and not isinstance(consumer, str)
    contents = [{item.path: item.content for item in side.objects} for side in (producer, consumer)]
    assert [side["a"] for side in contents] == [b"a", b"alocalhost:1\n"]
    assert made.run.trials[0].options.arguments == {"A": "1"}
    assert made.run.trials[0].options.flags == ("--network=none",)


def test_both_sides_begin_on_an_engine_that_was_pruned_and_leave_nothing(tmp_path: Path) -> None:
    bench(tmp_path).make(CASE, "20.10.24", "20.10.24", "7")
    assert commands(tmp_path) == ["system", "build", "push", "system", "build"]
    assert not list((tmp_path / "home").iterdir())


def test_the_consumer_does_not_build_what_is_not_looked_for(tmp_path: Path) -> None:
    asked = []

    def refuse(found: object) -> bool:
        asked.append(found)
        return False

    made = bench(tmp_path).make(CASE, "20.10.24", "20.10.24", "7", refuse)
    assert len(asked) == 1 and made.problem == "its predictions are not those that are looked for"
    assert commands(tmp_path) == ["system", "build", "push", "system"]


def test_a_failed_build_is_no_error_but_leaves_nothing_to_compare(tmp_path: Path) -> None:
    broken = CASE.model_copy(update={"files": {"broken": ""}, "change": ()})
    made = bench(tmp_path).make(broken, "20.10.24", "20.10.24", "7")
    assert made.problem and "it broke" in made.problem
    assert (made.seen, made.steps) == ((), ())


def test_an_engine_that_is_gone_is_an_error(tmp_path: Path) -> None:
    broken = CASE.model_copy(update={"files": {"broken": ""}, "change": ()})
    with pytest.raises(EngineError, match="cannot build the image"):
        bench(tmp_path, answers=1).make(broken, "20.10.24", "20.10.24", "7")


def test_the_names_of_the_run_are_filled_in_where_a_change_has_them() -> None:
    made = filled(change(replace={"Dockerfile": {"from": "FROM {{base}}", "to": "FROM {{tagged}}"}}), NAMES)
    assert made.replace
    pair = made.replace.root["Dockerfile"]
    assert (pair.old, pair.new) == ("FROM localhost:1/base:1", "FROM localhost:1/tagged:1")
