"""The step to which an operation belongs."""

from __future__ import annotations

from lab.buildkit.cachekeys.instruction import instruction
from lab.buildkit.cachekeys.step import Plan, Step


def test_steps_of_operations() -> None:
    steps = tuple(Step(instruction("RUN x"), None, vertices=numbers) for numbers in ((1,), (2, 4)))
    found = [Plan(steps).step_of(number) for number in range(5)]
    assert found == [None, 0, 1, None, 1]
    assert steps[0].text == "RUN x"
