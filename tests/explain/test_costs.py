"""What steps cost: from logs, from stored runs, from the times in a cache."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab.buildkit.cachekeys.cache import Cache, Link, Record
from lab.buildkit.progress.build import Build
from lab.buildkit.progress.build import Step as Printed
from lab.explain.costs import LONGEST, Cost, Took, costs, of_builds, of_run
from lab.explain.places import places
from lab.model import Outcome
from lab.results.run import load
from tests.explain.builds import DOCKERFILE, question
from tests.reporting import RUNS

ASKED = question("max", "crlf")
STEPS = ASKED.plan.steps
PLACES = places(DOCKERFILE, ASKED.parsed, STEPS)
SLEEP = next(number for number, step in enumerate(STEPS) if step.text.startswith("RUN sleep 6"))
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def took(instruction: str, seconds: float, stage: str | None = None, number: str = "", source: str = "log") -> Took:
    return Took(stage, number, instruction, seconds, source)


def cost(*earlier: Took, place: int = SLEEP, caches: tuple[Cache, ...] = ()) -> Cost | None:
    return costs(STEPS, PLACES, earlier, caches)[place]


def test_the_cache_knows_how_long_a_real_step_took() -> None:
    """`sleep 6` and `sleep 2` took no less, and the log of that build says 6.2 and 2.2."""
    found = dict(zip([step.text for step in STEPS], costs(STEPS, PLACES, (), ASKED.caches), strict=True))
    six, two = found["RUN sleep 6 && cp package.json installed.json"], found[STEPS[4].text]
    assert six and two
    assert 6 <= six.seconds < 7 and 2 <= two.seconds < 3
    assert six.at_most and six.source == "cache"
    assert found["WORKDIR /src"] is None  # nothing that it depends on has a time


@pytest.mark.parametrize(
    ("seconds", "known"), [(0, True), (5, True), (LONGEST, True), (LONGEST + 1, False), (-1, False)]
)
def test_results_of_two_builds_give_no_time(seconds: float, known: bool) -> None:
    record = STEPS[SLEEP].record
    assert record
    made = FIRST + timedelta(seconds=seconds)
    cache = Cache((Record("sha256:p", created=FIRST), Record(record, ((Link(0),),), (0,), True, made)))
    assert cost(caches=(cache,)) == (Cost(seconds, "cache") if known else None)


def test_a_record_without_a_time_leads_to_those_below_it_and_a_loop_ends() -> None:
    record = STEPS[SLEEP].record
    assert record
    made = FIRST + timedelta(seconds=3)
    middle = Record("sha256:m", ((Link(0), Link(1)),))
    cache = Cache((Record("sha256:p", created=FIRST), middle, Record(record, ((Link(1),),), (0,), True, made)))
    assert cost(caches=(cache,)) == Cost(3, "cache")


def test_a_log_comes_before_the_cache_and_the_last_build_before_others() -> None:
    text = STEPS[SLEEP].text
    assert cost(took(text, 9), took(text, 8), caches=tuple(ASKED.caches)) == Cost(8, "log")
    assert cost(took("RUN other", 9)) is None


def test_of_equal_instructions_the_one_at_this_place_counts() -> None:
    text = STEPS[SLEEP].text
    assert cost(took(text, 1, "build", "4/6"), took(text, 2, "stage-1", "4/6")) == Cost(1, "log")
    assert cost(took(text, 1, "linux/amd64 build", "4/6"), took(text, 2, "other", "9/9")) == Cost(1, "log")
    assert cost(took(text, 1, None, "4/6"), took(text, 2, None, "5/6")) == Cost(1, "log")


def test_an_instruction_that_a_narrow_terminal_cut_is_recognized() -> None:
    assert cost(took("RUN sleep 6 && cp pack...", 7)) == Cost(7, "log")
    assert cost(took("...", 7)) is None


def test_only_steps_that_ran_and_have_a_time_count() -> None:
    steps = (
        Printed("build", 4, 6, "RUN a", Outcome.RAN, 1.5),
        Printed("build", 5, 6, "RUN b", Outcome.HIT, 9),
        Printed("build", 6, 6, "RUN c", Outcome.RAN, None),
        Printed("build", 6, 6, "RUN d", Outcome.UNKNOWN, 9),
    )
    assert of_builds([Build("buildkit", steps)], "x.log") == [took("RUN a", 1.5, "build", "4/6", "x.log")]


def test_a_stored_run_has_times_of_its_own() -> None:
    run = load(RUNS / "explained")
    found = of_run(run)
    assert {item.source for item in found} == {run.name}
    assert "RUN echo baz" in {item.instruction for item in found}
