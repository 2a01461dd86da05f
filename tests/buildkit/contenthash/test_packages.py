"""Contexts of which the packages of Debian's docker.io were asked digests: links, wildcards, patterns at their edges.

The digests in tests/data/contenthash/packages.json were printed by programs compiled against those packages' own
contenthash, of 20.10.24+dfsg1-1+deb12u1, 26.1.5+dfsg1-9 and 28.5.2+dfsg4-5; those in dockerfiles.json by programs with
their dockerfile2llb and the operations of their solver too.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.definition import DEFAULT_PATH, record
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage
from lab.buildkit.contenthash.entry import file
from lab.buildkit.contenthash.query import Query, ask, content_part, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError
from tests.conftest import ROOT
from tests.vectors import BOOK, entry_of, query_of

DATA = ROOT / "tests/data/contenthash"
PACKAGES: dict[str, Any] = json.loads((DATA / "packages.json").read_text(encoding="utf-8"))
DOCKERFILES: dict[str, Any] = json.loads((DATA / "dockerfiles.json").read_text(encoding="utf-8"))


def answer(tree: Tree, query: Query, rules: Rules) -> str | None:
    """A digest, None for no digest under these rules, or the message of an error."""
    try:
        part = ask(tree, query, rules)
        return part.text if part else None
    except ContextError as error:
        return f"error: {error.message}"


@pytest.mark.parametrize("engine", PACKAGES["about"]["packages"])
@pytest.mark.parametrize("case", PACKAGES["cases"], ids=lambda case: case["id"])
def test_queries(case: dict[str, Any], engine: str) -> None:
    rules = BOOK.need(engine).rules
    tree = Tree.read([entry_of(raw) for raw in case["entries"]], rules)
    for raw, expected in zip(case["queries"], case["expected"][engine], strict=True):
        query = query_of(raw)
        found = answer(tree, query, rules)
        if found and "lab does not" in found:
            assert case["id"] == "names-of-byte-ff"
        elif expected == "error":
            assert found and found.startswith("error"), query
        else:
            assert found == expected, query


def test_what_is_not_covered_is_refused() -> None:
    """Unicode's classes of characters, which Go has and Python has not, get no answer at all."""
    rules = BOOK.need("28.5.2").rules
    with pytest.raises(ContextError, match="lab does not support"):
        ask(Tree.read([file("a", b"")], rules), Query("/", exclude=("\\pL",)), rules)


@pytest.mark.parametrize("engine", PACKAGES["about"]["packages"])
@pytest.mark.parametrize("case", DOCKERFILES["cases"], ids=lambda case: case["id"])
def test_dockerfiles(case: dict[str, Any], engine: str) -> None:
    """Each step's record, and that of what it copies, or no claim at all."""
    expected = case["expected"][engine]
    if expected is None:
        return
    known = BOOK.need(engine)
    tree = Tree.read([entry_of(raw) for raw in DOCKERFILES["entries"]], known.rules)

    def content(copy: Copy) -> str | None:
        part = content_part(tree, copy.queries, known.rules)
        return content_record(part.text) if part else None

    dockerfile = parse(case["dockerfile"])
    bases = {"base": BaseImage(env=(DEFAULT_PATH,))}
    steps = plan(dockerfile, bases, known.dialect, content).steps
    assert len(steps) == len(expected)
    for step, (digest, copied) in zip(steps, expected, strict=True):
        if step.unclear:
            assert '"' in step.text or "\\" in step.text, step
            continue
        assert (step.record, step.content) == (record(digest), copied and content_record(copied)), step
