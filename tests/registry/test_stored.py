"""The text of an exported cache as a run stores it, against the decoded cache of the same source."""

from __future__ import annotations

from pathlib import Path

from lab.buildkit.cachekeys.cache import Layer
from lab.buildkit.cachekeys.cacheconfig import decode_config
from lab.registry import stored
from lab.registry.archive import open_files
from lab.registry.manifests import Platform
from lab.registry.server import Registry
from lab.registry.sources.local import LocalSource
from tests.conftest import ROOT

FOLDER = ROOT / "templates" / "example" / "cache"  # written by a real BuildKit with type=local


def test_the_stored_text_gives_the_same_cache() -> None:
    with open_files(FOLDER) as files:
        found = stored.of_folder(files)
    assert found.problem is None
    layers = {digest: Layer(digest, size) for digest, size in found.layers.items()}
    [wanted] = LocalSource(FOLDER).read(Platform(), 1).caches
    made = decode_config(found.config.encode(), "the text", layers)
    assert made.records == wanted.records
    assert [layer.digest for layer in made.layers] == [layer.digest for layer in wanted.layers]
    assert [layer.size for layer in made.layers] == [layer.size for layer in wanted.layers]


def test_a_folder_without_a_cache_has_a_problem(tmp_path: Path) -> None:
    with open_files(tmp_path) as files:
        assert stored.of_folder(files).problem


def test_a_registry_that_does_not_answer_is_a_problem() -> None:
    found = stored.of_registry("localhost:9/a-cache:b", Registry("localhost:9", "docker-registry", 9))
    assert "127.0.0.1:9" in (found.problem or "")
