"""What lab refuses in a Dockerfile, put to real engines: both refuse it before a step, and in the same words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engines.engine import Engine
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.project import find
from tests.run.own_project.refusals import LEFT_TO_THE_ENGINE, REFUSED, UNKNOWN_TO_BOTH

pytestmark = pytest.mark.vm
ENGINES = ("26.1.5", "20.10.24")
CALM = [item for item in REFUSED if not item.crashes]


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, Engine]]:
    """Real engines of this machine, the newer one first."""
    project = find()
    catalog = Catalog(project.boxes)
    fleet = Fleet(project, catalog, lambda event: None)
    try:
        [ready] = fleet.up("local", [catalog.box("local")], wanted=ENGINES)
        yield {engine.name: engine for engine in ready.engines}
        ready.box.close()
    finally:
        fleet.release_private()


def built(engine: Engine, folder: Path, text: str, target: str | None = None) -> tuple[int, str]:
    """The exit status of a build, and the end of its output."""
    config = folder.parent / engine.name
    config.mkdir(exist_ok=True)
    if engine.plugins and not (config / "cli-plugins").exists():
        (config / "cli-plugins").symlink_to(engine.plugins)
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(text)
    (folder / "a").write_text("a\n")
    env = {**os.environ, "DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(config)}
    words = engine.call(["build", "--progress=plain", *(["--target", target] if target else []), str(folder)])
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, (done.stdout + done.stderr).rstrip().rpartition("\n")[2]


def test_both_engines_refuse_it(engines: dict[str, Engine], tmp_path: Path) -> None:
    newer = engines[ENGINES[0]]
    for item in CALM:
        for engine in engines.values():
            code, end = built(engine, tmp_path / "c", item.text, item.target)
            assert code != 0 and "failed to solve" in end, (engine.name, item, end)
            assert "process" not in end and "executor" not in end, (engine.name, item, end)  # no step has begun
            assert item.why in end or engine is not newer, (engine.name, item, end)


def test_one_engine_accepts_what_is_left_to_it(engines: dict[str, Engine], tmp_path: Path) -> None:
    for text in LEFT_TO_THE_ENGINE:
        codes = [built(engine, tmp_path / "c", text)[0] for engine in engines.values()]
        assert 0 in codes, text
    assert all(built(engine, tmp_path / "c", UNKNOWN_TO_BOTH[0])[0] for engine in engines.values())
