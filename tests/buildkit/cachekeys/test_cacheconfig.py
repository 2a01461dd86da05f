"""Cache configs: well-formed, recorded from real builds, malformed, and as large as they may be.

What BuildKit 0.13.2 and 0.25.2 do with each malformed config was seen with real daemons; see docs/cache-sources.md.
"""

from __future__ import annotations

import contextlib
import gc
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.cachekeys.cache import Cache, Layer, Link, Record
from lab.buildkit.cachekeys.cacheconfig import MEDIA_TYPE, decode_config, moment
from lab.errors import ReadError
from tests.conftest import ROOT

CACHES = ROOT / "tests" / "data" / "caches"
A, B, C, D = (f"sha256:{letter * 64}" for letter in "abcd")
NOON = "2026-11-26T12:00:00.123456789Z"
AT_NOON = datetime(2026, 11, 26, 12, 0, 0, 123456, tzinfo=UTC)
BLOBS = {A: Layer(A, 10, AT_NOON), B: Layer(B, 20), C: Layer(C, 30)}


def config(layers: object = None, records: object = None) -> bytes:
    return json.dumps({"layers": layers, "records": records}).encode()


THREE = [{"blob": A, "parent": -1}, {"blob": B}, {"blob": C, "parent": 1}]


def test_layers_records_results_and_chains() -> None:
    records: list[Any] = [
        {"digest": A, "layers": [{"layer": 1, "createdAt": "2026-01-01T00:00:00Z"}, {"layer": 2, "createdAt": NOON}]},
        {"digest": B, "inputs": [[{"link": 0, "selector": "s"}, {"link": 0}]], "chains": [{"layers": [0, 2]}]},
        {"digest": C, "inputs": [[{"link": 1}], [{"link": 0}]]},
    ]
    cache = decode_config(config(THREE, records), "x", BLOBS)
    assert cache.layers == (Layer(A, 10, AT_NOON), Layer(B, 20, None, 0), Layer(C, 30, None, 1))
    assert cache.records == (
        Record(A, (), (1, 2), True, AT_NOON),
        Record(B, ((Link(0, "s"), Link(0)),), (2,), True, chains=1),
        Record(C, ((Link(1),), (Link(0),))),
    )
    assert [layer.digest for layer in cache.chain(2)] == [A, B, C] and cache.chain(7) == ()


def test_annotations_describe_the_layers_of_a_service() -> None:
    about = {"diffID": D, "size": 5, "createdAt": NOON, "mediaType": "x"}
    cache = decode_config(config([{"blob": A, "parent": -1, "annotations": about}]), "x")
    assert cache == Cache((), (Layer(A, 5, AT_NOON),))


@pytest.mark.parametrize(
    ("blobs", "usable"),
    [
        (BLOBS, (True, True, True)),
        ({A: BLOBS[A], B: BLOBS[B]}, (True, True, False)),
        ({A: BLOBS[A], C: BLOBS[C]}, (True, False, False)),
        ({B: BLOBS[B], C: BLOBS[C]}, (False, False, False)),
    ],
)
def test_a_result_needs_every_layer_below_it(blobs: dict[str, Layer], usable: tuple[bool, ...]) -> None:
    records = [{"digest": digest, "layers": [{"layer": place}]} for place, digest in enumerate((A, B, C))]
    found = decode_config(config(THREE, records), "x", blobs)
    assert tuple(record.has_result for record in found.records) == usable
    chained = decode_config(config(THREE, [{"digest": A, "chains": [{"layers": [0, 1, 2]}]}]), "x", blobs)
    assert chained.records[0].has_result is all(usable)


