"""Equal operations on equal inputs are one vertex."""

from __future__ import annotations

from lab.buildkit.cachekeys.definition import Definition, record
from lab.buildkit.cachekeys.graph import Graph, Input

ONE, TWO = Definition('{"a":1}'), Definition('{"a":2}')


def test_equal_operations() -> None:
    graph = Graph()
    base = graph.source(["sha256:x"], "image")
    first = graph.operation(ONE, [Input(base)], "a")
    assert graph.operation(ONE, [Input(base)], "a") == first
    assert graph.operation(ONE, [Input(first)], "a") != first
    assert graph.operation(TWO, [Input(base)], "b") != first
    assert graph.source(["sha256:x"], "image") == base != graph.source(["sha256:x"], "other")
    assert graph.vertices[first].record == record(ONE.digest)
    assert [graph.vertices[number].is_source for number in (base, first)] == [True, False]


def test_operations_that_are_not_known_are_never_one() -> None:
    graph = Graph()
    found = [graph.operation("why", [], "a") for _ in range(2)]
    assert found == [0, 1] and graph.vertices[0].unclear == "why" and graph.vertices[0].record is None


def test_one_stage_that_ignores_the_cache_is_enough() -> None:
    graph = Graph()
    plain = graph.operation(ONE, [], "a")
    assert graph.operation(ONE, [], "a", ignored=True) == plain and graph.vertices[plain].ignored
