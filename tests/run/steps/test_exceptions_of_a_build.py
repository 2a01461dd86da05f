"""A build of a sequence: the exceptions to its own expectation, and sources that an image store cannot import."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Engine
from lab.model import Outcome
from lab.registry.server import Registry
from lab.results.facts import BoxFacts
from lab.run.expectations import Deviation, Facts, StoreName, When
from lab.run.gather.stream import Listing
from lab.run.station import Station
from lab.run.steps.build import Build
from lab.run.steps.push import Push
from lab.run.steps.table import problem_of
from lab.run.steps.work import Recipe, Work
from tests import reporting
from tests.run.steps.test_table import PRODUCER, sequence

REF = "localhost:1/x:t"
HIT, RAN = Outcome.HIT, Outcome.RAN
DRIVER = {"graph": " Storage Driver: overlay2\n  Backing Filesystem: extfs"}
DRIVER["containerd"] = " Storage Driver: overlayfs\n  driver-type: io.containerd.snapshotter.v1"
OTHER = [{"when": {"store": "containerd"}, "because": "b", "expect": ["hit"]}]
# What BuildKit prints of a source that the registry does not have, and of a step that then runs.
LOST = """\
#5 importing cache manifest from {source}
#5 ERROR: failed to configure registry cache importer: {source}: not found

#6 [2/2] RUN x
#6 DONE 0.1s
"""


class Printing(ReplayBox):
    """A box whose builds cannot import the source that they name; every other command prints nothing."""

    def __init__(self) -> None:
        super().__init__("local", [])

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = list(command.argv)
        source = words[words.index("--cache-from") + 1] if "--cache-from" in words else ""
        out = LOST.format(source=source).encode() if source else b""
        return Result(command, 0, b"", out, datetime.now(UTC), 0.1)


def facts(store: str) -> BoxFacts:
    """A box whose Docker has that image store."""
    found = reporting.facts("local", "26.1.5")
    return found.model_copy(update={"info": found.info.replace(" Storage Driver: overlay2", DRIVER[store])})


def work_of(monkeypatch: pytest.MonkeyPatch, store: StoreName) -> Work:
    """A consumer on an engine with that store; its context is not read."""
    monkeypatch.setattr(Work, "record", lambda self: setattr(self, "listing", Listing()))
    engine = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "", buildx="0.13.1")
    registry = Registry("localhost:1", "docker-registry", 1)
    station = Station(Printing(), lambda about: nullcontext(), engine, facts(store), PurePosixPath("/h"), registry)
    work = Work(station, Recipe("FROM b\nRUN x\n", ("RUN x",), {}), "consumer", "slug", REF, {"image": REF}, print)
    work.facts = Facts("26.1.5", store=store)
    return work


@pytest.mark.parametrize(("store", "expected"), [("containerd", HIT), ("graph", RAN)])
def test_a_build_has_the_first_exception_that_fits(
    monkeypatch: pytest.MonkeyPatch, store: StoreName, expected: Outcome
) -> None:
    work = work_of(monkeypatch, store)
    other = Deviation(when=When(store="containerd"), because="b", expect=("hit",))
    Build(cache_from=("image",), expect=("ran",), exceptions=(other,)).run(work)
    assert [step.expected for step in work.builds[-1].steps] == [expected]


@pytest.mark.parametrize(
    ("store", "pushed", "lost"),
    [("containerd", False, False), ("containerd", True, True), ("graph", False, True)],
)
def test_a_local_source_is_no_fault_where_the_store_imports_none(
    monkeypatch: pytest.MonkeyPatch, store: StoreName, pushed: bool, lost: bool
) -> None:
    work = work_of(monkeypatch, store)
    Build(name="own").run(work)
    if pushed:
        Push(image="own").run(work)
    Build(cache_from=("own",)).run(work)
    [source] = work.builds[-1].imports
    assert (source.ref, source.ok, source.lost) == ("localhost:1/x-own:t", False, lost)


def test_an_image_of_the_other_side_is_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    work = work_of(monkeypatch, "containerd")
    Build(cache_from=("image",)).run(work)
    assert work.builds[-1].imports[0].lost


@pytest.mark.parametrize(
    ("build", "problem"),
    [
        ({"expect": ["ran"], "exceptions": OTHER}, None),
        ({"expect": ["ran"], "exceptions": [{**OTHER[0], "expect": ["hit", "hit"]}]}, "it expects 2 outcomes"),
        ({"exceptions": OTHER}, "only a build of the consumer with its own expect has exceptions"),
    ],
)
def test_exceptions_are_for_a_build_with_its_own_expectation(build: dict[str, Any], problem: str | None) -> None:
    found = problem_of(sequence(*PRODUCER, {"build": {"cache_from": ["image"], **build}}), 1)
    assert (found is None) == (problem is None)
    assert problem is None or (found and problem in found[1])


def test_a_build_of_the_producer_has_no_exceptions() -> None:
    build = {"build": {"side": "producer", "expect": ["ran"], "exceptions": OTHER}}
    found = problem_of(sequence(build, *PRODUCER, {"build": {}}), 1)
    assert found
    assert "only a build of the consumer" in found[1]


def test_an_engine_of_no_known_store_has_no_unreachable_source(monkeypatch: pytest.MonkeyPatch) -> None:
    work = work_of(monkeypatch, "containerd")
    work.station = replace(work.station, facts=work.station.facts.model_copy(update={"info": ""}))
    Build(name="own").run(work)
    Build(cache_from=("own",)).run(work)
    assert work.builds[-1].imports[0].lost
