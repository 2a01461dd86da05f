"""What each step takes of the context, from the plan of a Dockerfile."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage
from lab.buildkit.cachekeys.taking import UNREAD_MOUNT

BASES = {"base": BaseImage(env=("OF_BASE=src",), onbuild=("COPY trigger /",))}


def taken(text: str) -> dict[str, tuple[str, ...]]:
    """The sources in the context of each step that has some, by its text."""
    steps = plan(parse(text), BASES, None, lambda copy: None).steps
    return {step.text: step.taken.paths for step in steps if step.taken and not step.taken.unclear}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FROM scratch\nARG DIR=src\nCOPY $DIR/a ${DIR}/b /\n", {"COPY $DIR/a ${DIR}/b /": ("src/a", "src/b")}),
        ("FROM base\nCOPY $OF_BASE /\n", {"COPY trigger /": ("trigger",), "COPY $OF_BASE /": ("src",)}),
        ("FROM scratch AS one\nONBUILD ADD in /\nFROM one\n", {"ADD in /": ("in",)}),
        ("FROM scratch AS one\nCOPY a /\nFROM scratch\nCOPY --from=one /a /\n", {"COPY a /": ("a",)}),
        ("FROM scratch\nADD https://host.example/file /\nRUN true\n", {}),
        (
            "FROM scratch\nRUN --mount=type=bind,source=src,target=/m true\n",
            {"RUN --mount=type=bind,source=src,target=/m true": ("/src",)},
        ),
        ("FROM scratch\nRUN --mount=type=cache,target=/m true\n", {}),
    ],
)
def test_each_step_names_its_files(text: str, wanted: dict[str, tuple[str, ...]]) -> None:
    assert taken(text) == wanted


def test_a_mount_that_cannot_be_read_is_unclear() -> None:
    [step] = plan(
        parse("FROM scratch\nRUN --mount=type=bind,size=x,target=/m true\n"), {}, None, lambda copy: None
    ).steps
    assert step.taken is not None and step.taken.unclear == UNREAD_MOUNT
