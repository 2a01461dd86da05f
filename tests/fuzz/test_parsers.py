"""Every parser of lab on damaged inputs: a result or an error of lab, in bounded time, with bounded memory.

The seed is fixed, so that a run has the same inputs each time; `make fuzz` goes on with other ones.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.hunt import hunt, stored
from tests.fuzz.table import TARGETS
from tests.fuzz.target import Target

pytestmark = pytest.mark.slow

SEED = 15
BY_NAME = {target.name: target for target in TARGETS}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_good_input_is_read(target: Target) -> None:
    """Otherwise the damaged inputs would test only the first check of the parser."""
    refused = 0
    seeds = target.seeds()
    for data in seeds:
        try:
            target.read(data)
        except target.refusals:
            refused += 1
    assert refused < len(seeds)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_damaged_input_gives_a_result_or_an_error_of_lab(target: Target) -> None:
    hunt(target, SEED, target.examples)


@pytest.mark.parametrize("path", stored(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_once_failed_does_not_fail_again(path: Path) -> None:
    BY_NAME[path.parent.name].check(path.read_bytes())


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(target.name for target in TARGETS).items() if count > 1] == []
