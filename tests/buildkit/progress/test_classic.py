"""The traps of the classic builder's form, one test each, and all forms in one input."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.build import Build, Image, Step
from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome

H, R, E, U, B = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN, Outcome.BASE
HEAD = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [1/3] FROM alpine\n#2 DONE 0.0s\n\n"
WHOLE = HEAD + "#3 [2/3] RUN a\n#3 CACHED\n\n#4 exporting to image\n#4 DONE 0.0s\n"
SCREEN = "[+] Building 1.2s (3/3) FINISHED\n => [1/2] FROM alpine  0.0s\n => [2/2] RUN echo foo  0.7s\n"
RAW = (
    '{"vertexes": [{"digest": "d", "name": "[internal] load build definition from Dockerfile"}]}\n'
    '{"vertexes": [{"digest": "a", "name": "[2/2] RUN a", "started": "2026-01-02T03:04:05Z",'
    ' "completed": "2026-01-02T03:04:06Z"}]}\n'
)


def only(text: str | bytes) -> Build:
    [build] = read_builds(text)
    return build


def outcomes(build: Build) -> list[Outcome]:
    return [step.outcome for step in build.steps]


CLASSIC = (
    "Sending build context to Docker daemon  2.048kB\r\r\nStep 1/3 : FROM alpine\n ---> f70734b6a266\n"
    "Step 2/3 : RUN cat /decoys\n ---> Running in 0a1b2c3d4e5f\n{}"
)
RAN = "Removing intermediate container 0a1b2c3d4e5f\n ---> 1a2b3c4d5e6f\n"
LAST = "Step 3/3 : COPY bar bar\n ---> 2a3b4c5d6e7f\nSuccessfully built 2a3b4c5d6e7f\n"


def test_a_classic_build() -> None:
    assert only(CLASSIC.format("") + RAN + LAST) == Build(
        "classic",
        (
            Step(None, 1, 3, "FROM alpine", B),
            Step(None, 2, 3, "RUN cat /decoys", R),
            Step(None, 3, 3, "COPY bar bar", R),
        ),
        context_bytes=2048,
        image="2a3b4c5d6e7f",
        images=(Image("2a3b4c5d6e7f"),),
    )


# What another classic build, run by this one's RUN, prints.
NESTED = (
    "Sending build context to Docker daemon  2.048kB\nStep 1/3 : FROM alpine\n ---> f70734b6a266\n"
    "Step 2/3 : RUN x\n ---> Using cache\n ---> aaaaaaaaaaaa\nStep 3/3 : RUN y\n ---> Using cache\n"
    " ---> bbbbbbbbbbbb\nSuccessfully built bbbbbbbbbbbb\n"
)


@pytest.mark.parametrize(
    "decoy",
    [
        " ---> Using cache\n",
        "Step 3/3 : RUN other\n ---> Using cache\n",
        " ---> aaaaaaaaaaaa\nStep 3/3 : RUN other\n ---> Using cache\n ---> bbbbbbbbbbbb\n",
        " ---> aaaaaaaaaaaa\nStep 3/3 : RUN other\nSuccessfully built bbbbbbbbbbbb\n" + NESTED,
        "Removing intermediate container ffffffffffff\n ---> aaaaaaaaaaaa\n",
        "The command '/bin/sh -c other' returned a non-zero code: 1\n",
        " ---> aaaaaaaaaaaa\nSuccessfully built aaaaaaaaaaaa\nThe command 'x' returned a non-zero code: 1\n",
        NESTED,
        "$ docker build .\n" + NESTED,
        "# docker build .\n" + WHOLE + SCREEN + RAW,
        "{\n",
    ],
)
def test_what_a_container_prints_is_not_the_builder(decoy: str) -> None:
    assert read_builds(CLASSIC.format(decoy) + RAN + LAST) == read_builds(CLASSIC.format("") + RAN + LAST)


def test_a_failed_classic_step() -> None:
    text = CLASSIC.format("x\n") + "The command '/bin/sh -c cat /decoys' returned a non-zero code: 1\n"
    assert outcomes(only(text)) == [B, E]
    assert [outcomes(build) for build in read_builds(text + CLASSIC.format("") + RAN + LAST)] == [[B, E], [B, R, R]]


def test_a_failed_classic_copy() -> None:
    text = "Step 1/2 : FROM alpine\n ---> f70734b6a266\nStep 2/2 : COPY nope nope\nCOPY failed: no such file\n"
    assert outcomes(only(text)) == [B, E]


@pytest.mark.parametrize("text", ["", "x\n", "Removing intermediate container 0a1b2c3d4e5f\n"])
def test_a_classic_step_without_its_layer_is_unknown(text: str) -> None:
    assert outcomes(only(CLASSIC.format(text))) == [B, U]


def test_builds_after_an_interrupted_classic_build() -> None:
    # The interrupted container is never removed; the prompt after it begins real builds.
    second = (CLASSIC.format("") + RAN + LAST).replace("0a1b2c3d4e5f", "3a4b5c6d7e8f")
    builds = read_builds(CLASSIC.format("x\n^C\n$ docker build .\n") + WHOLE + "$ docker build .\n" + second)
    assert [outcomes(build) for build in builds] == [[B, U], [B, H], [B, R, R]]


def test_an_interrupted_classic_build_is_tried_again_and_fails() -> None:
    failure = "The command '/bin/sh -c cat /decoys' returned a non-zero code: 1\n"
    second = CLASSIC.format(failure).replace("0a1b2c3d4e5f", "3a4b5c6d7e8f")
    assert [outcomes(build) for build in read_builds(CLASSIC.format("") + second)] == [[B, U], [B, E]]


def test_a_build_within_a_classic_build_that_fails() -> None:
    failure = "The command '/bin/sh -c cat /decoys' returned a non-zero code: 1\n"
    assert [outcomes(build) for build in read_builds(CLASSIC.format(NESTED + failure))] == [[B, E]]


def test_old_classic_order_of_removal() -> None:
    text = CLASSIC.format(" ---> 1a2b3c4d5e6f\n") + "Removing intermediate container 0a1b2c3d4e5f\n" + LAST
    assert outcomes(only(text)) == [B, R, R]


def test_forms_follow_each_other_in_one_input() -> None:
    forms = [WHOLE, SCREEN, RAW, CLASSIC.format("") + RAN + LAST]
    text = "Server: Docker Engine\n 19.03.8\n".join([*forms, *reversed(forms)])
    assert [build for part in [*forms, *reversed(forms)] for build in read_builds(part)] == read_builds(text)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        # what follows the gap would settle the step before it; the hit of a step stands beside it
        ("Step 2/4 : COPY a a\n ---> 3a4b5c6d7e8f\nStep 4/4 : CMD x\n", [B, U, U]),
        ("Step 2/4 : COPY a a\n ---> 3a4b5c6d7e8f\nSuccessfully built 3a4b5c6d7e8f\n", [B, U]),
        ("Step 2/4 : COPY a a\nThe command '/bin/sh -c y' returned a non-zero code: 1\n", [B, U]),
        ("Step 2/4 : RUN y\nCOPY failed: no such file\n", [B, U]),
        ("Step 2/4 : RUN y\n ---> 3a4b5c6d7e8f\nStep 3/4 : CMD x\n", [B, U, U]),
        ("Step 2/4 : COPY a a\n ---> Using cache\n ---> Running in 3a4b5c6d7e8f\nx\n", [B, H]),
    ],
)
def test_what_follows_a_gap_is_not_the_outcome_of_the_step_before_it(kept: str, expected: list[Outcome]) -> None:
    assert outcomes(only("Step 1/4 : FROM alpine\n ---> f70734b6a266\n" + kept)) == expected


@pytest.mark.parametrize("after", ["STEP 4/4: CMD x\nCOMMIT\n", "COMMIT app\n--> 112233445566\n"])
def test_a_gap_of_buildah_decides_as_little(after: str) -> None:
    head = "STEP 1/4: FROM alpine\n"
    assert outcomes(only(head + "STEP 2/4: COPY a a\n--> 0123456789ab\n" + after))[:2] == [B, U]
    assert outcomes(only(head + "STEP 2/4: COPY a a\n--> Using cache 0123456789ab\n--> 0123456789ab\n" + after))[1] is H


@pytest.mark.parametrize(
    "form",
    [
        "Step 1/3 : FROM alpine\n ---> f70734b6a266\nStep 2/3 : COPY a a\n ---> Using cache\n ---> 1a2b3c4d5e6f\n"
        "Step 3/3 : COPY b b\n ---> 2a3b4c5d6e7f\nSuccessfully built 2a3b4c5d6e7f\n",
        "STEP 1/3: FROM alpine\nSTEP 2/3: COPY a a\n--> Using cache 1a2b3c4d5e6f\n--> 1a2b3c4d5e6f\n"
        "STEP 3/3: COPY b b\n--> 2a3b4c5d6e7f\nCOMMIT app\n",
    ],
)
def test_lines_that_a_collector_sends_twice_or_in_another_order_prove_nothing_wrong(form: str) -> None:
    lines = form.splitlines(keepends=True)
    for at in range(len(lines) - 1):
        swapped = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
        for order in (swapped, [*lines[:at], lines[at], *lines[at:]]):
            steps = {step.instruction: step.outcome for build in read_builds("".join(order)) for step in build.steps}
            assert steps.get("COPY a a", U) in (H, U), order
            assert steps.get("COPY b b", U) in (R, U), order


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("WORKDIR /srv", Outcome.UNKNOWN),
        ("ENV A=1", Outcome.UNKNOWN),
        ("COPY a .", Outcome.RAN),
        ("add a .", Outcome.RAN),
    ],
)
def test_only_a_copy_makes_a_layer_without_a_container(instruction: str, expected: Outcome) -> None:
    text = f"Step 1/2 : FROM alpine\n ---> 1d34ffeaf190\nStep 2/2 : {instruction}\n ---> 2d34ffeaf190\n"
    [build] = read_builds(text + "Successfully built 2d34ffeaf190\n")
    assert build.steps[-1].outcome is expected


@pytest.mark.parametrize(
    ("end", "expected"), [("Removing intermediate container 3d34ffeaf190\n", Outcome.RAN), ("", Outcome.UNKNOWN)]
)
def test_a_container_that_is_removed_behind_its_layer_was_made_for_it(end: str, expected: Outcome) -> None:
    """Docker 1.13 to 17.05 print no line `Running in` for a WORKDIR; read from their source."""
    text = f"Step 1/3 : FROM alpine\n ---> 1d34ffeaf190\nStep 2/3 : WORKDIR /srv\n ---> 2d34ffeaf190\n{end}"
    [build] = read_builds(f"{text}Step 3/3 : ENV A=1\n ---> Running in 5d34ffeaf190\n ---> 4d34ffeaf190\n")
    assert build.steps[1].outcome is expected


def test_no_step_behind_one_that_ran_is_looked_up() -> None:
    text = "Step 1/3 : FROM alpine\n ---> 1d34ffeaf190\nStep 2/3 : COPY a .\n ---> 2d34ffeaf190\n"
    [build] = read_builds(f"{text}Step 3/3 : WORKDIR /srv\n ---> 4d34ffeaf190\n")
    assert [step.outcome for step in build.steps[1:]] == [Outcome.RAN, Outcome.RAN]


@pytest.mark.parametrize("stamp", ["", "2026-01-02T03:04:05.1234567Z "])
@pytest.mark.parametrize("level", ["error", "warning"])
def test_the_mark_of_a_ci_system_before_an_end_is_no_part_of_it(stamp: str, level: str) -> None:
    lines = (
        "#7 [2/3] COPY a /",
        "#7 CACHED",
        "#8 [3/3] RUN x",
        f'##[{level}]#8 ERROR: process "/bin/sh -c x": exit code: 1',
    )
    [build] = read_builds("".join(f"{stamp}{line}\n" for line in lines))
    assert build.steps[-1].outcome is Outcome.ERROR
