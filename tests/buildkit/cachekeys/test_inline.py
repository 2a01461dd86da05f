"""Inline caches as they stand in image configs: well-formed, malformed in every way, absent."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.cachekeys.cache import Cache, Layer, Link, Record
from lab.buildkit.cachekeys.inline import decode
from lab.errors import ReadError

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
RECORDS: list[Any] = [
    {"layers": [{"layer": 0, "createdAt": "2020-05-27T10:00:00Z"}], "digest": A},
    {"digest": B, "inputs": None},
    {"layers": [{}], "digest": C, "inputs": [[{"link": 0, "selector": "sha256:d"}, {}], [{"link": 1}]]},
]


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_records_and_links() -> None:
    cache = decode(encoded(RECORDS))
    assert cache.records == (
        Record(A, (), (0,), True, datetime(2020, 5, 27, 10, tzinfo=UTC)),
        Record(B),
        Record(C, ((Link(0, "sha256:d"), Link(0)), (Link(1),)), (0,), True),
    )
    assert cache.numbers(C) == (2,) and cache.numbers("sha256:none") == ()
    assert cache.contents(C) == {B} and cache.contents(B) == frozenset()


def test_a_chain_is_a_result_too() -> None:
    [record] = decode(encoded([{"digest": A, "chains": [{"layers": [1, 0]}]}])).records
    assert record.has_result and record.layers == (0,)  # the top layer is the last one of a chain


@pytest.mark.parametrize(
    "value",
    [
        "no base64!",
        base64.b64encode(b"no json").decode(),
        base64.b64encode(b"[" * 100_000).decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        encoded({}),
        encoded([1]),
        encoded([{}]),
        encoded([{"digest": ""}]),
        encoded([{"digest": A, "inputs": {}}]),
        encoded([{"digest": A, "inputs": [{}]}]),
        encoded([{"digest": A, "inputs": [[1]]}]),
        encoded([{"digest": A, "inputs": [[{"link": 1}]]}]),
        encoded([{"digest": A, "inputs": [[{"link": -1}]]}]),
        encoded([{"digest": A, "inputs": [[{"link": True}]]}]),
        encoded([{"digest": A, "inputs": [[{"selector": 5}]]}]),
        encoded([{"digest": A, "layers": 5}]),
        encoded([{"digest": A, "layers": [{"layer": "0"}]}]),
        encoded([{"digest": A, "layers": [5]}]),
    ],
)
def test_malformed_caches_are_read_errors(value: str) -> None:
    with pytest.raises(ReadError, match="cannot read the image's inline cache: "):
        decode(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([A, B]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["digest", "inputs", "layers", "link", "chains"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_a_cache_or_a_read_error(value: object) -> None:
    with contextlib.suppress(ReadError):
        assert isinstance(decode(encoded(value)), Cache)


def test_layers_of_the_image() -> None:
    layers = [Layer(A, 5), Layer(B, 6, None, 0)]
    cache = decode(encoded([{"digest": A, "layers": [{"layer": 1}]}]), layers)
    assert cache.layers == tuple(layers) and cache.records[0].layers == (1,)
    with pytest.raises(ReadError, match="record 0 names layer 2, but the image has 2"):
        decode(encoded([{"digest": A, "layers": [{"layer": 2}]}]), layers)


def test_loops_end() -> None:
    with pytest.raises(ReadError, match="record 0 links to itself"):
        decode(encoded([{"digest": A, "inputs": [[{"link": 1}]]}, {"digest": B, "inputs": [[{"link": 0}]]}]))


def test_a_cache_without_records_is_null_in_go() -> None:
    assert decode(encoded(None)) == Cache(())
