"""Records as JSON: the vectors' own form in, the same objects out, and everything malformed refused by name."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.contenthash.header import own_digest
from lab.buildkit.contenthash.query import Query
from lab.buildkit.records import LATEST, MOST_REPEATED, dump, load, loads
from lab.errors import ReadError
from tests.vectors import RULES, VECTORS, entry_of, query_of

PLAIN: dict[str, Any] = {"path": "bar", "type": "file", "mode_octal": "644", "content_b64": "YmFyCg=="}


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["id"])
def test_vectors_are_records(vector: dict[str, Any]) -> None:
    records = loads(json.dumps(vector), "vector")
    assert list(records.entries) == [entry_of(raw) for raw in vector["entries"]]
    assert list(records.queries) == [query_of(raw) for raw in vector["queries"]]


def test_what_may_be_left_out() -> None:
    [entry] = load({"entries": [PLAIN]}, "x").entries
    assert entry == file("bar", b"bar\n")
    records = load({"entries": [], "queries": [{"path": "a*"}]}, "x")
    assert records.queries == (Query("a*"),) and records.queries[0].is_wildcard


def test_a_repeated_byte_is_streamed() -> None:
    raw = {**PLAIN, "content_b64": None, "content_repeat": {"byte_b64": "eA==", "count": 200_001}}
    [entry] = load({"entries": [raw]}, "x").entries
    assert entry.size == 200_001 and not isinstance(entry.content, bytes)
    assert own_digest(entry, RULES["R9"]) == own_digest(file("bar", b"x" * 200_001), RULES["R9"])


def repeating(unit: bytes, *counts: int) -> dict[str, Any]:
    """Records of files that repeat some bytes so often."""
    repeats = [{"byte_b64": base64.b64encode(unit).decode(), "count": count} for count in counts]
    plain = {key: value for key, value in PLAIN.items() if key != "content_b64"}
    return {"entries": [{**plain, "path": f"f{at}", "content_repeat": each} for at, each in enumerate(repeats)]}


@pytest.mark.parametrize(
    ("unit", "counts"),
    [
        (b"\0", [10**17]),
        (b"\0", [MOST_REPEATED + 1]),
        (b"ab", [MOST_REPEATED // 2 + 1]),
        (b"\0", [MOST_REPEATED // 2, MOST_REPEATED // 2, 1]),
        (b"", [10**17]),
    ],
)
def test_a_few_bytes_that_stand_for_too_many_are_refused(unit: bytes, counts: list[int]) -> None:
    with pytest.raises(ReadError, match=rf"contents up to f{len(counts) - 1} have more than 64 MiB"):
        load(repeating(unit, *counts), "x")


def test_repeated_bytes_up_to_the_limit_are_read() -> None:
    first, second = load(repeating(b"ab", MOST_REPEATED // 4, MOST_REPEATED // 4), "x").entries
    assert first.size == second.size == MOST_REPEATED // 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"path": ""}, '"" is not a path inside a context'),
        ({"path": "/bar"}, '"/bar" is not a path inside a context'),
        ({"path": "a/../b"}, "not a path inside a context"),
        ({"path": "a//b"}, "not a path inside a context"),
        ({"path": "a\0b"}, "not a path inside a context"),
        ({"type": "door"}, "entries.0.type"),
        ({"mode_octal": "0888"}, "entries.0.mode_octal"),
        ({"mode_octal": 420}, "entries.0.mode_octal"),
        ({"uid": -1}, "entries.0.uid"),
        ({"uid": "0"}, "entries.0.uid"),
        ({"xattrs_b64": {"user.a": "%"}}, "bar has a value that is not base64"),
        ({"content_b64": "%"}, "bar has a value that is not base64"),
        ({"size": 5}, "bar has 4 bytes, not the stated 5"),
        ({"content_sha256": "0" * 64}, "does not have its stated sha256"),
        ({"contents_b64": ""}, 'unknown key entries.0.contents_b64 (did you mean "content_b64"?)'),
    ],
)
def test_wrong_entries(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ReadError) as caught:
        load({"entries": [{**PLAIN, **changes}]}, "file.json")
    assert caught.value.message.startswith("cannot read file.json: ") and why in caught.value.message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it contains no records"),
        ("{}", "entries is missing"),
        ('{"entries": 5}', "entries"),
        ('{"entries": [5]}', "entries.0"),
        ('{"entries": [], "queries": [{}]}', "queries.0.path is missing"),
        ('{"entries": [{"path": "\\udce9", "type": "file", "mode_octal": "644"}]}', "cannot"),
    ],
)
def test_wrong_files(text: str, why: str) -> None:
    with pytest.raises(ReadError, match=r"cannot read file\.json") as caught:
        loads(text, "file.json")
    assert why in caught.value.message


entries = st.builds(
    lambda entry, owner, mtime, problem: replace(entry.but(owner=owner), mtime_ns=mtime, problem=problem),
    st.builds(
        file,
        st.sampled_from(["a", "d/é", "日", "a\tb", "new\nline", "d/\u202e\x7f", "back\\slash"]),
        st.binary(max_size=8),
        st.integers(0, 0o7777),
        st.dictionaries(st.sampled_from(["user.a", "security.selinux"]), st.binary(max_size=5)),
    )
    | st.builds(
        Entry,
        st.just("s"),
        st.sampled_from([Kind.SYMLINK, Kind.DIR, Kind.CHAR, Kind.SOCKET, Kind.FIFO]),
        linkname=st.sampled_from(["", "x", "a\tb"]),
        devmajor=st.integers(0, 5),
    ),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.none() | st.integers(1 - LATEST, LATEST - 1),
    st.none() | st.just("permission denied"),
)


@given(entries)
def test_what_is_kept_comes_back(entry: Entry) -> None:
    [back] = loads(json.dumps({"entries": [dump(entry)]}), "x").entries
    assert back == entry and back.content == entry.content


def test_of_large_contents_the_sum_is_kept() -> None:
    entry = Entry("big", size=5, sha256="a" * 64, content=lambda: [b"12345"])
    raw = dump(entry)
    assert raw["content_sha256"] == "a" * 64 and raw["size"] == 5 and "content_b64" not in raw
    [back] = load({"entries": [raw]}, "x").entries
    assert back.sha256 == "a" * 64 and back.size == 5 and back.content is None


def test_what_is_not_utf8_is_escaped_and_has_a_problem() -> None:
    entry = Entry("a\udcff", xattrs={"user.\udcfe": b"1"}, problem="its name is not UTF-8")
    raw = json.loads(json.dumps(dump(entry)).encode("utf-8"))
    assert (raw["path"], list(raw["xattrs_b64"])) == (r"a\xff", [r"user.\xfe"])
    assert load({"entries": [raw]}, "x").entries[0].problem == "its name is not UTF-8"
