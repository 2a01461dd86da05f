"""A project as a scenario: every step of every stage that the target needs, and the options of its builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import ReadError
from lab.run.own_project.project import read_project
from lab.run.own_project.request import Request
from lab.run.own_project.scenario import scenario_of
from lab.run.steps.table import USUAL

TEXT = """\
ARG TAG=1
FROM node:${TAG} AS deps
WORKDIR /app
COPY package.json ./
RUN npm ci
FROM unused
RUN never
FROM deps AS build
COPY . .
FROM nginx
COPY --from=build /app /app
ADD a /a
"""


def project(folder: Path, **options: object) -> Request:
    (folder / "Dockerfile").write_text(TEXT)
    (folder / "package.json").write_text("{}")
    return Request(folder, **options)  # type: ignore[arg-type]


def test_the_steps_come_from_the_dockerfile(tmp_path: Path) -> None:
    made = scenario_of(read_project(project(tmp_path, build_args=("TAG=2",))), "scratch")
    assert made.instructions == (
        "COPY package.json ./",
        "RUN npm ci",
        "COPY . .",
        "COPY --from=build /app /app",
        "ADD a /a",
    )
    assert (made.bases, made.sequence) == (("node:2", "nginx"), USUAL)
    assert made.recipe.stages == ("deps", "deps", "build", "stage-3", "stage-3")
    assert made.recipe.options.arguments == {"TAG": "2"} and made.recipe.options.words == ()
    assert made.steps == ("hit",) * 5 and made.variations() == [None]


def test_a_target_and_what_the_run_stores(tmp_path: Path) -> None:
    made = scenario_of(read_project(project(tmp_path, target="deps", stub_runs=True, bases={"*": "busybox"})), "b@1")
    assert [step.split()[0] for step in made.instructions] == ["COPY", "RUN"]
    assert made.recipe.stages == ("deps", "deps") and made.bases == ("b@1",)
    assert made.recipe.options.words == ("--file=../recipe/Dockerfile", "--target=deps")
    facts = made.project
    assert facts is not None and (facts.objects, facts.way, facts.target, facts.stubs) == (2, "exact", "deps", True)
    assert facts.bytes == len(TEXT) + 2 and facts.bases == {"*": "busybox"}


def test_a_dockerfile_without_steps_has_nothing_to_compare(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nENV B=1\n")
    with pytest.raises(ReadError, match="nothing to compare"):
        scenario_of(read_project(Request(tmp_path)), "scratch")
