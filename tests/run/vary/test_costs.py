"""What a miss costs: seconds that the engine printed, bytes that it lists."""

from __future__ import annotations

from lab.model import Outcome
from lab.results.facts import StepResult
from lab.results.varied import Cost
from lab.run.vary.costs import cost, matched

HISTORY = """\
12\tRUN /bin/sh -c echo three # buildkit
0\tENV A=1
300\tCOPY src /src # buildkit
5\t|1 V=1 /bin/sh -c echo one # buildkit
1000\tADD file:1 in /
"""


def step(outcome: Outcome, seconds: float | None = None) -> StepResult:
    return StepResult(instruction="x", outcome=outcome, seconds=seconds)


def test_the_layers_of_the_last_stage_are_found_from_the_end() -> None:
    steps = ("RUN make", "RUN echo one", "COPY src /src", "RUN echo three")
    assert matched(HISTORY, steps, ("build", "final", "final", "final")) == [None, 5, 300, 12]


def test_an_engine_that_lists_nothing_leaves_sizes_unknown() -> None:
    assert matched("", ("RUN a", "COPY b /"), ("s", "s")) == [None, None]


def test_only_steps_count_that_hit_without_the_change() -> None:
    steps = [step(Outcome.HIT), step(Outcome.RAN, 1.5), step(Outcome.RAN, 2.0), step(Outcome.RAN)]
    before = [Outcome.HIT, Outcome.RAN, Outcome.HIT, Outcome.HIT]
    assert cost(steps, before, [1, 10, 100, None]) == Cost(seconds=2.0, bytes=100)


def test_nothing_known_is_no_cost_of_zero() -> None:
    assert cost([step(Outcome.RAN)], [Outcome.HIT], [None]) == Cost()
