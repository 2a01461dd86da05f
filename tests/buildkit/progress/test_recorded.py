"""The reader against what real clients printed; every expectation was written from the scenario and the file."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome
from tests.buildkit.progress.by_place import DATA, RECORDINGS

H, R, E, U, B = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN, Outcome.BASE
COLD = [B, R, R, R]
WARM = [B, H, H, H]


def read(name: str) -> list[Build]:
    return read_builds((DATA / f"{name}.txt").read_bytes())


def outcomes(build: Build) -> list[Outcome]:
    return [step.outcome for step in build.steps]


# The form, builds of the file with the outcomes of their steps in order: stage by stage, then by index.
OUTCOMES: dict[str, list[list[Outcome]]] = {
    "18.09/gist.plain": [[B, H, R, R]],
    "18.09/fail.plain": [[B, E, U]],
    "19.03/gist.plain": [[B, H, R, R]],
    "19.03/nope.plain": [[B, R]],
    "20.10.24/gist.plain": [COLD, WARM],
    "20.10.24/gist.tty": [COLD, WARM],
    "20.10.24/gist.classic": [COLD, COLD],
    "20.10.24/xattr.plain": [[B, H, R, R]],
    "20.10.24/multi.plain": [[B, R, R, R, R, R], [B, H, H, H, H, H]],
    "20.10.24/multi.classic": [[B, R, R, B, R, B, R, R, R], [B, H, H, B, H, B, H, H, H]],
    "20.10.24/pad.plain": [[B, *[R] * 10]],
    "20.10.24/nope.plain": [[B, H]],
    "20.10.24/nope.tty": [[B, H]],
    "20.10.24/longcut.plain": [[B, R, R]],
    "20.10.24/fail.plain": [[B, R, E]],
    "20.10.24/fail.tty": [[B, R, E]],
    "20.10.24/fail.classic": [[B, R, E]],
    "20.10.24/decoy.plain": [COLD],
    "20.10.24/decoy.classic": [COLD],
    "20.10.24/faildecoy.plain": [[B, R, E]],
    "20.10.24/faildecoy.tty": [[B, H, E]],
    "20.10.24/faildecoy.classic": [[B, H, E]],
    "20.10.24/cancel.plain": [[B, E, U]],
    "20.10.24/cut.tty": [[B, R, U]],
    # A COPY of a missing file: CACHED is printed for steps that were never looked up, and for hits alike.
    "20.10.24/missing.plain": [[B, U, U, E]],
    "20.10.24/present.plain": [[B, U, U, E]],
    "20.10.24/behind.plain": [[B, U, U, U, E]],
    "20.10.24/branches.plain": [[U, U, B, U, E, R]],
    "20.10.24/branches.tty": [[B, U, E, H, H, H, R, R]],
    "26.1.5/branches.tty": [[B, R, U, E, U, U, U]],
    "26.1.5/missing.plain": [[B, R, U, E]],
    "26.1.5/present.plain": [[B, U, U, E]],
    "26.1.5/behind.plain": [[B, U, U, U, E]],
    "26.1.5/branches.plain": [[H, H, B, R, E, R, U]],
    # A RUN that fails beside a stage of hits: they were found before.
    "20.10.24/beside.plain": [[B, E, H, H, R, U]],
    "26.1.5/beside.plain": [[H, H, B, E, R, U]],
    "20.10.24/keep.classic": [[B, H, R, R], WARM],
    "26.1.5/gist.plain": [COLD, WARM],
    "26.1.5/gist.rawjson": [COLD, WARM],
    "26.1.5/cancel.rawjson": [[B, E, U, U, U]],
    "26.1.5/decoy.rawjson": [COLD],
    "26.1.5/nope.rawjson": [[B, H]],
    # The containerd store says CACHED, fetches the layers when they are wanted, and then says DONE.
    "26.1.5-containerd/gist.plain": [COLD, WARM],
    "26.1.5-containerd/gist.rawjson": [COLD, WARM],
    "26.1.5-containerd/xattr.plain": [[B, H, R, R]],
    "28.5.2/gist.plain": [COLD, WARM],
    "28.5.2/gist.tty": [COLD, WARM],
    "28.5.2/gist.rawjson": [COLD, WARM],
    "28.5.2/xattr.plain": [[B, H, R, R]],
    "28.5.2/xattr.tty": [[B, H, R, R]],
    "28.5.2/xattr.rawjson": [[B, H, R, R]],
    "28.5.2/multi.plain": [[B, R, R, R, R, R], [B, H, H, H, H, H]],
    "28.5.2/multi.rawjson": [[B, R, R, R, R, R], [B, H, H, H, H, H]],
    "28.5.2/here.plain": [[B, R, R, R, R]],
    "28.5.2/here.classic": [[B, R, R, R, E]],
    "28.5.2/nope.plain": [[B, H]],
    "28.5.2/decoy.plain": [COLD],
    "28.5.2/decoy.tty": [COLD],
    "28.5.2/faildecoy.plain": [[B, H, E]],
    "28.5.2/faildecoy.tty": [[B, H, E]],
    "28.5.2/fail.classic": [[B, R, E]],
    "28.5.2/cancel.plain": [[B, E, U]],
    "28.5.2/cancel.tty": [[B, E, U]],
    # Only rawjson names the steps that were planned and never began.
    "28.5.2/cancel.rawjson": [[B, E, U, U, U]],
    "28.5.2/cut.plain": [[B, R, U]],
    "28.5.2/cut.tty": [[B, R, U]],
    "28.5.2/long.tty": [[B, R, R]],
    "28.5.2/session.mixed": [COLD, WARM, COLD, COLD, WARM],
    "28.5.2-containerd/gist.plain": [COLD, WARM],
    "28.5.2-containerd/gist.tty": [COLD, WARM],
    "28.5.2-containerd/gist.rawjson": [COLD, WARM],
    "28.5.2-containerd/xattr.plain": [[B, H, R, R]],
    "28.5.2-containerd/xattr.tty": [[B, H, R, R]],
    "28.5.2-containerd/xattr.rawjson": [[B, H, R, R]],
    "28.5.2-containerd/plat.plain": [[B, R, R, R, R, R, R]],
    "28.5.2-containerd/plat.tty": [[B, R, R, R, R, R, R]],
    "28.5.2-containerd/plat.rawjson": [[B, R, R, R, R, R, R]],
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_step_of_every_recording_has_its_outcome(name: str) -> None:
    assert [outcomes(build) for build in read(name)] == OUTCOMES[name]


def test_every_recording_is_expected() -> None:
    names = {str(path.relative_to(DATA)).removesuffix(".txt") for path in DATA.rglob("*.txt")}
    assert names == set(OUTCOMES) | set(RECORDINGS)


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_form_of_a_build_has_the_outcomes_of_its_steps(name: str) -> None:
    [build] = read(name)
    found = [((step.stage, step.index), step.outcome) for step in build.steps]
    # The base image of two stages is one vertex, and has the name of either.
    wanted = [(place, outcome) for place, outcome in RECORDINGS[name].items() if outcome is not B]
    assert sorted((str(place), outcome) for place, outcome in found if outcome is not B) == sorted(
        (str(place), outcome) for place, outcome in wanted
    )


# File, number of the build, context bytes, Dockerfile bytes, imports, image.
SENT = [
    ("18.09/gist.plain", 0, 34, 91, [], "sha256:4b1d0a0a0a0a"),
    ("18.09/fail.plain", 0, None, 130, [], None),
    ("19.03/gist.plain", 0, 92, 146, [("user/test", True)], "sha256:2a5c1d3e4f60"),
    ("19.03/nope.plain", 0, None, 77, [("localhost:5000/nope", False)], "sha256:0f1e2d3c4b5a"),
    ("20.10.24/gist.plain", 0, 34, 103, [], "sha256:cac2853bec5b"),
    ("20.10.24/gist.plain", 1, 34, 103, [("localhost:5901/e20-plain", True)], "sha256:cac2853bec5b"),
    ("20.10.24/gist.tty", 1, 34, 103, [("localhost:5901/e20-tty", True)], "sha256:6d89acb6e2f0"),
    ("20.10.24/xattr.plain", 0, 50, 103, [("localhost:5901/e20-plain", True)], "sha256:0da6eb865e39"),
    ("20.10.24/multi.plain", 1, 24, 32, [], "sha256:3d5b5496ff15"),
    ("20.10.24/gist.classic", 0, 3072, None, [], "6219a882c78c"),
    ("20.10.24/gist.classic", 1, 3072, None, [], "7bfc36f66e96"),
    ("20.10.24/decoy.classic", 0, 4096, None, [], "d11fb28b61fe"),
    ("20.10.24/faildecoy.classic", 0, 4096, None, [], None),
    ("20.10.24/fail.plain", 0, None, 117, [], None),
    ("20.10.24/nope.tty", 0, None, 77, [("localhost:5901/nope", False)], "sha256:1b6e4c15d699"),
    ("20.10.24/longcut.plain", 0, 34, 267, [("localhost:5901/nope", False)], "sha256:b82037fcdb08"),
    ("26.1.5/gist.rawjson", 0, 34, 103, [], "sha256:664ca374a23b"),
    ("26.1.5/gist.rawjson", 1, 34, 103, [("localhost:5901/e26-rawjson", True)], "sha256:3040ea14cff4"),
    ("26.1.5/nope.rawjson", 0, None, 77, [("localhost:5901/nope", False)], "sha256:0733688b16ad"),
    ("26.1.5/decoy.rawjson", 0, 494, 113, [], "sha256:eb31881f2bc7"),
    ("28.5.2/xattr.plain", 0, 50, 103, [("localhost:5901/e28-plain", True)], "sha256:a606a3827bfb"),
    ("28.5.2/xattr.tty", 0, 50, 103, [("localhost:5901/e28-tty", True)], "sha256:fc01f75cf4ca"),
    ("28.5.2/nope.plain", 0, None, 77, [("localhost:5901/nope", False)], "sha256:f4233299173f"),
    ("28.5.2/here.plain", 0, None, 159, [], "sha256:0cbd28193732"),
    ("28.5.2/cut.plain", 0, None, 126, [], None),
    # A terminal of 80 columns cuts the image's digest; a digest that is not whole is none.
    ("28.5.2/session.mixed", 1, 24, 103, [], None),
    ("28.5.2/session.mixed", 2, 3072, None, [], "ee16a152f5e8"),
    ("28.5.2/session.mixed", 3, 24, 103, [], "sha256:6e4140bd4c24"),
    ("28.5.2-containerd/gist.plain", 1, 34, 103, [("localhost:5931/gist:1", True)], "sha256:e34f9d2cf4ed"),
    ("28.5.2-containerd/xattr.plain", 0, 50, 103, [("localhost:5931/gist:1", True)], "sha256:b4178461"),
    # The digest of the list of both platforms' manifests.
    ("28.5.2-containerd/plat.plain", 0, 34, 206, [], "sha256:c53e0a0c16f1"),
    ("28.5.2-containerd/plat.tty", 0, 34, 206, [], "sha256:5de0b91f78ad"),
    ("28.5.2-containerd/plat.rawjson", 0, 34, 206, [], "sha256:1c2717d6de16"),
]


@pytest.mark.parametrize(("name", "number", "context", "dockerfile", "imports", "image"), SENT)
def test_what_was_sent_and_made(
    name: str,
    number: int,
    context: int | None,
    dockerfile: int | None,
    imports: list[tuple[str, bool]],
    image: str | None,
) -> None:
    build = read(name)[number]
    assert (build.context_bytes, build.dockerfile_bytes) == (context, dockerfile)
    assert [(source.ref, source.ok) for source in build.imports] == imports
    assert (build.image or "")[: len(image or "")] == (image or "")
    assert (build.image is None) == (image is None)


@pytest.mark.parametrize("name", ["28.5.2/multi.plain", "28.5.2/multi.rawjson", "20.10.24/multi.plain"])
def test_stages_are_named_and_in_order(name: str) -> None:
    for build in read(name):
        assert [(step.stage, step.index, step.total, step.instruction) for step in build.steps] == [
            ("builder", 1, 3, "FROM localhost:5901/base:1"),
            ("builder", 2, 3, "COPY bar /bar"),
            ("builder", 3, 3, "RUN cat /bar > /out"),
            # The base is one vertex, printed under the first stage's name alone: there is no [stage-2 1/4].
            ("stage-2", 2, 4, "RUN echo final > /final"),
            ("stage-2", 3, 4, "COPY --from=builder /out /out"),
            ("stage-2", 4, 4, "RUN cat /out"),
        ]


def test_the_classic_builder_counts_through_all_stages() -> None:
    steps = read("20.10.24/multi.classic")[1].steps
    assert [(step.stage, step.index) for step in steps] == [
        *[("builder", index) for index in (1, 2, 3)],
        *[("other", index) for index in (4, 5)],
        *[(None, index) for index in (6, 7, 8, 9)],
    ]
    assert {step.total for step in steps} == {9}


def test_padded_indexes() -> None:
    steps = read("20.10.24/pad.plain")[0].steps
    assert [(step.index, step.total) for step in steps] == [(index, 11) for index in range(1, 12)]
    assert [step.instruction for step in steps[1:]] == [f"RUN echo {n} > /f{n}" for n in range(1, 11)]


@pytest.mark.parametrize("form", ["plain", "rawjson", "tty"])
def test_platforms_are_kept_apart(form: str) -> None:
    steps = read(f"28.5.2-containerd/plat.{form}")[0].steps
    assert {(step.stage, step.index, step.instruction.split("@")[0]) for step in steps} == {
        ("linux/amd64 builder", 1, "FROM localhost:5901/base:1"),
        ("linux/amd64 builder", 2, "RUN echo amd64 > /arch"),
        ("linux/amd64->arm64 builder", 2, "RUN echo arm64 > /arch"),
        ("linux/amd64 stage-1", 1, "COPY --from=builder /arch /arch"),
        ("linux/amd64 stage-1", 2, "COPY bar /own"),
        ("linux/arm64 stage-1", 1, "COPY --from=builder /arch /arch"),
        ("linux/arm64 stage-1", 2, "COPY bar /own"),
    }


def test_cut_names_are_kept_as_printed() -> None:
    cut = read("20.10.24/longcut.plain")[0].steps[1].instruction
    assert cut == "RUN echo a-first-rather-long-word && echo a-second-rather-long-wor..."
    on_terminal = read("28.5.2/long.tty")[0].steps[1].instruction
    assert on_terminal.startswith("RUN echo a-first-rather-long-word && echo a-second-rather-long-word &&")


def test_seconds_are_as_printed() -> None:
    cold, warm = read("20.10.24/gist.tty")
    assert [step.seconds for step in cold.steps] == [0.0, 0.3, 0.0, 0.4]
    # The deepest cached step is the one that pulls, and that takes its time.
    assert [step.seconds for step in warm.steps] == [0.0, 0.0, 0.0, 0.8]
    # Plain progress states no time with CACHED.
    assert [step.seconds for step in read("20.10.24/gist.plain")[1].steps] == [0.0, None, None, None]


def test_the_oldest_form_states_durations() -> None:
    assert [step.seconds for step in read("18.09/gist.plain")[0].steps] == [0.0, 0.0, 0.243, 0.487]
    assert [step.seconds for step in read("18.09/fail.plain")[0].steps] == [124.0, 1.487, 1.496]


def test_the_builder_is_named() -> None:
    assert [build.builder for build in read("28.5.2/session.mixed")] == [
        "buildkit",
        "buildkit",
        "classic",
        "buildkit",
        "buildkit",
    ]


def test_a_bug_report_in_markdown() -> None:
    ubuntu, centos, classic = read_builds((DATA / "pasted" / "report.md").read_bytes())
    assert (outcomes(ubuntu), outcomes(centos)) == (WARM, [B, H, R, R])
    assert (ubuntu.context_bytes, ubuntu.dockerfile_bytes) == (34, 88)
    assert (centos.context_bytes, centos.dockerfile_bytes) == (92, 146)
    assert ubuntu.image == "sha256:2a5c1d3e4f60718293a4b5c6d7e8f9012a3b4c5d6e7f8091a2b3c4d5e6f70819"
    assert (classic.builder, outcomes(classic), classic.context_bytes) == ("classic", [B, H], 3072)