def link(*numbers: int) -> list[list[dict[str, int]]]:
    return [[{"link": number} for number in numbers]]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "Expecting property name"),
        (b"[" * 100_000, "recursion"),
        (b"[]", "it is not a JSON object"),
        (b'{"schemaVersion": 2}', "it has neither layers nor records"),
        (config(5), "it has layers that are not a list"),
        (config([5]), "layer 0 has no blob"),
        (config([{"blob": A, "parent": -2}]), "layer 0 has a parent without a valid number"),
        (config([], [7]), "record 0 has no digest"),
        (config([], [{"digest": A, "inputs": link(0)}]), "record 0 links to itself through its inputs"),
        (
            config([], [{"digest": A, "inputs": link(1)}, {"digest": B, "inputs": link(0)}]),
            "record 0 links to itself",
        ),
        (config([], [{"digest": A, "inputs": link(5)}]), "links to a record that does not exist"),
        (config([], [{"digest": A, "layers": [{"layer": 0}]}]), "record 0 needs layer 0, which does not exist"),
        (config([], [{"digest": A, "chains": [{"layers": [4]}]}]), "record 0 needs layer 4, which does not exist"),
        (config([], [{"digest": A, "chains": [5]}]), "record 0 has chains that are not objects"),
        (
            config([{"blob": A, "parent": 1}, {"blob": B}], [{"digest": A, "layers": [{"layer": 0}]}]),
            "record 0 needs layer 1, which is its own parent",
        ),
        (config(THREE, [{"digest": A, "layers": [{"layer": 0, "createdAt": "yesterday"}]}]), "a time that is not one"),
        (config(THREE, [{"digest": A, "layers": [{"layer": 0, "createdAt": "2026-01-01"}]}]), "a time that is not one"),
        (config([], [{"digest": A, "inputs": [[]]}]), "record 0 has an input without links"),
        (config([], [{"digest": A}, {"digest": A}]), "records 0 and 1 are one record without inputs, twice"),
    ],
)
def test_what_buildkit_refuses_is_a_read_error(data: bytes, said: str) -> None:
    with pytest.raises(ReadError, match=f"cannot read the cache config of x: .*{said}") as error:
        decode_config(data, "the cache config of x", BLOBS)
    assert error.value.hint


def test_layers_without_annotations_are_refused_where_nothing_else_describes_them() -> None:
    with pytest.raises(ReadError, match="layer 0 has no annotation with its uncompressed digest"):
        decode_config(config(THREE), "x")


@pytest.mark.parametrize(
    "records",
    [
        [{"digest": "nonsense"}],  # matches no step
        [{"digest": A, "layers": [{"layer": 0, "createdAt": "0001-01-01T00:00:00Z"}]}],  # Go's zero time
    ],
)
def test_what_buildkit_accepts_is_read(records: list[Any]) -> None:
    [record] = decode_config(config(THREE, records), "x", BLOBS).records
    assert (record.digest, record.created) == (records[0]["digest"], None)


def test_a_wrong_layer_that_no_record_needs_does_no_harm() -> None:
    layers = [*THREE, {"blob": D, "parent": 99}, {"blob": D, "parent": 4}]
    assert decode_config(config(layers, [{"digest": A, "layers": [{"layer": 2}]}]), "x", BLOBS).records[0].has_result


def test_an_empty_config() -> None:
    assert decode_config(b"{}", "x", {}) == Cache(())


def test_a_long_chain_of_records_and_layers_ends() -> None:
    """Far deeper than Python's own stack."""
    count = 20_000
    layers = [{"blob": A, "parent": number - 1} for number in range(count)]
    records: list[Any] = [
        {"digest": f"{number}", "inputs": link(number - 1) if number else []} for number in range(count)
    ]
    records.append({"digest": "top", "inputs": link(count - 1), "layers": [{"layer": count - 1}]})
    cache = decode_config(config(layers, records), "x", BLOBS)
    assert cache.records[-1].has_result and len(cache.chain(count - 1)) == count


@pytest.mark.parametrize("path", ["s3/team/manifests/app", "azblob/manifests/app", "gha/index-app-1-f921bd05#2"])
def test_what_a_real_build_exported_to_a_service(path: str) -> None:
    cache = decode_config((CACHES / path).read_bytes(), "x")
    assert (len(cache.records), len(cache.layers)) == (11, 8)
    assert [record.has_result for record in cache.records].count(True) == 8
    assert all(layer.size and layer.created for layer in cache.layers)
    assert all(record.created for record in cache.records if record.has_result)


