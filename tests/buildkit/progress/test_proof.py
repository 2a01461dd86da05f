"""What steps prove about others: the first step of an empty stage, and a linked copy that was merged."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.proof import MAYBE_EXECUTED, NOT_EXECUTED
from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome
from tests.buildkit.progress.by_place import BUILDKITS, DATA, FORMS

H, R, E, U = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN
END = "\n#99 exporting to image\n#99 DONE 0.0s\n"
WORDS = {H: "CACHED", R: "DONE 0.1s", E: "ERROR: process did not complete successfully: exit code: 1", U: "CANCELED"}


def steps(*lines: tuple[str, Outcome]) -> dict[str, Step]:
    text = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n"
    for number, (name, outcome) in enumerate(lines, 2):
        text += f"\n#{number} {name}\n#{number} {WORDS[outcome]}\n"
    [build] = read_builds(text + END)
    return {f"{step.stage} {step.index}": step for step in build.steps}


def first(*lines: tuple[str, Outcome]) -> tuple[Outcome, str | None]:
    step = steps(*lines)["a 1"]
    return step.outcome, step.reason


DONE = ("[a 1/2] WORKDIR /w", R)
HIT = ("[a 2/2] COPY x /x", H)


@pytest.mark.parametrize("builder", BUILDKITS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scenario", ["scratch", "scratchran"])
def test_a_first_step_that_nothing_needed_says_so(builder: str, form: str, scenario: str) -> None:
    [build] = read_builds((DATA / builder / f"{scenario}.{form}.txt").read_bytes())
    found = {step.instruction: step.reason for step in build.steps if step.reason}
    assert found == {"WORKDIR /out": NOT_EXECUTED, "WORKDIR /w": NOT_EXECUTED}


def test_the_next_step_proves_it() -> None:
    assert first(DONE, HIT) == (H, NOT_EXECUTED)
    assert first(DONE, ("[a 2/2] COPY x /x", R)) == (R, None)
    assert first(DONE, ("[a 2/2] RUN x", E)) == (R, None)
    assert first(DONE, ("[a 2/2] RUN x", U)) == (U, MAYBE_EXECUTED)


def test_a_run_has_a_program_only_if_it_stands_on_something() -> None:
    assert first(("[a 1/2] RUN x", R), HIT) == (H, NOT_EXECUTED)
    assert first(("[a 1/2] RUN x", R), ("[a 2/2] RUN y", U)) == (R, None)
    assert first(("[a 1/1] RUN x", R)) == (R, None)


def test_a_first_step_that_printed_something_ran() -> None:
    begin = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n"
    run = "#2 [a 1/2] RUN x\n#2 0.1 y\n#2 DONE 0.1s\n"
    [build] = read_builds(f"{begin}\n{run}\n#3 [a 2/2] COPY x /x\n#3 CACHED\n{END}")
    assert [step.outcome for step in build.steps] == [R, H]


def test_a_stage_of_one_step_is_needed_by_what_takes_it() -> None:
    alone = ("[a 1/1] WORKDIR /w", R)
    assert first(alone) == (U, MAYBE_EXECUTED)
    assert first(alone, ("[b 2/2] COPY --from=a /w /w", R)) == (R, None)
    assert first(alone, ("[b 2/2] COPY --from=a /w /w", H)) == (U, MAYBE_EXECUTED)


def test_a_stage_that_may_share_it_leaves_it_open() -> None:
    # Stage b has no first step of its own: it may be that of stage a.
    assert first(DONE, HIT, ("[b 2/2] COPY y /y", R)) == (U, MAYBE_EXECUTED)
    assert first(DONE, HIT, ("[b 1/2] FROM alpine", R), ("[b 2/2] COPY y /y", R)) == (H, NOT_EXECUTED)
    # A stage that is taken from, and is not printed, may have this step only.
    assert first(DONE, HIT, ("[b 1/2] FROM alpine", R), ("[b 2/2] COPY --from=c /w /w", R)) == (U, MAYBE_EXECUTED)
    assert first(DONE, HIT, ("[b 1/2] FROM alpine", R), ("[b 2/2] COPY --from=c:1 /w /w", R)) == (H, NOT_EXECUTED)
    # A stage that stands on a stage of this step only.
    assert first(DONE, HIT, ("[b 1/1] RUN y", R)) == (U, MAYBE_EXECUTED)


def test_a_base_image_is_no_first_step() -> None:
    assert steps(("[a 1/2] FROM alpine", R), HIT)["a 1"].outcome is Outcome.BASE


MERGED = "#4 [a 3/4] COPY --link b /b\n#4 merging done\n#4 DONE 0.0s\n"


def linked(below: str, more: str = "") -> Outcome:
    text = f"#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#3 [a 2/4] {below}\n\n{MERGED}{more}"
    [build] = read_builds(text)
    [step] = [step for step in build.steps if step.index == 3 and step.stage == "a"]
    return step.outcome


def test_a_linked_copy_on_a_step_that_ran_ran() -> None:
    assert linked("RUN x\n#3 DONE 0.1s") is R
    assert linked("COPY --link x /x\n#3 DONE 0.1s") is R
    assert linked("RUN x\n#3 CACHED") is U
    # Stage b may stand on the same step 2.
    assert linked("RUN x\n#3 DONE 0.1s", "\n#5 [b 3/3] RUN y\n#5 DONE 0.1s\n") is U
