"""Each guarantee finds what breaks it: a suite that is always content proves nothing."""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lab.errors import Fault as Party
from lab.model import Outcome, Verdict
from lab.results.facts import BuildResult, StepResult
from lab.results.run import Run, Trial
from tests.faults.fault import Fault
from tests.faults.guarantees import GUARANTEES, OUTCOMES, After
from tests.faults.kinds.signals import InEngine
from tests.faults.scene import Said

FAULT = Fault("f", "dockerd killed", "build", InEngine(signal.SIGKILL), (7,), "does not answer")
ERR = (
    "   1.0s  right: 20.10.24-unfixed from right, none: all hit",
    "   1.1s  left: 20.10.24 from left, none: broken",
    "hint: python -m lab repro",
)
OUT = "left>left:20.10.24/struck: the engine does not answer any more\n"


def trial(box: str, variation: str, *outcomes: Outcome) -> Trial:
    """A trial in which a box rebuilds its own image; without outcomes, a broken one."""
    engine = {"left": "20.10.24", "right": "20.10.24-unfixed"}[box]
    steps = tuple(StepResult(instruction="RUN x", outcome=item, expected=item) for item in outcomes)
    return Trial(
        name=f"{box}>{box}:{engine}/struck:{variation}",
        producer=box,
        consumer=box,
        engine=engine,
        variation=variation,
        build=BuildResult(steps=steps) if outcomes else None,
        verdict=Verdict.AS_EXPECTED if outcomes else Verdict.BROKEN,
        problem=None if outcomes else "the engine does not answer any more",
        fault=None if outcomes else Party.ENGINE,
    )


def run(*trials: Trial) -> Run:
    """A stored run with these trials."""
    return Run(
        name="r", scenario="struck", summary="", lineup="pair", started=datetime.now(UTC), registry="x", trials=trials
    )


WHOLE = [trial(box, variation, *OUTCOMES[variation]) for box in ("left", "right") for variation in OUTCOMES]
STRANGERS = {"daemons": "12:3", "images": "sha256:1", "bridge": "True"}
GOOD = After(
    FAULT,
    "left",
    Said(7, OUT, ERR, 3.0),
    ({"old/run.json": b"1"}, {"old/run.json": b"1"}),
    run(trial("left", "none"), *WHOLE[2:]),
    [],
    (0, "nothing to remove"),
    (0, ""),
    run(*WHOLE),
    (),
    (STRANGERS, STRANGERS),
)


def broken(after: After) -> set[str]:
    """The guarantees that are not kept."""
    return {name for name, check in GUARANTEES.items() if check(after).problems}


def test_a_run_that_keeps_all_of_them() -> None:
    assert broken(GOOD) == set()
    assert all(check(GOOD).count for check in GUARANTEES.values())


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"said": Said(7, OUT, ERR, 3.0, hung=True)}, "ends within its limit"),
        ({"said": Said(6, OUT, ERR, 3.0)}, "one clear message"),
        ({"said": Said(7, OUT.replace("does not answer", "is odd"), ERR, 3.0)}, "one clear message"),
        ({"said": Said(7, OUT, (*ERR, "Traceback (most recent call last):"), 3.0)}, "one clear message"),
        ({"said": Said(7, OUT, ERR[:-1], 3.0)}, "one clear message"),
        ({"said": Said(7, "", (*ERR, "lab: cannot a", "lab: cannot b"), 3.0)}, "one clear message"),
        ({"earlier": ({"old/run.json": b"1"}, {"old/run.json": b""})}, "no result lost"),
        ({"run": run(*WHOLE[2:])}, "no result lost"),
        ({"run": run(*WHOLE)}, "no result lost"),
        ({"run": run(trial("left", "none"), trial("right", "none", Outcome.RAN, Outcome.RAN))}, "no false outcome"),
        ({"run": run(trial("left", "none"), trial("right", "none"))}, "other boxes unharmed"),
        ({"strangers": (STRANGERS, {**STRANGERS, "images": ""})}, "other boxes unharmed"),
        ({"left": ["process: 12 dockerd"]}, "nothing left"),
        ({"down": (6, "lab: cannot")}, "nothing left"),
        ({"again": (9, "lab: cannot")}, "second run succeeds"),
        ({"second": run(*WHOLE[1:])}, "second run succeeds"),
        ({"unfinished": ("engines/.20.10.24.tgz.0145d98043d0.part",)}, "second run succeeds"),
        ({"strangers": (STRANGERS, {**STRANGERS, "bridge": "False"})}, "nothing of others touched"),
    ],
)
def test_what_breaks_a_guarantee_is_found(changed: dict[str, object], name: str) -> None:
    assert name in broken(replace(GOOD, **changed))  # type: ignore[arg-type]


def test_a_broken_trial_that_ends_as_an_outcome_is_found() -> None:
    for code in (0, 4, 12):
        fault = replace(FAULT, codes=(code,))
        assert "no false outcome" in broken(replace(GOOD, fault=fault, said=Said(code, OUT, ERR, 3.0)))
