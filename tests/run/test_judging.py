"""A trial's verdict: outcomes held against what the scenario expects."""

from __future__ import annotations

import pytest

from lab.errors import Fault
from lab.model import Outcome, Verdict
from lab.results.facts import BuildResult, CacheImport, Inspection, StepResult
from lab.results.run import Trial
from lab.run.expectations import Expectation
from lab.run.judging import as_control, fault_of, judge, judge_all, read_result, unread, with_inspections

WORDS = {"h": Outcome.HIT, "r": Outcome.RAN, "e": Outcome.ERROR, "u": Outcome.UNKNOWN}


def build(outcomes: str, expected: str, *imports: bool | None) -> BuildResult:
    steps = tuple(
        StepResult(instruction=f"RUN {number}", outcome=WORDS[seen], expected=WORDS[wanted])
        for number, (seen, wanted) in enumerate(zip(outcomes, expected, strict=True))
    )
    return BuildResult(steps=steps, imports=tuple(CacheImport(ref="x", ok=ok) for ok in imports))


@pytest.mark.parametrize(
    ("outcomes", "expected", "verdict"),
    [
        ("hhh", "hhh", Verdict.AS_EXPECTED),
        ("hrr", "hrr", Verdict.AS_EXPECTED),
        ("rrr", "rrr", Verdict.AS_EXPECTED),
        ("hrr", "hhh", Verdict.MISSED),
        ("rrr", "hrr", Verdict.MISSED),
        ("hhr", "hhh", Verdict.MISSED),
        ("hhh", "hrr", Verdict.UNEXPECTED_HIT),
        ("hhr", "hrr", Verdict.UNEXPECTED_HIT),
        ("rhh", "hrr", Verdict.MISSED),  # one ran that should hit: that others hit makes it no better
        ("huu", "hhh", Verdict.BROKEN),
        ("heu", "hrr", Verdict.BROKEN),
        ("hre", "hrr", Verdict.BROKEN),
        ("uuu", "hhh", Verdict.BROKEN),
        ("rru", "hhh", Verdict.BROKEN),  # broken goes before busted
    ],
)
def test_outcomes_against_expectations(outcomes: str, expected: str, verdict: Verdict) -> None:
    assert judge(build(outcomes, expected)) is verdict


def test_no_build_is_broken() -> None:
    assert judge(None) is Verdict.BROKEN


def test_a_cache_that_was_read_or_not_seen_changes_nothing() -> None:
    assert judge(build("hrr", "hhh", True)) is Verdict.MISSED
    assert judge(build("hhh", "hhh", None)) is Verdict.AS_EXPECTED


def test_a_cache_that_could_not_be_read_is_no_bust() -> None:
    # every step then runs, whatever the files are: it says nothing of the cache's keys
    assert judge(build("rrr", "hhh", False)) is Verdict.BROKEN


def test_a_cache_that_the_engine_cannot_read_at_all_is_no_fault() -> None:
    ran = build("rrr", "rrr", False)
    old = ran.model_copy(update={"imports": (CacheImport(ref="x", ok=False, unsupported=True),)})
    assert judge(ran) is Verdict.BROKEN
    assert (judge(old), fault_of(old), unread(old)) == (Verdict.AS_EXPECTED, None, None)


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (None, Fault.COMMAND),
        (build("hre", "hrr"), Fault.COMMAND),
        (build("hru", "hrr"), Fault.OUTPUT),
        (build("rrr", "hhh", False), Fault.OUTPUT),
        (build("hrr", "hhh"), None),
        (build("hhh", "hhh", True), None),
    ],
)
def test_whose_fault_a_broken_trial_is(made: BuildResult | None, fault: Fault | None) -> None:
    assert fault_of(made) is fault


STEPS = ("RUN echo foo", "COPY bar bar", "RUN echo baz")
PLAN = Expectation((Outcome.HIT, Outcome.RAN, Outcome.RAN))


def test_outcomes_are_found_by_instruction_beside_what_is_expected() -> None:
    output = b"#4 [1/4] FROM x\n#4 DONE 0.0s\n#5 [2/4] RUN echo foo\n#5 CACHED\n#6 [3/4] COPY bar bar\n#6 DONE 0.1s\n"
    read = read_result(output, STEPS, PLAN)
    assert [(step.outcome, step.expected) for step in read.steps] == [
        (Outcome.HIT, Outcome.HIT), (Outcome.RAN, Outcome.RAN), (Outcome.UNKNOWN, Outcome.RAN),
    ]  # fmt: skip
    assert unread(read) == "no outcome could be read for RUN echo baz"


def test_output_that_shows_no_build_leaves_every_outcome_unknown() -> None:
    read = read_result(b"", STEPS, None)
    assert [step.outcome for step in read.steps] == [Outcome.UNKNOWN] * 3
    assert judge(read) is Verdict.BROKEN


def test_a_cache_that_could_not_be_read_is_named() -> None:
    assert unread(build("rrr", "hhh", False)) == "the cache of x could not be read"
    assert unread(build("hhh", "hhh", True)) is None
    assert unread(None) is None


PLAIN = """\
#5 [build 2/3] COPY  app.txt /app.txt
#5 CACHED

#6 [build 3/3] RUN cat {a}
#6 DONE 0.1s

#7 [stage-1 2/3] RUN cat {b}
#7 CACHED

#8 [stage-1 3/3] COPY --from=build /out /out
#8 CACHED
"""


