"""Steps as BuildKit prints them, and the steps on which each depends."""

from __future__ import annotations

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.step import Plan
from tests.vectors import BOOK

TEXT = """\
FROM base AS one
ARG A=a
RUN make $A "$B"
WORKDIR /w
FROM base
COPY --from=one "/w/$A" /x
copy   --link b  /y
RUN --mount=from=one,target=/o last
"""


def planned(text: str, *, merges: bool = False) -> Plan:
    base = {"base": BaseImage(("sha256:a",), ("sha256:b",), env=("PATH=/x",))}
    return plan(parse(text), base, BOOK.need("28.5.2").dialect, lambda _: "content", Options(merges=merges))


def test_parents_are_those_of_the_own_line_first() -> None:
    assert [step.parents for step in planned(TEXT).steps] == [(), (0,), (1,), (2,), (3, 1)]
    linked = planned(TEXT, merges=True).steps
    assert [step.parents for step in linked] == [(), (0,), (1,), (2,), (3, 1)]
    assert [len(step.vertices) for step in linked] == [1, 1, 1, 2, 1]


def test_places_and_texts() -> None:
    found = [(step.stage, step.number, step.printed) for step in planned(TEXT).steps]
    assert found == [
        ("one", 2, 'RUN make a "$B"'),
        ("one", 3, "WORKDIR /w"),
        ("stage-1", 2, "COPY --from=one /w/ /x"),
        ("stage-1", 3, "COPY   --link b  /y"),
        ("stage-1", 4, "RUN --mount=from=one,target=/o last"),
    ]


def test_equal_steps_of_two_stages_are_one() -> None:
    text = "FROM base AS one\nRUN x\nFROM base AS two\nENV A=1\nFROM two\nRUN y\nFROM one AS three\nRUN z\n"
    text += "FROM base AS last\nRUN x\nCOPY --from=three /a /a\n"
    steps = planned(text).steps
    assert [(step.text, step.stage, step.number, step.also) for step in steps] == [
        ("RUN x", "one", 2, (("last", 2),)),
        ("RUN z", "three", 1, ()),
        ("COPY --from=three /a /a", "last", 3, ()),
    ]
