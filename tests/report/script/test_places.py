"""The places at which builders print the steps of a run."""

from __future__ import annotations

import pytest

from lab.report.script.places import Place, places_of
from lab.results.facts import Given
from lab.results.run import Run
from tests import reporting
from tests.reporting import HIT, trial

STAGES = """\
ARG V=1
FROM alpine AS build
ENV A=1
WORKDIR /src
RUN make $V
FROM scratch
COPY --from=build /o /o
ADD x ${V}
"""


def made(dockerfile: str, *steps: str) -> Run:
    return reporting.run(trial("a", "a", (HIT,) * len(steps)), steps=steps, dockerfile=dockerfile)


def test_the_places_in_stages() -> None:
    run = made(STAGES, "RUN make $V", "COPY --from=build /o /o", "ADD x ${V}")
    assert places_of(run, Given()) == (
        Place("build", 3, 5),
        Place("stage-1", 1, 7),  # FROM scratch has no number
        Place("stage-1", 2, 8, as_written=False),
    )
    assert [place.word(classic=False) for place in places_of(run, Given())] == ["build 3", "stage-1 1", "stage-1 2"]
    assert [place.word(classic=True) for place in places_of(run, Given())] == ["5", "7", "8"]


def test_a_single_stage_has_no_name() -> None:
    run = made("FROM alpine AS one\nRUN a\nRUN a\n", "RUN a", "RUN a")
    assert [place.word(classic=False) for place in places_of(run, Given())] == ["2", "3"]


def test_the_target_decides_which_steps_there_are() -> None:
    run = made(STAGES, "RUN make $V")
    assert places_of(run, Given(flags=("--target=build",))) == (Place("build", 3, 5),)


@pytest.mark.parametrize("dockerfile", ["", "FROM alpine\nRUN other\n"])
def test_steps_that_are_not_those_of_the_dockerfile_are_numbered(dockerfile: str) -> None:
    assert places_of(made(dockerfile, "RUN a", "RUN b"), Given()) == (Place("", 2, 2), Place("", 3, 3))
