"""What stages are based on and copy from, which of them a target needs, and the images of a build."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.needs import first_image, images_needed, lineage, needed
from lab.buildkit.cachekeys.stages import Origin, Stages
from lab.buildkit.cachekeys.state import Options
from lab.buildkit.cachekeys.words import Failing
from tests.vectors import BOOK

TEXT = """\
ARG TAG=1
ARG BASE=alpine:$TAG
FROM $BASE AS one
FROM golang AS unused
RUN x
FROM one AS two
COPY --from=busybox /a /b
FROM scratch
COPY --from=two /x /x
RUN --mount=from=tools,target=/t --mount=type=bind,from=one,target=/o y
"""


def test_the_stages_and_images_that_a_target_needs() -> None:
    read = parse(TEXT)
    assert needed(read) == [0, 2, 3] and needed(read, "two") == [0, 2] and needed(read, "1") == [1]
    assert images_needed(read) == ("alpine:1", "busybox", "tools")
    assert images_needed(read, Options(build_args={"TAG": "9"}), "one") == ("alpine:9",)
    assert first_image(read, target="two") == "alpine:1" and first_image(read) is None
    assert [stage.name for stage in lineage(read, "two")] == ["one", "two"]


def test_named_contexts_replace_images_and_stages() -> None:
    read = parse(TEXT)
    contexts = {
        "docker.io/library/busybox": "docker-image://mine:2",
        "one": "./folder",
        "tools": "docker-image://scratch",
    }
    options = Options(contexts=contexts)
    assert images_needed(read, options) == ("mine:2",)
    stages = Stages(read, options)
    assert stages.origin(0) == Origin(context="one") and stages.is_replaced(0)
    old = BOOK.need("20.10.24").dialect  # its frontend does not know them
    assert images_needed(read, options, dialect=old) == ("alpine:1", "busybox", "tools")


def test_platforms() -> None:
    text = "FROM --platform=$BUILDPLATFORM golang AS build\nFROM alpine\nCOPY --from=build /a /a\n"
    options = Options(platform="linux/arm64", worker="linux/amd64")
    assert images_needed(parse(text), options) == ("--platform=linux/amd64 golang", "alpine")
    assert images_needed(parse(text)) == ("golang", "alpine")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("FROM ${X", "cannot expand"),
        ("FROM $NONE", "names nothing"),
    ],
)
def test_what_a_stage_is_based_on_may_be_unknown(line: str, why: str) -> None:
    found = Stages(parse(line)).origin(0)
    assert isinstance(found, str) and why in found


def test_names_as_they_are_printed() -> None:
    def shown(text: str) -> list[str]:
        stages = Stages(parse(text))
        return [stages.shown_name(number) for number in stages.needed]

    assert shown("FROM a\nRUN x") == [""]
    assert shown("FROM a\nCOPY --from=b /x /x") == ["stage-0"]  # the image counts as a stage
    assert shown("FROM a AS B\nFROM b\nRUN x") == ["b", "stage-1"]


def test_from_needs_the_name_of_a_stage_in_small_letters_and_copy_does_not() -> None:
    """As Docker 20.10.24, 26.1.5 and 28.5.2 do: the first is an image's name for them, which has no capital letters."""
    text = "FROM scratch AS Base\nCOPY a /\nFROM {} AS second\nCOPY --from=BASE /a /b\n"
    found = [Stages(parse(text.format(name)), Options()).origin(1) for name in ("base", "Base", "BASE")]
    assert found[0] == Origin(0)
    assert all(isinstance(item, Failing) and "small letters" in item for item in found[1:])
    assert Stages(parse(text.format("base")), Options()).source("BASE", numbers=True) == Origin(0)