def test_times() -> None:
    assert moment("2026-11-26T13:00:00.123456+01:00") == AT_NOON
    assert [moment(text) for text in (None, 5, "", "2026-11-26T12:00:00", "0001-01-01T00:00:00Z")] == [None] * 5


# from the tests of Go's package time, and from RFC 3339
@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-26T05:15:03Z", "2026-11-26T05:15:03.5Z", "2026-11-26T05:15:03.123456789+05:30"),
        *("2024-02-29T00:00:00-00:00", "0000-02-29T00:00:00Z", "0001-02-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_times_that_go_reads(text: str) -> None:
    [layer] = decode_config(timed(text), "x").layers
    assert layer.digest == A
    assert layer.created == (None if text < "0002" else datetime.fromisoformat(text))


@pytest.mark.parametrize(
    "text",
    [
        *("20261126T051503Z", "2026-11-26 05:15:03Z", "2026-W48-4T05:15:03Z", "2026-11-26T05:15Z"),
        "2026-11-26T05:15:03",
        *("2026-11-26t05:15:03Z", "2026-11-26T05:15:03z", "2026-11-26T5:15:03Z", "2026-11-26T05:15:03,5Z", 5, False),
        *("2026-11-26T05:15:03.Z", "2026-11-26T05:15:03+0100", "2026-11-26T05:15:03+01", "2026-11-26T05:15:03+24:00"),
        *("2026-11-26T05:15:03+01:60", "2026-02-29T00:00:00Z", "2026-11-26T24:00:00Z", "2026-11-26T05:15:60Z", ""),
        *("2026-13-01T00:00:00Z", "+2026-11-26T05:15:03Z", "2026-11-26T05:15:03Z ", "2026-11-26T05:15:03Z\n"),
        *("0001-01-01T", "٢٠٢٦-11-26T05:15:03Z", "2026-11-26T05:15:03.1234567890Z", "2026-11-26T05:15:03+01:00:30"),
    ],
)
def test_times_that_a_version_of_go_refuses(text: object) -> None:
    assert moment(text) is None
    results = [{"layers": [{"layer": 0, "createdAt": text}]}, {"chains": [{"layers": [0], "createdAt": text}]}]
    told = [config(THREE, [{"digest": A, **item}]) for item in results]
    # BuildKit reads the text before it knows which layers are there
    described = [(data, blobs) for data in (timed(text), *told) for blobs in ({}, BLOBS)]
    for data, blobs in [(timed(text), None), *described]:
        with pytest.raises(ReadError, match="a time that is not one"):
            decode_config(data, "x", blobs)


def timed(text: object) -> bytes:
    """A cache config with one layer whose annotations state a time."""
    return json.dumps({"layers": [{"blob": A, "parent": -1, "annotations": {"diffID": D, "createdAt": text}}]}).encode()


KEYS = ["layers", "records", "blob", "parent", "annotations", "diffID", "digest", "inputs", "link", "chains", "layer"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.text(max_size=3) | st.sampled_from([A, B, NOON]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.fixed_dictionaries({"layers": json_values, "records": json_values}) | json_values, st.booleans())
def test_any_json_is_a_cache_or_a_read_error(value: object, described: bool) -> None:
    with contextlib.suppress(ReadError):
        assert isinstance(decode_config(json.dumps(value).encode(), "x", BLOBS if described else None), Cache)


def test_recorded_configs_stand_where_the_media_type_says() -> None:
    tags = json.loads((CACHES / "registry" / "tags.json").read_bytes())
    blobs = CACHES / "registry" / "blobs"

    def holds(path: Path) -> bool:
        return MEDIA_TYPE in path.read_text()

    assert {tag for tag, about in tags.items() if holds(blobs / about["digest"].removeprefix("sha256:"))} == {
        "buildkit-0.25.2",
        *(f"{mode}-{form}" for mode in ("min", "max") for form in ("image-manifest", "oci-index", "docker-list")),
    }


@pytest.mark.parametrize("data", [b"{}", b"{"])
def test_the_search_for_garbage_goes_on_afterwards(data: bytes) -> None:
    with contextlib.suppress(ReadError):
        decode_config(data, "x")
    assert gc.isenabled()
