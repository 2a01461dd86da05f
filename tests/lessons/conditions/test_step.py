from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons.conditions.step import Step
from lab.model import Outcome
from tests.lessons.stand_in import evidence, made

STEPS = (("RUN  install  libs", Outcome.HIT), ("COPY app.py /app/", Outcome.RAN))


@pytest.mark.parametrize(
    ("step", "outcome", "met", "found"),
    [
        ("RUN install*", Outcome.HIT, True, "hit"),
        ("run install libs", Outcome.RAN, False, "hit"),
        ("COPY app.py*", Outcome.HIT, False, "ran"),
        (2, Outcome.RAN, True, "ran"),
        (3, Outcome.RAN, False, "missing"),
        ("COPY other*", Outcome.HIT, False, "missing"),
    ],
)
def test_a_step_is_found_by_a_pattern_or_its_number(
    step: str | int, outcome: Outcome, met: bool, found: str, tmp_path: Path
) -> None:
    seen = evidence(tmp_path, {}, builds={"one": made(*STEPS)})
    finding = Step(build="one", step=step, outcome=outcome).look(seen)
    assert (finding.met, finding.found) == (met, found)


def test_a_build_that_failed_shows_no_step(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {}, builds={"one": made(*STEPS, problem="no such file")})
    finding = Step(build="one", step=1, outcome=Outcome.HIT).look(seen)
    assert (finding.met, finding.found, finding.detail) == (False, "failed", "no such file")
