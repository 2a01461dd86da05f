"""Predictions beside what was printed: found by place, whatever the text; what is not known is never wrong."""

from __future__ import annotations

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.solver import Decision, Reason
from lab.buildkit.cachekeys.step import Step
from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome
from lab.run.random_trials.comparing import NOT_PLANNED, NOT_PRINTED, Compared, Seen, compare, seen_in

HIT, RAN, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN
LOG = b"""\
#1 [linux/amd64 S0 1/3] FROM localhost:5000/base
#1 DONE 0.1s

#2 [linux/amd64 S0 2/3] RUN echo $A
#2 CACHED

#3 [s1 2/2] COPY . /x
#3 DONE 0.2s

#4 exporting to image
#4 DONE 0.1s
"""


def decided(stage: str, number: int, outcome: Outcome, also: tuple[tuple[str, int], ...] = ()) -> Decision:
    [item] = parse("FROM b\nRUN x\n").stages[0].instructions
    return Decision(Step(item, None, stage=stage, number=number, also=also), outcome, Reason.LISTED, "why")


def seen(stage: str, number: int, outcome: Outcome) -> Seen:
    return Seen(stage=stage, number=number, text="RUN x", outcome=outcome)


def test_the_places_of_printed_steps_have_no_platform_and_no_base() -> None:
    [build] = read_builds(LOG)
    assert [(step.place, step.outcome) for step in seen_in(build)] == [(("s0", 2), HIT), (("s1", 2), RAN)]


def test_a_build_of_one_stage_has_no_name_even_with_a_platform() -> None:
    [build] = read_builds(b"#1 [linux/amd64 2/2] RUN x\n#1 CACHED\n")
    assert [step.place for step in seen_in(build)] == [("", 2)]


def test_steps_are_matched_by_place() -> None:
    made = [decided("S0", 2, HIT), decided("s1", 2, RAN)]
    right, wrong = compare(made, [seen("s1", 2, HIT), seen("s0", 2, HIT)])
    assert (right.wrong, right.unknown) == (False, False)
    assert (wrong.wrong, wrong.predicted, wrong.real) == (True, RAN, HIT)
    assert wrong.sort == "RUN: predicted ran, was hit (why)"


def test_equal_steps_are_printed_once_under_any_of_their_names() -> None:
    [found] = compare([decided("s0", 2, HIT, (("s1", 3),))], [seen("s1", 3, HIT)])
    assert (found.place, found.wrong, found.unknown) == (("s1", 3), False, False)


def test_what_is_not_predicted_not_printed_or_not_planned_is_unknown() -> None:
    found = compare([decided("", 2, UNKNOWN), decided("", 3, RAN)], [seen("", 2, RAN), seen("", 4, HIT)])
    assert [(step.why, step.unknown, step.wrong) for step in found] == [
        ("why", True, False),
        (NOT_PRINTED, True, False),
        (NOT_PLANNED, True, False),
    ]


def test_without_any_prediction_every_printed_step_is_unknown() -> None:
    assert compare("no cache", [seen("", 2, RAN)]) == (Compared("RUN x", ("", 2), UNKNOWN, "no cache", RAN),)
