"""The stage that normalises modes: COPY takes the same names from it, with its other flags."""

from __future__ import annotations

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.run.vary.remedies.normalise import normalised

OBJECTS = [Entry("src", Kind.DIR, 0o755), file("src/a", b"a"), file("one", b"1")]


def test_each_copy_of_the_context_takes_from_the_stage() -> None:
    text = (
        "# syntax=docker/dockerfile:1\nARG X=1\nFROM alpine AS build\nCOPY --chown=5 src /src\n"
        "COPY one /etc/two\nCOPY one two/ /d/\nFROM scratch\nCOPY --from=build /src /src\nCOPY . /app\n"
    )
    assert normalised(text, OBJECTS) == (
        "# syntax=docker/dockerfile:1\nARG X=1\n"
        "FROM alpine AS lab-files\n"
        "COPY src /lab-in/0/\n"
        "COPY one /lab-in/1/\n"
        "COPY one two/ /lab-in/2/\n"
        "COPY . /lab-in/3/\n"
        "RUN cp -RP /lab-in /lab-out && chmod -R u=rwX,go=rX,a-s /lab-out\n"
        "\n"
        "FROM alpine AS build\n"
        "COPY --from=lab-files --chown=5 /lab-out/0/ /src\n"
        "COPY --from=lab-files /lab-out/1/one /etc/two\n"
        "COPY --from=lab-files /lab-out/2/ /d/\n"
        "FROM scratch\n"
        "COPY --from=build /src /src\n"
        "COPY --from=lab-files /lab-out/3/ /app\n"
    )


@pytest.mark.parametrize(
    "copy",
    ["COPY $X /x", 'COPY ["a", "/b"]', "COPY --exclude=a . /x", "COPY --parents src /x", "COPY <<E /x\nhi\nE"],
)
def test_a_copy_that_cannot_be_rewritten_refuses_the_whole(copy: str) -> None:
    assert normalised(f"FROM alpine\n{copy}\n", OBJECTS) is None


def test_an_add_that_only_copies_takes_from_the_stage() -> None:
    found = normalised("FROM alpine\nADD one /d/\n", OBJECTS)
    assert found is not None and found.endswith("COPY --from=lab-files /lab-out/0/ /d/\n")
    assert normalised("FROM alpine\nADD http://x/y /d/\nCOPY one /\n", OBJECTS) is None
    assert normalised("FROM alpine\nADD a.tar.gz /d/\n", [*OBJECTS, file("a.tar.gz", b"")]) is None


def test_an_image_without_programs_cannot_normalise() -> None:
    assert normalised("FROM scratch\nCOPY src /src\n", OBJECTS) is None
