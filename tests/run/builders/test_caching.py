"""Where each kind of cache is written and read, and that a consumer never replaces the producer's."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from lab.errors import UsageError
from lab.run.builders.caching import Caching, kind_of
from lab.run.builders.kind import Order, common_words
from lab.run.changes.kind import BuildOptions

REF = "localhost:1/lab-x:e"


def order(kind: str, *, push: bool) -> Order:
    caching = Caching(kind, PurePosixPath("/c"))
    return Order(REF, [REF], frozenset(), export=True, context=".", options=BuildOptions(), push=push, caching=caching)


@pytest.mark.parametrize(
    ("kind", "exported", "imported"),
    [
        ("inline", "type=inline", f"type=registry,ref={REF}"),
        ("registry-min", "type=registry,ref=localhost:1/lab-x-cache:e,mode=min", None),
        ("registry-max", "type=registry,ref=localhost:1/lab-x-cache:e,mode=max", None),
        ("local", "type=local,dest=/c/localhost_1_lab-x_e,mode=max", "type=local,src=/c/localhost_1_lab-x_e"),
    ],
)
def test_what_is_written_is_what_is_read(kind: str, exported: str, imported: str | None) -> None:
    made = order(kind, push=True)
    assert made.exported == exported
    assert made.caching.imported(REF) == (imported or "type=registry,ref=localhost:1/lab-x-cache:e")


def test_only_a_build_that_pushes_writes_a_cache_beside_its_image() -> None:
    assert order("inline", push=False).exported == "type=inline"
    assert [order(kind, push=False).exported for kind in ("registry-min", "registry-max", "local")] == [None] * 3


def test_docker_names_an_inline_cache_by_its_image() -> None:
    assert common_words(order("inline", push=False))[:2] == ["--cache-from", REF]
    assert common_words(order("registry-max", push=False))[1] == "type=registry,ref=localhost:1/lab-x-cache:e"


def test_an_unknown_cache_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as refused:
        kind_of("registry-mx")
    assert refused.value.message == 'cannot find the cache "registry-mx" (did you mean "registry-max"?)'
