"""Runs one parser on many damaged inputs that one seed decides, and keeps the smallest input that fails."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.recorded import DATA
from tests.fuzz.target import Target

FOUND = DATA / "fuzz"  # one folder for each parser, one file for each input that once failed


class Failure(Exception):
    """A parser fails: `data` is the smallest input that was found, and the cause is what it raised."""

    def __init__(self, target: Target, data: bytes) -> None:
        super().__init__(f"{target.name}: an input of {len(data)} bytes fails: {data[:200]!r}")
        self.target = target
        self.data = data


def hunt(target: Target, number: int, examples: int) -> None:
    """Check a parser with so many inputs, which the number decides; raises Failure."""
    failing: list[bytes] = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    @given(random=st.randoms(use_true_random=False))
    def check(random: Random) -> None:
        data = target.damage(random, target.seeds(), target.words)
        try:
            target.check(data)
        except BaseException:
            failing.append(data)
            raise

    try:
        check()
    except Exception as error:
        if not failing:  # no input could be made
            raise
        raise Failure(target, failing[-1]) from error


def store(failure: Failure, folder: Path = FOUND) -> Path:
    """Write the input of a failure as test data; returns its path."""
    path = folder / failure.target.name / f"{sha256(failure.data).hexdigest()[:12]}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(failure.data)
    return path


def stored() -> list[Path]:
    """Every stored input; its folder has the name of its parser."""
    return sorted(FOUND.glob("*/*.bin"))
