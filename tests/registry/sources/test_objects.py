"""Cache configs as objects: limits, and faults of a service."""

from __future__ import annotations

from pathlib import Path

import pytest

import lab.registry.sources.objects as limits
from lab.errors import ReadError, RegistryError
from lab.registry.sources.objects import copied, decoded, fetched, is_address
from lab.registry.sources.syntax import parse_source
from tests.registry.serving import AMD, Server


def test_an_object_that_is_too_large_is_refused_with_its_size(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LARGEST", 10)  # the limit, so that the test sends no 32 MiB
    server.answers["/a"] = (200, {}, b"x" * 11)
    with pytest.raises(ReadError, match="has 11 bytes, more than 10"):
        fetched(f"http://127.0.0.1:{server.port}/a", "x", 5, copy="")
    (tmp_path / "a").write_bytes(b"x" * 11)
    with pytest.raises(ReadError, match="has 11 bytes, more than 10"):
        copied(str(tmp_path / "a"), [])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_with_a_fault(server: Server, status: int) -> None:
    server.answers["/a"] = (status, {"Retry-After": "7"}, b"")
    with pytest.raises(RegistryError, match=f"/a answers with status {status}; it asks to wait 7 s$"):
        fetched(f"http://127.0.0.1:{server.port}/a", "x", 5, copy="")


def test_an_object_that_is_no_cache_config() -> None:
    for text, said in ((b"<Error/>", "cannot read the cache config of n: Expecting value"), (b"{}", "")):
        if said:
            with pytest.raises(ReadError, match=said):
                decoded("k", "n", [text])
        else:
            assert decoded("k", "n", [text]).problem == "the cache lists no records"


@pytest.mark.parametrize(
    "text",
    [
        "type=s3,bucket=b,region=r,endpoint_url=http://127.0.0.1:1",
        "type=azblob,account_url=http://127.0.0.1:1",
        "type=gha,src=http://127.0.0.1:1/x",
    ],
)
def test_a_service_that_does_not_answer_gets_no_hint_at_images(text: str) -> None:
    """No `docker save` writes what such a service has."""
    [source] = parse_source(text)
    with pytest.raises(RegistryError, match=r"the request to 127\.0\.0\.1:1 failed") as error:
        source.read(AMD, 5)
    assert error.value.hint == "lab can also read a copy of the cache's objects: src= names its file or folder"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://h/x", True),
        ("https://h", True),
        ("./x", False),
        ("http:/x", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_what_is_an_address(text: str, address: bool) -> None:
    assert is_address(text) is address
