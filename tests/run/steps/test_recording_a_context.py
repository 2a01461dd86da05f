"""The record of a context: before a build, or beside it for a project of the user's own."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Box
from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.errors import CommandError
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.gather.stream import Listing
from lab.run.station import Station
from lab.run.steps.work import Recipe, Say, Work
from tests.conftest import HANGS, ROOT

FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]


class Files:
    """A delivery of one file; what arrives is refused with `wrong`."""

    def __init__(self, wrong: str = "") -> None:
        self.wrong = wrong

    largest = -1

    def deliver(self, box: Box, context: PurePosixPath, say: Say) -> None:
        Path(context, "a").write_text("a\n")

    def withdraw(self, box: Box, context: PurePosixPath, *, changed: bool) -> None:
        pass

    def received(self, box: Box, listing: Listing, *, changed: bool) -> Listing:
        if self.wrong:
            raise CommandError(self.wrong)
        return listing


def work(tmp_path: Path, delivery: Files) -> Work:
    box = LocalBox()
    engine = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "")
    registry = Registry("localhost:5000", "external")
    station = Station(box, lambda text: nullcontext(), engine, FACTS, PurePosixPath(tmp_path), registry)
    made = Work(station, Recipe("FROM x\n", (), {}, delivery=delivery), "consumer", "s", "r:1", {}, lambda text: None)
    made.context()
    return made


def test_an_own_project_is_listed_while_it_is_built(tmp_path: Path) -> None:
    building = threading.Event()
    made = work(tmp_path, Files())
    seen: list[bool] = []

    def keep(listing: Listing) -> str:
        seen.append(building.wait(HANGS))
        return ",".join(entry.path for entry in listing.entries)

    made.station = replace(made.station, keep=keep)
    with made.recording():
        building.set()
    assert (seen, made.recorded) == ([True], "a")


def test_files_that_did_not_arrive_explain_a_build_that_failed(tmp_path: Path) -> None:
    made = work(tmp_path, Files("it differs there"))
    with pytest.raises(CommandError, match="it differs there"), made.recording():
        raise CommandError("the build failed")
    made = work(tmp_path / "two", Files())
    with pytest.raises(CommandError, match="the build failed"), made.recording():
        raise CommandError("the build failed")
