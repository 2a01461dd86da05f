"""Other base images and other commands in a Dockerfile; all else stays as the user wrote it."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.state import Options
from lab.errors import UsageError
from lab.run.own_project.rewriting import frontend_that_stays, rewritten

TEXT = """\
# syntax=docker/dockerfile:1
# escape=\\
ARG V=18
FROM --platform=linux/amd64 node:${V} AS build
# a comment
RUN --mount=type=bind,from=tools:2,target=/t \\
    make \\
    all
COPY --from=build2 /a /b
COPY <<EOT /c
text
EOT
FROM docker.io/library/nginx
COPY --from=build /out /in
COPY --from=alpine:3 /etc/x /
"""


def test_nothing_changes_without_a_wish() -> None:
    assert rewritten(TEXT, {}, Options(), stubs=False) == TEXT


def test_images_are_replaced_wherever_the_dockerfile_means_them() -> None:
    bases = {"node:18": "one", "nginx:latest": "two", "tools:2": "three", "alpine:3": "four"}
    found = rewritten(TEXT, bases, Options(), stubs=False)
    assert "FROM --platform=linux/amd64 one AS build\n" in found
    assert "\nFROM two\n" in found
    assert "RUN --mount=type=bind,from=three,target=/t make     all\n" in found
    assert "COPY --from=four /etc/x /\n" in found
    assert found.startswith("# syntax=docker/dockerfile:1\n# escape=\\\nARG V=18\n")  # what was not named stays
    assert "COPY <<EOT /c\ntext\nEOT\n" in found and "COPY --from=build /out /in\n" in found
    assert "# a comment\n" in found


def test_a_build_argument_decides_which_image_is_meant() -> None:
    found = rewritten(TEXT, {"node:20": "one"}, Options(build_args={"V": "20"}), stubs=False)
    assert "FROM --platform=linux/amd64 one AS build\n" in found


def test_a_pattern_stands_for_all_images_and_an_exact_name_comes_first() -> None:
    found = rewritten(TEXT, {"*": "all", "docker/dockerfile:1": "builtin"}, Options(), stubs=False)
    assert [stage.base for stage in parse(found).stages] == ["all", "all"]
    assert "syntax" not in found and parse(found).escape == "\\"  # the engine's own frontend reads it


def test_a_pattern_for_images_means_no_frontend() -> None:
    """An image of a stage cannot read a Dockerfile."""
    found = rewritten(TEXT, {"*": "busybox"}, Options(), stubs=False)
    assert found.startswith("# syntax=docker/dockerfile:1\n")
    assert frontend_that_stays(TEXT, {"*": "busybox"}) == "docker/dockerfile:1"
    assert frontend_that_stays(TEXT, {"nginx": "busybox"}) is None
    assert frontend_that_stays(TEXT.removeprefix("# syntax=docker/dockerfile:1\n"), {"*": "busybox"}) is None


def test_a_pattern_for_frontends_means_no_image() -> None:
    bases = {"docker/*": "builtin", "*": "busybox"}
    found = rewritten(TEXT, bases, Options(), stubs=False)
    assert "syntax" not in found and [stage.base for stage in parse(found).stages] == ["busybox", "busybox"]
    assert frontend_that_stays(TEXT, bases) is None


def test_another_frontend_keeps_its_place_before_the_other_directives() -> None:
    found = rewritten(TEXT, {"docker/dockerfile:1": "mine:2"}, Options(), stubs=False)
    assert found.startswith("# syntax=mine:2\n# escape=\\\n")


def test_a_name_that_no_image_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r'uses no image "node:19" \(did you mean "node:18"\?\)') as caught:
        rewritten(TEXT, {"node:19": "x"}, Options(), stubs=False)
    assert "nginx" in str(caught.value.hint)


def test_stubs_keep_flags_and_the_number_of_steps() -> None:
    found = rewritten(TEXT, {}, Options(), stubs=True)
    before, after = parse(TEXT), parse(found)
    assert [[item.word for item in stage.instructions] for stage in after.stages] == [
        [item.word for item in stage.instructions] for stage in before.stages
    ]
    assert after.stages[0].instructions[0].flags == before.stages[0].instructions[0].flags
    assert "make" not in found.replace("/.lab-make", "")
