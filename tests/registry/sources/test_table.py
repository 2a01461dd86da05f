"""A new kind of cache source is one line in the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from lab.errors import UsageError
from lab.registry.found import FoundCache
from lab.registry.manifests import Platform
from lab.registry.sources.kind import SourceKind
from lab.registry.sources.reading import read_sources
from lab.registry.sources.table import KINDS
from tests.registry.serving import AMD


@dataclass
class Oss:
    bucket: str

    def read(self, platform: Platform, seconds: float) -> FoundCache:
        return FoundCache(f"OSS cache for {platform}", self.bucket)


def make(given: Mapping[str, str]) -> Oss:
    return Oss(given["bucket"])


def test_a_new_kind_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "oss", SourceKind(("bucket",), make))
    assert read_sources(["type=oss,bucket=b"], AMD, 1) == [FoundCache("OSS cache for linux/amd64", "b")]
    with pytest.raises(UsageError, match='no key "buckets"'):
        read_sources(["type=oss,buckets=b"], AMD, 1)
