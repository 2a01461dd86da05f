"""What is no name of an image or of a registry is refused; every other one passes."""

from __future__ import annotations

import pytest

from lab.errors import UsageError
from lab.registry.names import check_image, check_prefix

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    "text", ["alpine", "alpine:3.11.6", f"alpine@{DIGEST}", f"localhost:5000/a/b:1@{DIGEST}", "[::1]:5000/a", "scratch"]
)
def test_an_image_that_a_dockerfile_can_name(text: str) -> None:
    check_image(text)


@pytest.mark.parametrize(
    "text", ["", " ", "Alpine", "a b", "docker://alpine", "http://r/a", "a:", "a@sha256:1", "a//b"]
)
def test_no_image(text: str) -> None:
    with pytest.raises(UsageError):
        check_image(text)


@pytest.mark.parametrize(
    "text", ["docker.io/user", "docker.io/user/", "localhost:5000", "r.example.org", "[::1]:5000/a"]
)
def test_what_an_image_may_begin_with(text: str) -> None:
    check_prefix(text)


@pytest.mark.parametrize(
    "text", ["", "http://r", "https://r/user", "a b", "docker.io/User", "docker.io//user", "r/a:1"]
)
def test_no_registry(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_prefix(text)
    assert caught.value.message == f'cannot use the registry "{text}"'
    assert caught.value.hint == "write it as docker.io/USER or HOST:PORT/USER, without http://"
