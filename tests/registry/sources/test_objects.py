"""Cache configs as objects: limits, and faults of a service."""

from __future__ import annotations

from pathlib import Path

import pytest

import lab.registry.sources.objects as limits
from lab.errors import ReadError, RegistryError
from lab.registry.sources.objects import copied, decoded, fetched
from tests.registry.serving import Server


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
