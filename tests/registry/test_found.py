"""What was found, and how an older Docker reads it."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.cache import Cache, Record
from lab.registry.found import FoundCache

CACHES = (Cache((Record("a"), Record("b"))), Cache((Record("c"),)))


def test_records_are_counted_over_all_caches() -> None:
    assert FoundCache("k", "n", CACHES).count == 3


@pytest.mark.parametrize("docker", ["18.09.9", "20.10.24", "20.10.24-unfixed", "24.0.9"])
def test_an_older_docker_imports_nothing_from_an_image_manifest(docker: str) -> None:
    seen = FoundCache("k", "n", CACHES, image_manifest=True).seen_by(docker)
    assert seen.caches == () and f"Docker {docker} imports nothing from it" in seen.problem
    index = FoundCache("k", "n", CACHES)
    assert index.seen_by(docker) is index


@pytest.mark.parametrize("docker", ["25.0.0", "26.1.5", "28.5.2-as-R9", "29.1", "installed"])
def test_a_newer_docker_reads_it(docker: str) -> None:
    found = FoundCache("k", "n", CACHES, image_manifest=True)
    assert found.seen_by(docker) is found
