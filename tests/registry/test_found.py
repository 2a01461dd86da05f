"""What was found, and what an engine reads of it."""

from __future__ import annotations

import json

import pytest

from lab.buildkit.cachekeys.cache import Cache, Record
from lab.buildkit.cachekeys.cacheconfig import decode_config
from lab.buildkit.rulebook import Rulebook
from lab.registry.found import FoundCache, Importer
from tests.conftest import ROOT

CACHES = (Cache((Record("a"), Record("b"))), Cache((Record("c"),)))
BOOK = Rulebook(ROOT / "boxes")


def test_records_are_counted_over_all_caches() -> None:
    assert FoundCache("k", "n", CACHES).count == 3


@pytest.mark.parametrize("engine", ["18.09.9", "20.10.24", "20.10.24-unfixed", "24.0.9", "buildkit-0.11.6"])
def test_an_older_buildkit_imports_nothing_from_an_image_manifest(engine: str) -> None:
    known = BOOK.need(engine)
    seen = FoundCache("k", "n", CACHES, image_manifest=True).seen_by(known)
    assert seen.caches == () and f"{known.title} imports nothing from it: a cache with image-manifest" in seen.problem
    index = FoundCache("k", "n", CACHES)
    assert index.seen_by(known) == index


@pytest.mark.parametrize("engine", ["25.0.0", "26.1.5", "28.5.2-as-R9", "29.1", "buildkit-0.12.0"])
def test_a_newer_one_reads_it(engine: str) -> None:
    found = FoundCache("k", "n", CACHES, image_manifest=True)
    assert found.seen_by(BOOK.need(engine)) is found


@pytest.mark.parametrize(
    ("engine", "able"),
    [
        ("20.10.24", [Importer.EVERY]),
        ("28.5.2", [Importer.EVERY]),
        ("28.5.2+containerd", [Importer.EVERY, Importer.STORE]),
        ("29.1", [Importer.EVERY, Importer.STORE]),
        ("buildkit-0.13.2", list(Importer)),
    ],
)
def test_an_engine_without_an_importer_imports_nothing(engine: str, able: list[Importer]) -> None:
    """moby builder/builder-next/controller.go, the maps ResolveCacheImporterFuncs."""
    for importer in Importer:
        seen = FoundCache("k", "n", CACHES, importer=importer).seen_by(BOOK.need(engine))
        assert bool(seen.caches) is (importer in able), importer
        assert ("has no importer" in seen.problem) is (importer not in able)


@pytest.mark.parametrize(("engine", "reads"), [("19.03.8", False), ("20.10.24", False), ("23.0.1", True)])
def test_results_of_several_layers_are_read_from_buildkit_0_10_on(engine: str, reads: bool) -> None:
    digests = [f"sha256:{letter * 64}" for letter in "ab"]
    layers = [{"blob": name, "parent": -1, "annotations": {"diffID": name}} for name in digests]
    chain = {"layers": [0, 1], "createdAt": "2026-01-01T00:00:00Z"}
    both = {"digest": "both", "layers": [{"layer": 0}], "chains": [chain]}
    config = json.dumps({"layers": layers, "records": [{"digest": "chain", "chains": [chain]}, both]}).encode()
    [cache] = FoundCache("k", "n", (decode_config(config, "it"),)).seen_by(BOOK.need(engine)).caches
    assert [(record.digest, record.has_result) for record in cache.records] == [("chain", reads), ("both", True)]
    assert cache.records[1].layers == ((0, 1) if reads else (0,))
