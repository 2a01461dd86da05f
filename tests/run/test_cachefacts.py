"""What is stored of a cache in a folder of a box, and that an inline cache is left to its image."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path, PurePosixPath

from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.registry import stored
from lab.registry.archive import open_files
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.builders.caching import Caching
from lab.run.cachefacts import look
from lab.run.station import Station
from tests.conftest import ROOT

REF = "localhost:9/lab-x:e"
FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]
EXAMPLE = ROOT / "templates" / "example" / "cache"


def station(home: Path) -> Station:
    engine = Engine("e", ("buildctl",), "1", "1", "", program="buildctl")
    registry = Registry("localhost:9", "docker-registry", 9)
    place = PurePosixPath(home / "engine")
    return Station(LocalBox("local"), lambda about: nullcontext(), engine, FACTS, place, registry)


def test_a_folder_is_read_on_the_box(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, Path(Caching("local", PurePosixPath(tmp_path / "caches")).place(REF)))
    with open_files(EXAMPLE) as files:
        assert look(station(tmp_path), "local", REF) == stored.of_folder(files)


def test_a_folder_that_is_missing_is_a_problem(tmp_path: Path) -> None:
    found = look(station(tmp_path), "local", REF)
    assert found is not None
    assert found.problem


def test_a_cache_in_the_registry_has_its_own_name(tmp_path: Path) -> None:
    found = look(station(tmp_path), "registry-max", REF)
    assert found is not None
    assert "localhost:9/lab-x-cache:e" in (found.problem or "")


def test_the_image_holds_an_inline_cache(tmp_path: Path) -> None:
    assert look(station(tmp_path), "inline", REF) is None
