"""Lanes: which job comes next, which instances of engines a lane has, and what the failure of one costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.boxes.base import Tell
from lab.boxes.local import LocalBox
from lab.engines import host, memory
from lab.engines.engine import Engine
from lab.engines.spec import EngineSpec
from lab.errors import EngineError, LabError
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.model import Progress
from lab.project import Project
from lab.registry.server import Registry
from lab.results.run import Base, Run
from lab.run import base_image, lanes
from lab.run.case_jobs import Job
from lab.run.cases import cases
from lab.run.recorder import Watch
from lab.run.wish import Wish
from tests import reporting
from tests.conftest import ROOT

CASES = cases(ROOT / "templates" / "scenarios")
CATALOG = Catalog(ROOT / "boxes")
SPEC = CATALOG.box("local")


def job(number: int, engine: str, *producers: str) -> Job:
    return Job(CASES[number], engine, producers=producers)


def queue(*jobs: Job) -> lanes.Queue:
    return lanes.Queue(lanes.by_engine(jobs))


def test_a_lane_stays_with_its_engine_and_then_takes_the_one_with_the_most_work() -> None:
    line = queue(job(0, "a"), job(1, "a"), job(0, "b"), job(1, "b"), job(2, "b"))
    taken = [line.take(engines) for engines in ((), ("a",), ("a",), ("a",), ("b",), ("b",))]
    assert [item and item.engine for item in taken] == ["b", "a", "a", "b", "b", None]


def test_instances_of_one_engine_have_names_of_their_own() -> None:
    line = queue()
    pin = CATALOG.engine("26.1.5")
    made = [line.instance(pin) for _ in range(2)]
    assert [(spec.name, spec.home) for spec in made] == [("26.1.5", "26.1.5~1"), ("26.1.5", "26.1.5~2")]
    assert pin.home == "26.1.5"
    assert [spec.memory for spec in made] == [0, 0]


def test_each_instance_may_have_its_data_in_memory() -> None:
    line = lanes.Queue({}, 256)
    made = line.instance(CATALOG.engine("26.1.5"))
    assert (made.home, made.memory) == ("26.1.5~1", 256)


def test_memory_is_needed_for_each_engine_of_each_lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # what is asked is the point here; the answer has tests of its own
    asked: list[int] = []
    monkeypatch.setattr(memory, "refusal", lambda box, folder, engines: asked.append(engines))
    lanes.no_memory([job(0, "26.1.5"), job(1, "26.1.5", "20.10.24"), job(1, "28.5.2")], Started(tmp_path), 3)
    assert asked == [9]


class Started(Fleet):
    """A fleet whose engines start at once; those in `broken` do not."""

    def __init__(self, folder: Path, *broken: str) -> None:
        self.said: list[Progress] = []
        super().__init__(Project(folder, ROOT), CATALOG, self.said.append)
        self.broken = broken
        self.started: list[str] = []

    def start_instance(self, box: object, spec: object, pin: EngineSpec) -> Engine:
        self.started.append(pin.home)
        if pin.name in self.broken:
            raise EngineError(f"cannot start {pin.name}")
        return Engine(pin.name, ("docker",), pin.name, pin.name, "")


def lane(fleet: Fleet, line: lanes.Queue) -> lanes.Lane:
    made = lanes.Lane("lane 1", SPEC, fleet, line)
    made.box = LocalBox("local")
    return made


def test_an_engine_is_started_once_and_ends_when_no_work_is_left_for_it(tmp_path: Path) -> None:
    fleet = Started(tmp_path)
    line = queue(job(1, "20.10.24"))
    one = lane(fleet, line)
    assert one.ready(job(0, "26.1.5", "20.10.24")).engine_names == ["26.1.5", "20.10.24"]
    assert one.ready(job(1, "26.1.5")).engine_names == ["26.1.5"]
    assert set(one.engines) == {"26.1.5", "20.10.24"}  # a job for the second one is left
    line.take(())
    assert one.ready(job(1, "26.1.5")).engine_names == ["26.1.5"]
    assert set(one.engines) == {"26.1.5"}
    assert fleet.started == ["26.1.5~1", "20.10.24~1"]


def test_lanes_push_into_repositories_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_image, "busybox", lambda *given: Base(reference="base", source="busybox"))
    fleet, line, places = Started(tmp_path), queue(job(0, "26.1.5"), job(0, "28.5.2")), list[str]()
    run = reporting.sample().run

    def make(
        wish: Wish, ready: Sequence[Ready], project: Project, tell: Tell, watch: Watch, registry: Registry | None
    ) -> tuple[Path, Run]:
        assert registry
        places.append(registry.place)
        return Path(), run

    check = lanes.Check(fleet, Registry("localhost:1", "registry"), "local", 2, lambda job, found: None, make)
    for name in ("lane 1", "lane 2"):
        made = lanes.Lane(name, SPEC, fleet, queue(line.waiting.popitem()[1][0]))
        check.work(made)
    assert places == ["localhost:1/lane-1", "localhost:1/lane-2"]
    assert Registry("localhost:1", "registry").place == "localhost:1"


def made_by(found: dict[str, Run | LabError]) -> lanes.Make:
    """Makes no run, but answers with a run or an error by the name of the scenario."""

    def make(
        wish: Wish, ready: Sequence[Ready], project: Project, tell: Tell, watch: Watch, registry: Registry | None
    ) -> tuple[Path, Run]:
        answer = found[wish.scenario.name]
        if isinstance(answer, LabError):
            raise answer
        return Path(), answer

    return make


def test_the_failure_of_one_run_or_engine_costs_only_its_own_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the base image is made by a real engine
    monkeypatch.setattr(base_image, "busybox", lambda *given: Base(reference="base", source="busybox"))
    fleet = Started(tmp_path, "28.5.2")
    jobs = [job(0, "28.5.2"), job(1, "28.5.2"), job(0, "26.1.5"), job(1, "26.1.5")]
    line, ended = queue(*jobs), dict[str, Run | LabError]()
    run = reporting.sample().run
    make = made_by({CASES[0].name: EngineError("it broke"), CASES[1].name: run})
    check = lanes.Check(
        fleet, Registry("localhost:1", "registry"), "local", 4, lambda job, found: ended.update({job.name: found}), make
    )
    check.work(lane(fleet, line))
    assert {name: found if isinstance(found, Run) else found.message for name, found in ended.items()} == {
        jobs[0].name: "cannot start 28.5.2",
        jobs[1].name: "cannot start 28.5.2",
        jobs[2].name: "it broke",
        jobs[3].name: run,
    }
    assert fleet.started == ["28.5.2~1", "26.1.5~1"]
    assert "4 of 4" in fleet.said[-2].what


def test_a_producer_that_does_not_start_costs_only_the_jobs_that_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the base image is made by a real engine
    monkeypatch.setattr(base_image, "busybox", lambda *given: Base(reference="base", source="busybox"))
    fleet = Started(tmp_path, "28.5.2")
    jobs = [job(0, "26.1.5", "28.5.2"), job(1, "26.1.5")]
    line, ended = queue(*jobs), dict[str, Run | LabError]()
    run = reporting.sample().run
    make = made_by({CASES[1].name: run})
    registry = Registry("localhost:1", "registry")
    lanes.Check(fleet, registry, "local", 2, lambda job, found: ended.update({job.name: found}), make).work(
        lane(fleet, line)
    )
    assert isinstance(ended[jobs[0].name], EngineError)
    assert ended[jobs[1].name] == run


def test_lanes_need_this_machine_and_engines_that_run_privately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "may", lambda: True)  # as root on Linux
    fleet = Started(tmp_path)
    private, found = {"26.1.5": CATALOG.engine("26.1.5")}, {"installed": CATALOG.engine("installed")}
    assert lanes.can(private, [SPEC], fleet)
    assert not lanes.can(found, [SPEC], fleet)
    assert not lanes.can(private, [SPEC, CATALOG.box("debian12-apparmor")], fleet)
    assert not lanes.can(private, [CATALOG.box("debian12-apparmor")], fleet)
