"""Logs that are cut: steps that are not in them, and hits that nothing proves without the end of the build."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.doubt import NO_BUILD_END
from lab.buildkit.progress.extent import NOT_SHOWN
from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome
from tests.buildkit.progress.by_place import BUILDKITS, DATA, STORES
from tests.buildkit.progress.test_logs import NAMES, read

H, R, E, U, B = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN, Outcome.BASE
BEGIN = [
    "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n",
    "#2 [1/5] FROM alpine\n#2 DONE 0.0s\n",
]
STEPS = [f"#{number + 1} [{number}/5] RUN {number}\n#{number + 1} CACHED\n" for number in range(2, 6)]
EXPORT = "#7 exporting to image\n#7 DONE 0.1s\n"
SCREENS = ("lazy", "nolayer", "scratchran", "linkhit", "linkmoved")
# Excerpts: each begins after the first steps of a stage.
EXCERPTS = {"R21-bake-link-heredoc", "R27-onbuild-plain", "R32-middle-only"}


def only(text: str) -> Build:
    [build] = read_builds(text)
    return build


def absent(text: str) -> list[str]:
    build = only(text)
    assert {step.reason for step in build.absent} <= {NOT_SHOWN}
    assert {step.outcome for step in build.absent} <= {U}
    return [f"{step.stage or ''} {step.place}".strip() for step in build.absent]


@pytest.mark.parametrize(
    ("gone", "missing"),
    [
        (slice(4, None), ["4/5", "5/5"]),
        (slice(0, 4), ["2/5", "3/5"]),
        (slice(3, 5), ["3/5", "4/5"]),
        (slice(5, 6), ["5/5"]),
        (slice(6, None), []),
        (slice(0, 2), []),
        (slice(0, 0), []),
    ],
)
def test_steps_that_were_cut_out(gone: slice, missing: list[str]) -> None:
    blocks = [*BEGIN, *STEPS, EXPORT]
    del blocks[gone]
    assert absent("\n".join(blocks)) == missing


def test_a_whole_log_has_all_its_steps() -> None:
    # `WORKDIR /` is counted and makes no step; stage b shares its second step with stage a.
    assert absent("\n".join([*BEGIN, *STEPS[:3], EXPORT.replace("#7", "#6")])) == []
    shared = "#3 [a 2/3] RUN x\n#3 CACHED\n\n#4 [a 3/3] RUN y\n#4 CACHED\n\n#5 [b 3/3] RUN z\n#5 CACHED\n\n"
    assert absent("\n".join([*BEGIN[:1], "#2 [a 1/3] FROM x\n#2 CACHED\n", shared])) == []
    assert absent("\n".join([*BEGIN[:1], "#2 [a 1/3] FROM x\n#2 CACHED\n", shared, "#6 exporting to image\n"])) == []
    # of a shared beginning, all is shared: not the step in the middle
    middle = shared.replace("#4 [a 3/3]", "#4 [b 1/3]")
    assert absent("\n".join([*BEGIN[:1], middle])) == ["a 3/3", "b 2/3"]


def test_a_target_prints_steps_of_another_one() -> None:
    begin = "#1 [web internal] load build definition\n#1 DONE 0.0s\n\n#2 [web base 1/3] FROM x\n#2 DONE 0.0s\n\n"
    steps = "#3 [worker base 2/3] RUN x\n#3 CACHED\n\n#4 [web base 3/3] RUN y\n#4 CACHED\n\n"
    assert absent(f"{begin}{steps}#5 [worker] exporting to image\n#5 DONE 0.1s\n") == []


def test_a_failure_leaves_steps_out() -> None:
    failed = "#4 [3/5] RUN 3\n#4 ERROR: process x did not complete successfully: exit code: 1\n"
    assert absent("\n".join([*BEGIN, STEPS[0], failed])) == []


@pytest.mark.parametrize(
    "name", [str(path.relative_to(DATA)) for path in sorted(DATA.glob("*/*")) if path.suffix == ".txt"]
)
def test_recordings_of_whole_builds_lack_no_step(name: str) -> None:
    assert [build.absent for build in read_builds((DATA / name).read_bytes()) if build.absent] == []


@pytest.mark.parametrize("name", NAMES)
def test_pasted_logs_lack_no_step_unless_they_are_excerpts(name: str) -> None:
    assert any(build.absent for build in read(name).builds) is (name in EXCERPTS)


def test_a_screen_that_is_cut() -> None:
    rows = [f" => CACHED [{number}/4] RUN {number}  0.0s\n" for number in range(2, 5)]
    head = "[+] Building 0.2s (5/5) FINISHED\n => [1/4] FROM alpine  0.0s\n"
    end = " => exporting to image  0.0s\n"
    assert absent(head + "".join(rows) + end) == []
    assert absent(head + "".join(rows[:2])) == ["4/4"]
    assert absent(head + rows[0] + rows[2] + end) == ["3/4"]


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Step 1/3 : FROM a\n ---> 11\nStep 2/3 : RUN x\n ---> Using cache\n", ["3/3"]),
        ("Step 3/3 : RUN x\n ---> Using cache\n ---> 222222222222\nSuccessfully built 222222222222\n", ["2/3"]),
        ("Step 1/3 : FROM a\n ---> 11\nStep 2/3 : COPY x /\nCOPY failed: stat x: file does not exist\n", []),
        ("STEP 1/3: FROM a\nSTEP 2/3: RUN x\n--> Using cache " + "1a" * 32 + "\n", ["3/3"]),
        ("STEP 1: FROM a AS b\nSTEP 2: RUN x\n--> 11111111111\nSTEP 3: FROM c\nSTEP 4: RUN y\n--> 22222222222\n", []),
        ("STEP 1: FROM a\nSTEP 3: RUN x\n--> Using cache " + "1a" * 32 + "\n", ["2"]),
    ],
)
def test_other_builders_print_every_step(text: str, missing: list[str]) -> None:
    assert absent(text) == missing


# --- hits

HITS = [*BEGIN, *STEPS[:2]]


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ([], U),
        ([STEPS[2]], U),
        (["#5 [4/5] RUN 4\n"], U),
        # what was run on top of a step proves it, also if it still runs
        (["#5 [4/5] RUN 4\n#5 0.1 text\n"], H),
        (["#5 [4/5] RUN 4\n#5 DONE 0.1s\n"], H),
        # the last step was found: nothing is left to do
        (STEPS[2:], H),
        (["#5 exporting to image\n"], H),
        (["$ docker push app\n"], H),
        (["ERROR: failed to solve: Unavailable: error reading from server: EOF\n"], U),
        (["ERROR: failed to solve: Canceled: context canceled\n", "$ docker push app\n"], U),
    ],
)
def test_a_hit_needs_a_proof(more: list[str], outcome: Outcome) -> None:
    build = only("\n".join([*HITS, *more]))
    found = {step.index: step for step in build.steps}
    assert (found[2].outcome, found[3].outcome) == (outcome, outcome)
    assert found[2].reason == (NO_BUILD_END if outcome is U else None)


def test_the_end_of_one_target_is_not_that_of_another() -> None:
    text = (
        "#1 [web internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n"
        "#2 [api internal] load build definition from Dockerfile\n#2 DONE 0.0s\n\n"
        "#3 [web 2/3] RUN x\n#3 CACHED\n\n#4 [api 2/3] RUN y\n#4 CACHED\n\n#5 [web] exporting to image\n#5 DONE 0.0s\n"
    )
    assert [(step.targets, step.outcome) for step in only(text).steps] == [(("web",), H), (("api",), U)]


@pytest.mark.parametrize("engine", ["20.10.24", "26.1.5"])
@pytest.mark.parametrize("scenario", ["missing", "present", "behind", "branches"])
def test_no_cut_before_the_error_turns_a_skipped_step_into_a_hit(engine: str, scenario: str) -> None:
    lines = (DATA / engine / f"{scenario}.plain.txt").read_bytes().splitlines(keepends=True)
    known = {(step.stage, step.index): step.outcome for build in read_builds(b"".join(lines)) for step in build.steps}
    for end in range(1, len(lines)):
        for build in read_builds(b"".join(lines[:end])):
            for step in build.steps:
                assert step.outcome is not H or known[step.stage, step.index] is H


@pytest.mark.parametrize("engine", BUILDKITS)
@pytest.mark.parametrize("form", ["plain", "rawjson"])
def test_no_cut_turns_a_step_whose_layers_are_missing_into_a_hit(engine: str, form: str) -> None:
    lines = (DATA / engine / f"nolayer.{form}.txt").read_bytes().splitlines(keepends=True)
    for end in range(1, len(lines), 1 if form == "plain" else 7):
        for build in read_builds(b"".join(lines[:end])):
            assert not [step for step in build.steps if step.stage == "made" and step.outcome is H]


@pytest.mark.parametrize(
    "name",
    [
        "28.5.2-containerd/xattr",
        *(f"{engine}/linkhit" for engine in STORES),
        *(f"{engine}/{scenario}" for engine in BUILDKITS for scenario in SCREENS),
    ],
)
def test_no_cut_of_a_screen_changes_what_a_step_did(name: str) -> None:
    data = (DATA / f"{name}.tty.txt").read_bytes()
    known = {(step.stage, step.index): step.outcome for build in read_builds(data) for step in build.steps}
    lines = [0, *(at + 1 for at, byte in enumerate(data) if byte == ord("\n"))]
    # also within the next line, where its marks are there and its text is not
    for end in (line + more for line in lines for more in (0, 9, 12, 15)):
        for build in read_builds(data[:end]):
            for step in build.steps:
                assert step.outcome in (U, known[step.stage, step.index])
