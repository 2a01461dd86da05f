"""Which builds of a sequence push their image because a later step reads it, and when a side prunes its engine."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.boxes.transcript import ReplayBox
from lab.engines.engine import Docker, Engine
from lab.errors import Fault
from lab.registry.server import Registry
from lab.results.run import Production, load
from lab.run.scenarios import find, load_scenario
from lab.run.sequence import END, NO_FACTS, clear, produce, rebuild
from lab.run.station import Station
from lab.workers import stopping, wait_for
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]
REF = "localhost:1/x:t"
ENGINE = Engine("e", ("docker",), "26.1.5", "26.1.5", "")


class Words(ReplayBox):
    """A box on which every command ends well and prints nothing; it keeps the words."""

    def __init__(self) -> None:
        super().__init__("local", [])
        self.calls: list[str] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.calls.append(" ".join(command.argv))
        return Result(command, 0, b"0123\n", b"", datetime.now(UTC), 0.1)

    @property
    def engine_calls(self) -> list[str]:
        """The calls of Docker's client."""
        return [call for call in self.calls if call.startswith("docker ")]


class Fails(Words):
    """A box on which no push ends well."""

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        done = super().execute(command, on_output)
        return replace(done, exit=1) if "push" in command.argv else done


@pytest.mark.parametrize(("case", "pushes"), [("stale-content", True), ("acl-mask-mode", False)])
def test_buildctl_pushes_an_image_that_is_inspected_under_a_name_of_its_own(case: str, pushes: bool) -> None:
    scenario = load_scenario(find(case, ROOT / "templates" / "scenarios"), "b")
    assert scenario.problem_with("buildctl") is None
    engine = Engine("e", ("buildctl",), "0.25.2", "0.25.2", "", program="buildctl", builder="buildctl")
    registry = Registry("localhost:1", "docker-registry", 1)
    box = Words()
    station = Station(box, lambda about: nullcontext(), engine, FACTS, PurePosixPath("/h/r"), registry)
    source = Production(producer="p", engine="e", reference=REF)
    rebuild(station, scenario, source, scenario.expectation(None, NO_FACTS), None, lambda what: None)
    built = [call for call in box.calls if "--frontend" in call]
    assert built
    for call in built:
        assert ("push=true" in call) == pushes
        assert (f"name={REF}," in call) != pushes


def test_a_registry_that_does_not_give_the_image_breaks_the_trial_instead_of_a_missing_path() -> None:
    scenario = load_scenario(find("stale-content", ROOT / "templates" / "scenarios"), "b")
    engine = Engine("e", ("buildctl",), "0.25.2", "0.25.2", "", program="buildctl", builder="buildctl")
    registry = Registry("localhost:1", "docker-registry", 1)
    station = Station(Words(), lambda about: nullcontext(), engine, FACTS, PurePosixPath("/h/r"), registry)
    source = Production(producer="p", engine="e", reference=REF)
    trial = rebuild(station, scenario, source, scenario.expectation(None, NO_FACTS), None, lambda what: None)
    assert trial.fault is Fault.REGISTRY
    assert trial.inspections == ()
    assert (trial.problem or "").startswith("cannot read localhost:1/x-")


# writes a file below its DOCKER_CONFIG again and again, as buildx does until its engine has ended
WRITER = """%s
while :; do mkdir -p "$DOCKER_CONFIG/buildx" && : > "$DOCKER_CONFIG/buildx/activity"; done
"""


@pytest.mark.parametrize("trap", ["", "trap '' TERM"])
def test_after_ctrl_c_a_plugin_that_lost_its_client_is_ended_before_its_files_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    # patched: each signal has 0.3 s instead of 5 s to take effect
    monkeypatch.setattr("lab.run.sequence.END", END.replace("tries=50", "tries=3").replace("-lt 50", "-lt 3"))
    home = tmp_path / "lab-runs" / "run" / "engine"
    env = {"DOCKER_CONFIG": str(home / "context" / "config"), "PATH": os.environ["PATH"]}
    box = LocalBox("here")
    station = Station(box, lambda about: nullcontext(), ENGINE, FACTS, PurePosixPath(home), Registry("x", "y", 1))
    try:
        with subprocess.Popen(["sh", "-c", WRITER % trap], env=env, start_new_session=True) as plugin:
            wait_for("the plugin to write", lambda: home.exists() or "not yet", timeout=60)
            stopping.set()
            clear(station)
            assert plugin.wait() == (-signal.SIGKILL if trap else -signal.SIGTERM)
    finally:
        stopping.clear()
    assert list(tmp_path.iterdir()) == []


def test_an_engine_is_pruned_before_each_side_once() -> None:
    scenario = load_scenario(find("copy-bust", ROOT / "templates" / "scenarios"), "b")
    registry = Registry("localhost:1", "docker-registry", 1)
    emptied: set[tuple[str, Docker]] = set()
    box = Words()
    one, other = (
        Station(
            box,
            lambda about: nullcontext(),
            Engine("e", words, "26.1.5", "26.1.5", ""),
            FACTS,
            PurePosixPath("/h/r"),
            registry,
            emptied=emptied,
        )
        for words in (("docker",), ("docker", "-H", "other"))
    )
    source = produce(one, scenario, REF, lambda what: None)
    verbs = [next(verb for verb in ("prune", "build", "push") if verb in call) for call in box.engine_calls]
    assert verbs == ["prune", "build", "push", "prune"]

    def verbs_of(station: Station) -> list[str]:
        box.calls.clear()
        rebuild(station, scenario, source, scenario.expectation(None, NO_FACTS), None, lambda what: None)
        return [next(verb for verb in ("prune", "build") if verb in call) for call in box.engine_calls]

    assert verbs_of(one) == ["build"]  # the producer's last step has just pruned it
    assert verbs_of(one) == ["prune", "build"]  # it has built since
    assert verbs_of(other) == ["prune", "build"]  # what it holds is not known


def test_an_engine_whose_side_failed_is_pruned_again() -> None:
    scenario = load_scenario(find("copy-bust", ROOT / "templates" / "scenarios"), "b")
    engine = Engine("e", ("docker",), "26.1.5", "26.1.5", "")
    registry = Registry("localhost:1", "docker-registry", 1)
    station = Station(Fails(), lambda about: nullcontext(), engine, FACTS, PurePosixPath("/h/r"), registry)
    station.emptied.add(station.daemon)
    assert produce(station, scenario, REF, lambda what: None).problem
    assert station.emptied == set()
