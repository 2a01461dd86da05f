"""A scenario's steps against its Dockerfile, and the images after FROM."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import ConfigError
from lab.run.instructions import bases_of, check_steps

FILE = Path("s/scenario.yaml")
STAGES = """\
FROM localhost:5055/node:20 AS deps
RUN npm ci
FROM deps AS unused
RUN never
FROM docker.io/library/golang AS tools
RUN go build
FROM deps
WORKDIR /app
COPY --from=tools /bin/tool /bin/
COPY . .
"""
NEEDED = ("RUN npm ci", "RUN go build", "COPY --from=tools /bin/tool /bin/", "COPY . .")


def refusal(dockerfile: str, *steps: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        check_steps(FILE, dockerfile, steps)
    return caught.value


def test_a_step_that_the_dockerfile_does_not_have_is_refused() -> None:
    error = refusal("FROM x\nCOPY c c\nRUN a\n", "COPY c c", "RUN b")
    assert error.message == 'cannot use s/scenario.yaml: the Dockerfile has no step "RUN b"'
    assert error.hint == "steps of the Dockerfile: COPY c c; RUN a"


def test_a_step_that_is_missing_is_refused() -> None:
    error = refusal("FROM x\nCOPY c c\nRUN a\nRUN a\n", "COPY c c", "RUN a")
    assert error.message == 'cannot use s/scenario.yaml: the step "RUN a" of the Dockerfile is missing'
    assert error.hint == "steps of the Dockerfile: COPY c c; RUN a; RUN a"


def test_a_dockerfile_without_steps_lists_none() -> None:
    assert refusal("FROM x\nENV a=b\n", "RUN a").hint == "steps of the Dockerfile: none"


@pytest.mark.parametrize("dockerfile", ["", "RUN a\n", "FROM a b\nRUN a\n"])
def test_a_dockerfile_that_cannot_be_read_is_named(dockerfile: str) -> None:
    assert refusal(dockerfile, "RUN a").message.startswith("cannot use s/Dockerfile.j2: cannot read the Dockerfile")


@pytest.mark.parametrize(
    ("dockerfile", "steps"),
    [
        ("FROM x\nRUN a\nRUN a\n", ("RUN a", "RUN a")),
        ("FROM x\nWORKDIR /a\nRUN a\n", ("RUN a",)),  # an engine prints it where the folder is not there
        ("FROM x\nWORKDIR /a\nRUN a\n", ("WORKDIR /a", "RUN a")),
        ("FROM x\nARG f=bar\nCOPY $f .\n", ("COPY bar .",)),  # printed with its value
        ("FROM x\nrun a  \\\n  b\n", ("RUN a b",)),
        (STAGES, NEEDED),
        (STAGES, (*NEEDED, "WORKDIR /app")),
    ],
)
def test_what_a_build_prints_is_taken(dockerfile: str, steps: tuple[str, ...]) -> None:
    check_steps(FILE, dockerfile, steps)


def test_a_stage_that_the_build_skips_has_no_steps() -> None:
    assert 'has no step "RUN never"' in refusal(STAGES, *NEEDED, "RUN never").message


@pytest.mark.parametrize(
    ("dockerfile", "found"),
    [
        ("FROM alpine\n", ("alpine",)),
        ("FROM scratch\nCOPY a a\n", ()),
        ("ARG v=1\nFROM alpine:$v\n", ("alpine:1",)),
        (STAGES, ("localhost:5055/node:20", "docker.io/library/golang")),
        ("FROM a AS B\nFROM b\nRUN --mount=type=bind,from=c,target=/c x\n", ("a", "c")),
        ("FROM c AS d\nFROM a\nRUN --mount=type=bind,from=d,target=/c x\n", ("c", "a")),
        ("FROM c\nFROM a\nCOPY --from=0 / /\n", ("c", "a")),
    ],
)
def test_the_images_after_from(dockerfile: str, found: tuple[str, ...]) -> None:
    assert bases_of(dockerfile) == found
