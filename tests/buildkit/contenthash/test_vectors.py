"""Every public vector: digests of objects and sources, the bytes before the content, content digests of COPY."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from lab.buildkit.contenthash.entry import Entry, file
from lab.buildkit.contenthash.header import header
from lab.buildkit.contenthash.query import Query, ask, content_record
from lab.buildkit.contenthash.tree import Tree, read_trees
from lab.errors import ContextError
from tests.digests import content_digest
from tests.vectors import COPY_CONTEXT, RULES, VECTORS, entry_of, query_of


def answer(call: Any) -> str | None:
    """A digest, null for no digest under these rules, "error" for an error, as the vectors write them."""
    try:
        part = call()
        return part if part is None or isinstance(part, str) else part.text
    except ContextError:
        return "error"


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["id"])
def test_objects_and_queries(vector: dict[str, Any]) -> None:
    entries = [entry_of(raw) for raw in vector["entries"]]
    trees = read_trees(entries, RULES.values())
    for name, expected in vector["expected"].items():
        rules = RULES[name]
        tree = trees[rules]
        own = {path: digest if isinstance(digest, str) else "error" for path, digest in tree.own.items()}
        assert own == expected["entries"], name
        asked = [query_of(raw) for raw in vector["queries"]]
        answers = [answer(lambda query=query: ask(tree, query, rules)) for query in asked]  # noqa: B023
        assert answers == expected["queries"], name


def test_every_rule_set_has_vectors() -> None:
    assert {name for vector in VECTORS["vectors"] for name in vector["expected"]} == set(RULES)


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS["vectors"] if "header_preimage_hex" in v], ids=lambda vector: vector["id"]
)
def test_header_bytes(vector: dict[str, Any]) -> None:
    [entry] = (entry_of(raw) for raw in vector["entries"])
    for name, expected in vector["header_preimage_hex"].items():
        if expected is None:
            with pytest.raises(ContextError):
                header(entry, RULES[name])
        else:
            assert header(entry, RULES[name]).hex() == expected


@pytest.mark.parametrize("vector", VECTORS["copy_vectors"], ids=lambda vector: vector["instruction"])
def test_content_of_whole_instructions(vector: dict[str, Any]) -> None:
    trees = read_trees(COPY_CONTEXT, RULES.values())
    for name, expected in vector["expected"].items():
        digest = content_digest(trees[RULES[name]], vector["sources"], RULES[name])
        assert digest == expected["content_digest"], name
        assert content_record(digest) == expected["content_record"], name


def test_a_hard_link_is_received_without_data() -> None:
    """Its own digest is that of its header; asked for, it has that of its first path (vector file-plain-0644)."""
    rules = RULES["R9"]
    [plain] = (v for v in VECTORS["vectors"] if v["id"] == "file-plain-0644")
    digest = plain["expected"]["R9"]["queries"][0]
    linked = Entry("link", size=4, linkname="bar", content=b"bar\n")
    tree = Tree.read([file("bar", b"bar\n"), linked], rules)
    alone = sha256(bytes.fromhex(plain["header_preimage_hex"]["R7"])).hexdigest()
    assert tree.own == {"bar": digest, "link": f"sha256:{alone}"}
    assert answer(lambda: ask(tree, Query("link"), rules)) == digest
