"""The graph of steps: what depends on what, and which step of a plan a printed instruction is."""

from __future__ import annotations

from collections.abc import Mapping

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.step import Step
from lab.explain.graph import ancestors, dependents, nearest, numbers_of

TEXT = """FROM a AS builder
RUN one
COPY x x
FROM b
RUN two
COPY --from=builder /x /x
RUN three
"""


def steps(text: str = TEXT) -> list[Step]:
    return list(plan(dockerfiles.parse(text), {}, None, lambda copy: None).steps)


def test_the_ancestors_of_a_copy_from_a_stage_are_in_both_stages() -> None:
    found = steps()
    assert [step.text for step in found] == ["RUN one", "COPY x x", "RUN two", "COPY --from=builder /x /x", "RUN three"]
    assert sorted(ancestors(found, 3)) == [0, 1, 2]
    assert ancestors(found, 2) == []


def test_the_steps_that_follow_a_miss_are_counted_once_each() -> None:
    assert dependents(steps(), {1, 3, 4}) == [0, 2, 0, 1, 0]
    assert dependents(steps(), {0, 1, 2, 3, 4}) == [3, 2, 2, 1, 0]


def test_the_nearest_miss_is_looked_for_through_what_is_not_known() -> None:
    def asked(known: Mapping[int, bool]) -> int | None:
        return nearest(steps(), 4, known.get)

    assert asked({3: True}) == 3
    assert asked({1: True}) == 1  # the COPY between them is not shown
    assert asked({3: False, 1: True}) is None  # it hit: the cache holds it
    assert asked({}) is None


def test_printed_instructions_are_found_in_any_order_of_stages() -> None:
    found = steps()
    texts = ["RUN two", "COPY --from=builder /x /x", "RUN one", "RUN gone", "COPY x x"]
    assert numbers_of(texts, found) == [2, 3, 0, None, 1]


def test_a_text_that_occurs_twice_is_taken_twice() -> None:
    twice = steps("FROM a AS x\nRUN same\nFROM b\nRUN same\nCOPY --from=x /a /a\n")
    assert numbers_of(["RUN same", "RUN same", "RUN same"], twice) == [0, 1, None]
