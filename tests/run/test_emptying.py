"""An engine is emptied while the files of a side are prepared, and before anything is asked of it."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.registry.server import Registry
from lab.results.run import Production, Trial
from lab.run.changes.commands import Commands
from lab.run.changes.kind import Change
from lab.run.changes.mode import Mode
from lab.run.scenarios import find, load_scenario
from lab.run.sequence import NO_FACTS, Altered, rebuild
from lab.run.station import Station
from tests.conftest import HANGS, ROOT
from tests.run.test_sequence import ENGINE, FACTS, REF, Words

MODE = Mode.model_validate({"bar": "0600"})
FREE = Commands.model_validate({"run": (("docker", "pull", "x"),)})


class Slow(Words):
    """A box on which a prune ends only after the command whose words have `until`, if it ends well at all."""

    def __init__(self, until: str, *, prunes: bool = True) -> None:
        super().__init__()
        self.until = until
        self.prunes = prunes
        self.seen = threading.Event()

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = " ".join(command.argv)
        if "system prune" in words:
            assert self.seen.wait(HANGS)
            done = super().execute(command, on_output)
            return done if self.prunes else replace(done, exit=1)
        if self.until in words:
            self.seen.set()
        return super().execute(command, on_output)


def rebuilt(box: Words, *changes: Change) -> Trial:
    scenario = load_scenario(find("copy-bust", ROOT / "templates" / "scenarios"), "b")
    registry = Registry("localhost:1", "docker-registry", 1)
    station = Station(box, lambda about: nullcontext(), ENGINE, FACTS, PurePosixPath("/h/r/e"), registry)
    source = Production(producer="p", engine="e", reference=REF)
    varied = Altered("x", changes) if changes else None
    return rebuild(station, scenario, source, scenario.expectation(None, NO_FACTS), varied, lambda what: None)


@pytest.mark.parametrize("until", ["mkdir -p", "printf", "chmod", "# lab lists"])
def test_files_are_made_changed_and_listed_while_the_engine_is_emptied(until: str) -> None:
    box = Slow(until)
    rebuilt(box, MODE)
    order = [next((word for word in ("prune", "build ") if word in call), "") for call in box.calls]
    assert [word for word in order if word] == ["prune", "build "]


def test_a_free_command_waits_until_the_engine_is_empty() -> None:
    box = Slow("printf")
    rebuilt(box, FREE)
    assert [call for call in box.calls if call.startswith("docker ")][:2] == [
        "docker system prune -a -f",
        "docker pull x",
    ]


def test_nothing_is_built_on_an_engine_that_was_not_emptied() -> None:
    box = Slow("# lab lists", prunes=False)
    trial = rebuilt(box)
    assert (trial.problem or "").startswith("cannot prune Docker on local")
    assert not [call for call in box.calls if " build " in call]
