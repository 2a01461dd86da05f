"""Scripts of runs with their own sequences, run against a real engine: every outcome comes back."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engines.engine import Engine
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.registry import server
from lab.registry.server import Registry
from lab.results.run import find as newest
from tests.conftest import Lab

pytestmark = pytest.mark.vm
DOCKER, BUILDKIT = "26.1.5", "buildkit-0.25.2"
OWN = ("two-sources", "save-load", "layer-twice")


@pytest.fixture(scope="module")
def scripts(workplace: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The script of a run of each scenario: with buildctl, with the classic builder, and with an edited Dockerfile."""
    folder = tmp_path_factory.mktemp("scripts")
    found = {}
    asked = [
        *((name, DOCKER, "buildkit") for name in (*OWN, "stale-after-restart")),
        ("stale-content", BUILDKIT, "buildctl"),
        ("classic-no-pull", DOCKER, "classic"),
    ]
    for name, engine, builder in asked:
        words = ["--lineup", "local", "--engine", engine, "--builder", builder]
        variation = "last" if name == "layer-twice" else "none"
        workplace.ok("repro", name, *words, "--variation", variation)
        found[name] = folder / f"{name}.sh"
        run = newest(workplace.project.results, None)
        workplace.ok("report", str(run), "--format", "sh", "--output", str(found[name]))
    return found


@pytest.fixture(scope="module")
def place(workplace: Lab, scripts: dict[str, Path]) -> Iterator[tuple[Registry, dict[str, Engine]]]:
    """Engines of this machine that go on running, and a registry; they start once the runs are made."""
    project = workplace.project
    catalog = Catalog(project.boxes)
    fleet = Fleet(project, catalog, lambda event: None)
    try:
        with server.serve(None, None, lambda event: None) as store:
            [ready] = fleet.up("local", [catalog.box("local")], wanted=(DOCKER, BUILDKIT))
            yield store, {engine.name: engine for engine in ready.engines}
            ready.box.close()
    finally:
        fleet.release_private()


def performed(
    place: tuple[Registry, dict[str, Engine]], script: Path, home: Path, engine: str = DOCKER, **more: str
) -> subprocess.CompletedProcess[str]:
    store, engines = place
    used = engines[engine]
    variable, address = ("DOCKER_HOST", "DOCKER") if engine == DOCKER else ("BUILDKIT_HOST", "BUILDCTL")
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_bytes(store.client_config or b"")
    if used.plugins:
        (home / ".docker" / "cli-plugins").symlink_to(used.plugins)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LAB_PRUNE": "yes",
        variable: used.docker[-1],
        address: used.docker[0],
        **more,
    }
    words = ["sh", str(script), "all", store.prefix]
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=300, check=False)


def last(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.rstrip().rpartition("\n")[2]


@pytest.mark.parametrize("name", [*OWN, "classic-no-pull"])
def test_the_script_of_an_own_sequence_reproduces_the_run(
    place: tuple[Registry, dict[str, Engine]], scripts: dict[str, Path], tmp_path: Path, name: str
) -> None:
    done = performed(place, scripts[name], tmp_path)
    assert (done.returncode, last(done).partition(":")[0]) == (0, "reproduced"), done.stdout + done.stderr
    assert "DIFFERS" not in done.stdout


def test_a_script_for_buildctl_looks_into_the_image(
    place: tuple[Registry, dict[str, Engine]], scripts: dict[str, Path], tmp_path: Path
) -> None:
    done = performed(place, scripts["stale-content"], tmp_path, BUILDKIT)
    assert (done.returncode, last(done).partition(":")[0]) == (0, "reproduced"), done.stdout + done.stderr
    assert "  same     in the run wrong    here wrong    the image at /app.txt" in done.stdout


def test_a_restart_needs_the_command_of_its_caller(
    place: tuple[Registry, dict[str, Engine]], scripts: dict[str, Path], tmp_path: Path
) -> None:
    done = performed(place, scripts["stale-after-restart"], tmp_path)
    assert (done.returncode, last(done).partition(":")[0]) == (4, "NOT comparable"), done.stdout + done.stderr
    assert "  left out: the restart of the daemon; LAB_RESTART states its command" in done.stdout
    restart = tmp_path / "restart"
    restart.write_text(shlex.join(place[1][DOCKER].restart) + "\n")
    again = tmp_path / "again"
    again.mkdir()
    done = performed(place, scripts["stale-after-restart"], again, LAB_RESTART=f"sh {restart}")
    assert (done.returncode, last(done).partition(":")[0]) == (0, "reproduced"), done.stdout + done.stderr
