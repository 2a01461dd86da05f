"""Which stored trials a resumed run makes again."""

from __future__ import annotations

import pytest

from lab.errors import Fault
from lab.model import Verdict
from lab.run.course import is_missing
from tests.reporting import HIT, RAN, trial


@pytest.mark.parametrize(
    ("fault", "missing"),
    [
        (Fault.BOX, True),
        (Fault.ENGINE, True),
        (Fault.REGISTRY, True),
        (Fault.COMMAND, False),  # a COPY of a file that is missing is what the build does, not the machine
        (Fault.OUTPUT, False),
    ],
)
def test_a_trial_that_the_machinery_broke_is_missing(fault: Fault, missing: bool) -> None:
    assert is_missing(trial("a", "b", None, Verdict.BROKEN, fault=fault)) == missing


def test_a_trial_with_an_outcome_is_made() -> None:
    assert not is_missing(trial("a", "b", (HIT, HIT, HIT)))
    assert not is_missing(trial("a", "b", (HIT, RAN, RAN), Verdict.MISSED))
