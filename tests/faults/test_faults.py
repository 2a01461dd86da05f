"""Real faults on real parts: after each of them the eight guarantees hold.

`make faults` makes all of them, CI a selection. LAB_FAULTS_SEED, which the header prints, makes the same ones again.
"""

from __future__ import annotations

import pytest

from tests.faults.fault import Fault, NotMade
from tests.faults.suite import Suite

pytestmark = [pytest.mark.vm, pytest.mark.faults]


def test_fault(fault: Fault, suite: Suite) -> None:
    try:
        found = suite.make(fault)
    except NotMade as reason:
        pytest.skip(str(reason))
    assert {name: item.problems for name, item in found.items() if item.problems} == {}
    assert all(item.count for item in found.values())
