"""The inputs of a RUN with mounts."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.definition import ROOT_SELECTOR, selector
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.step import Plan
from tests.vectors import BOOK

BASES = {name: BaseImage((f"sha256:{name}",), (f"sha256:m{name}",), env=("PATH=/x",)) for name in ("base", "tools")}


def planned(lines: str, engine: str = "28.5.2", options: Options | None = None) -> Plan:
    return plan(parse(f"FROM base\n{lines}\n"), BASES, BOOK.need(engine).dialect, lambda _: "content", options)


def inputs(lines: str, engine: str = "28.5.2") -> list[tuple[str, bool, str | None]]:
    made = planned(lines, engine)
    return [(item.selector, item.hashed, item.content) for item in made.vertices[made.steps[-1].vertices[0]].inputs]


@pytest.mark.parametrize(
    ("line", "engine", "found"),
    [
        ("RUN x", "20.10.24", [("", False, None)]),
        ("RUN x", "28.5.2", [(ROOT_SELECTOR, False, None)]),
        (
            "RUN --mount=from=tools,source=/bin,target=/b x",
            "28.5.2",
            [(ROOT_SELECTOR, False, None), (selector(["/bin"]), True, None)],
        ),
        ("RUN --mount=target=/src x", "28.5.2", [(ROOT_SELECTOR, False, None), (ROOT_SELECTOR, True, "content")]),
        ("RUN --mount=target=/src x", "20.10.24", [("", False, None), ("", True, "content")]),
        ("RUN --mount=type=cache,target=/c x", "28.5.2", [(ROOT_SELECTOR, False, None)]),
        # 26.1.5 takes a secret for a mount of the whole root, which it then also looks up by its files
        ("RUN --mount=type=secret,id=s x", "26.1.5", [(selector(["/", "/"]), True, None)]),
        ("RUN --mount=type=secret,id=s x", "28.5.2", [(ROOT_SELECTOR, False, None)]),
    ],
)
def test_inputs(line: str, engine: str, found: list[tuple[str, bool, str | None]]) -> None:
    """As the packages of these engines print them."""
    assert inputs(line, engine) == found


@pytest.mark.parametrize(
    ("options", "old", "new"),
    [
        (Options(hosts=("h",)), True, True),
        (Options(ulimits=("nofile=1:2",)), False, True),
        (Options(shm_size=1 << 20), False, True),
        (Options(cgroup="/c"), False, True),
        (Options(build_args={"HTTP_PROXY": "http://p", "A": "1"}), False, False),
        (Options(build_args={"BUILDKIT_SANDBOX_HOSTNAME": "h"}), False, True),
    ],
)
def test_options_that_enter_the_record(options: Options, old: bool, new: bool) -> None:
    found = [
        planned("RUN x", engine, options).steps[0].record != planned("RUN x", engine).steps[0].record
        for engine in ("20.10.24", "28.5.2")
    ]
    assert found == [old, new]
    assert planned("RUN x", "25.0.3", Options(ulimits=("a=1",))).steps[0].unclear


def test_a_here_document_is_the_command() -> None:
    plain = planned('RUN ["/bin/sh","-c","x\\n"]').steps[-1].record
    assert planned("RUN <<E\nx\nE").steps[-1].record == plain is not None
    shebang = planned("RUN <<E\n#!/bin/x\nE")
    assert len(shebang.vertices) == 3 and shebang.steps[-1].record  # the image, the document, the command