def test_steps_with_other_words_are_found_by_their_place_in_their_stage() -> None:
    steps = ("COPY app.txt /app.txt", "RUN cat $FILE", "RUN cat $OTHER", "COPY --from=build /out /out")
    stages = ("build", "build", "stage-1", "stage-1")
    output = PLAIN.format(a="/app.txt", b="/other").encode()
    read = read_result(output, steps, None, stages)
    assert [step.outcome for step in read.steps] == [Outcome.HIT, Outcome.RAN, Outcome.HIT, Outcome.HIT]
    assert [step.instruction for step in read.steps] == list(steps)


def test_a_stage_with_another_number_of_steps_is_not_matched_by_place() -> None:
    steps = ("COPY app.txt /app.txt", "RUN cat $FILE", "RUN one more", "RUN cat $OTHER", "COPY --from=build /out /out")
    stages = ("build", "build", "build", "stage-1", "stage-1")
    read = read_result(PLAIN.format(a="/app.txt", b="/other").encode(), steps, None, stages)
    assert [step.outcome.value for step in read.steps] == ["unknown", "unknown", "unknown", "hit", "hit"]


def result(*outcomes: Outcome, expected: tuple[Outcome | None, ...]) -> BuildResult:
    steps = (
        StepResult(instruction=f"RUN {number}", outcome=outcome, expected=wanted)
        for number, (outcome, wanted) in enumerate(zip(outcomes, expected, strict=True))
    )
    return BuildResult(steps=tuple(steps))


def test_a_hit_with_a_wrong_result_is_a_wrong_hit() -> None:
    made = result(Outcome.HIT, Outcome.HIT, Outcome.RAN, expected=(Outcome.HIT, Outcome.HIT, Outcome.RAN))
    wrong = Inspection(step=2, path="/a", problems=("other bytes",))
    seen = with_inspections(
        made, [wrong, Inspection(step=1, path="/b"), Inspection(step=3, path="/c", problems=("x",))]
    )
    assert [step.outcome for step in seen.steps] == [Outcome.HIT, Outcome.WRONG_HIT, Outcome.RAN]
    assert judge(seen) is Verdict.WRONG_HIT
    assert judge(made) is Verdict.AS_EXPECTED


def test_a_wrong_hit_may_be_expected() -> None:
    assert judge(result(Outcome.WRONG_HIT, expected=(Outcome.WRONG_HIT,))) is Verdict.AS_EXPECTED
    assert judge(result(Outcome.HIT, expected=(Outcome.WRONG_HIT,))) is Verdict.UNEXPECTED_HIT
    assert judge(result(Outcome.RAN, expected=(Outcome.WRONG_HIT,))) is Verdict.MISSED


def test_the_worst_build_of_a_sequence_decides() -> None:
    good = result(Outcome.HIT, expected=(Outcome.HIT,))
    missed = result(Outcome.RAN, expected=(Outcome.HIT,))
    open_ = result(Outcome.RAN, expected=(None,))
    lost = result(Outcome.UNKNOWN, expected=(None,))
    assert judge_all([good, good]) is Verdict.AS_EXPECTED
    assert judge_all([missed, good]) is Verdict.MISSED
    assert judge_all([open_, good]) is Verdict.AS_EXPECTED
    assert judge_all([lost, good]) is Verdict.BROKEN
    assert judge_all([good, None]) is Verdict.BROKEN


STAGES = b"""\
#1 [deps 1/3] FROM docker.io/library/a
#1 DONE 0.1s
#2 [deps 2/3] WORKDIR /app
#2 CACHED
#3 [deps 3/3] COPY . .
#3 DONE 0.1s
#4 [build 2/3] COPY . .
#4 CACHED
#5 [build 3/3] RUN make 18
#5 CACHED
#6 exporting to image
#6 DONE 0.1s
"""


def test_equal_instructions_of_two_stages_are_told_apart() -> None:
    found = read_result(STAGES, ("COPY . .", "COPY . .", "RUN make $V"), None, ("deps", "build", "build"))
    assert [step.outcome for step in found.steps] == [Outcome.RAN, Outcome.HIT, Outcome.HIT]


def test_equal_steps_of_two_stages_are_printed_once() -> None:
    stages = ("deps", "deps", "build", "build", "build")
    output = STAGES.replace(b"[build 2/3] COPY . .", b"[build 2/3] RUN x").replace(b"RUN make 18", b"RUN y")
    instructions = ("COPY . .", "RUN never", "COPY . .", "RUN x", "RUN y")
    found = read_result(output, instructions, None, stages)
    assert [step.outcome.value for step in found.steps] == ["ran", "unknown", "ran", "hit", "hit"]
    assert "RUN never" in (unread(found) or "")


def test_a_control_is_what_it_did() -> None:
    trial = Trial(name="a>a:e/s:none", producer="a", consumer="a", engine="e", variation="none",
                  build=build("hrh", "hhh"), verdict=Verdict.MISSED)  # fmt: skip
    found = as_control(trial)
    assert found.verdict is Verdict.AS_EXPECTED and found.build is not None
    assert [step.expected for step in found.build.steps] == [Outcome.HIT, Outcome.RAN, Outcome.HIT]
    lost = as_control(trial.model_copy(update={"build": build("hu", "hh")}))
    assert lost.verdict is Verdict.BROKEN  # an outcome that is not known is no control
    failed = trial.model_copy(update={"build": None, "verdict": Verdict.BROKEN})
    assert as_control(failed) is failed
