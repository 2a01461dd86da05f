"""Ways to write the name of one image."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.names import full_name


@pytest.mark.parametrize("name", ["alpine", "alpine:latest", "docker.io/alpine", "docker.io/library/alpine:latest"])
def test_one_image(name: str) -> None:
    assert full_name(name) == "alpine:latest"


def test_others() -> None:
    names = {"alpine:3": "alpine:3", "localhost:5000/a": "localhost:5000/a:latest", "a@sha256:0": "a@sha256:0"}
    assert {name: full_name(name) for name in names} == names
