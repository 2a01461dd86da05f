"""Inputs of file operations: which are parents, and which are found by their files."""

from __future__ import annotations

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.definition import selector
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.fileops import FileOperation, Part, copy_operation
from lab.buildkit.cachekeys.frontend import Frontend
from tests.vectors import BOOK

COPY = Copy(("a", "b"), "/d/")


def copied(engine: str, base: int | None, *parts: Part) -> FileOperation:
    dialect = BOOK.need(engine).dialect
    assert isinstance(dialect, Dialect)
    return copy_operation(COPY, parts, base, "/d/", dialect, Frontend(dialect.frontend))


def local(vertex: int | None, path: str) -> Part:
    return Part(vertex, path, "local", COPY)


def test_sources_of_one_stage_are_one_input() -> None:
    made = copied("26.1.5", 0, local(7, "/a"), local(7, "/b"))
    assert [(item.vertex, item.hashed) for item in made.inputs] == [(0, False), (7, True)]
    assert made.inputs[1].selector == selector(["/b", "/a"])  # from the last to the first


def test_an_input_that_is_also_the_base_is_a_parent_alone() -> None:
    made = copied("26.1.5", 7, local(7, "/a"), local(7, "/b"))
    assert [(item.vertex, item.hashed, item.selector) for item in made.inputs] == [(7, False, "")]


def test_a_source_that_occurs_twice() -> None:
    old, new = (copied(engine, 0, local(7, "/a"), local(7, "/a")).inputs[1] for engine in ("20.10.24", "26.1.5"))
    assert (old.selector, new.selector) == (selector(["/a"]), selector(["/a", "/a"]))


def test_empty_stages_are_no_inputs() -> None:
    made = copied("26.1.5", None, local(None, "/a"), local(7, "/b"))
    assert [item.vertex for item in made.inputs] == [7]
