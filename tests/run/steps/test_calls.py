"""How a build is called: an archive on standard input, images as arguments, and no pull of the classic builder."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Engine
from lab.errors import CommandError
from lab.model import Outcome
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.builders.buildctl import words_of
from lab.run.builders.caching import Caching
from lab.run.builders.kind import Order
from lab.run.changes.kind import BuildOptions
from lab.run.expectations import Deviation, Facts
from lab.run.station import Station
from lab.run.steps.build import Build
from lab.run.steps.table import NamedStep, why_unpredictable
from lab.run.steps.work import TAR, Recipe, Work
from tests.conftest import ROOT

FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]


class Calls(ReplayBox):
    """A box that answers everything with nothing, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__("local", [])
        self.seen: list[str] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.seen.append(" ".join(command.argv))
        return Result(command, 0, b"", b"", datetime.now(UTC), 0.1)


def called(step: Build, builder: str = "buildkit") -> list[str]:
    """The commands of Docker's client."""
    box = Calls()
    engine = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "", builder=builder)
    station = Station(box, lambda what: nullcontext(), engine, FACTS, PurePosixPath("/h"), Registry("r", "registry"))
    names = {"image": "r/a:1", "base": "r/a-base:1"}
    step.run(Work(station, Recipe("FROM b\n", (), {}), "consumer", "slug", "r/a:1", names, lambda what: None))
    return [line for line in box.seen if "docker " in line]


def test_a_context_as_an_archive_is_piped_into_the_client() -> None:
    [line] = called(Build(tar="1000:1001", context="src"))
    assert line.startswith(f"sh -c {TAR} sh src 1000:1001 docker build ")
    assert line.endswith("--tag r/a:1 -")


def test_an_archive_has_the_owner_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "a").write_text("a\n")
    listed = LocalBox().run(["sh", "-c", TAR, "sh", "context", "1000:1001", "tar", "-tv"], cwd=PurePosixPath(tmp_path))
    assert listed.text.count("1000/1001") == 2
    assert listed.text.split()[-1] == "./a"


def test_images_of_the_sequence_are_arguments() -> None:
    [line] = called(Build(images={"BASE": "base"}, arguments={"A": "1"}))
    assert "--build-arg A=1 --build-arg BASE=r/a-base:1" in line


@pytest.mark.parametrize(("pull", "calls"), [(True, ["docker pull r/a:1", "docker build"]), (False, ["docker build"])])
def test_the_classic_builder_pulls_its_sources_unless_told_not_to(pull: bool, calls: list[str]) -> None:
    lines = called(Build(cache_from=("image",), pull=pull), "classic")
    assert [line[: len(call)] for line, call in zip(lines, calls, strict=True)] == calls


def test_buildctl_takes_no_archive() -> None:
    caching = Caching("inline", PurePosixPath("/c"))
    order = Order("r/a:1", [], frozenset(), True, ".", BuildOptions(), False, caching, tar="1:1")
    with pytest.raises(CommandError, match="does not take an archive"):
        words_of(order)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Build(cache_from=("image",), tar="1:1"), "another cache or context"),
        (Build(cache_from=("image",), images={"BASE": "image"}), "an image that the sequence makes"),
    ],
)
def test_such_builds_are_not_predicted(step: Build, reason: str) -> None:
    made = [NamedStep(build=Build(side="producer")), NamedStep.model_validate({"push": {"side": "producer"}})]
    assert reason in str(why_unpredictable([*made, NamedStep(build=step)]))


@pytest.mark.parametrize(("version", "first"), [("26.1.5", Outcome.RAN), ("27.5.1", Outcome.HIT), (None, Outcome.RAN)])
def test_an_earlier_build_is_expected_to_do_what_fits_the_engine(version: str | None, first: Outcome) -> None:
    newer = Deviation(engines=">=27.0", because="it was fixed", expect=("hit",))
    work = Work(
        Station(
            Calls(),
            lambda what: nullcontext(),
            Engine("e", ("docker",), "1", "26.1.5", ""),
            FACTS,
            PurePosixPath("/h"),
            Registry("r", "registry"),
        ),
        Recipe("FROM b\nRUN a\n", ("RUN a",), {}),
        "consumer",
        "slug",
        "r/a:1",
        {"image": "r/a:1"},
        lambda what: None,
        facts=Facts(version),
    )
    Build(expect=("ran",), exceptions=(newer,)).run(work)
    [step] = work.builds[0].steps
    assert step.expected is first
