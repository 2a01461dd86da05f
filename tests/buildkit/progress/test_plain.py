"""The traps of the plain form, one test each."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.build import Build, CacheImport, Step
from lab.buildkit.progress.doubt import CONTRADICTED
from lab.buildkit.progress.reader import read_builds
from lab.buildkit.progress.tangle import REASON
from lab.model import Outcome

H, R, U, B = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN, Outcome.BASE
HEAD = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [1/3] FROM alpine\n#2 DONE 0.0s\n\n"

# Without an end, CACHED proves nothing (test_extent.py).
END = "\n#9 exporting to image\n#9 DONE 0.0s\n"


def only(text: str | bytes) -> Build:
    [build] = read_builds(text)
    return build


def outcomes(build: Build) -> list[Outcome]:
    return [step.outcome for step in build.steps]


def test_headers_repeat_and_ends_come_in_any_order() -> None:
    build = only(
        HEAD
        + "#4 [builder 2/2] RUN a\n#4 0.1 one\n#4 ...\n\n#3 [stage-1 2/3] RUN b\n#3 pulling sha256:aa 0.5s\n#3 ...\n\n"
        "#4 [builder 2/2] RUN a\n#4 0.3 two\n#4 DONE 0.4s\n\n#3 [stage-1 2/3] RUN b\n#3 CACHED\n" + END
    )
    assert [(step.stage, step.outcome) for step in build.steps] == [(None, B), ("builder", R), ("stage-1", H)]


def test_a_late_status_reprints_a_header_without_a_new_build() -> None:
    again = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.1s\n\n"
    text = again + "#2 [internal] load .dockerignore\n#2 DONE 0.0s\n\n" + again + "#3 [2/3] RUN a\n#3 CACHED\n"
    assert outcomes(only(text + END)) == [H]


def test_the_last_state_wins() -> None:
    assert outcomes(only(HEAD + "#3 [2/3] RUN a\n#3 CACHED\n\n#3 [2/3] RUN a\n#3 DONE 0.1s\n")) == [B, R]


def test_pulling_lines_before_cached() -> None:
    text = "#3 [2/3] RUN a\n#3 pulling sha256:aa 0.5s done\n#3 sha256:aa 1.2MB / 2MB 0.1s\n#3 CACHED\n"
    assert outcomes(only(HEAD + text)) == [B, H]


LAYER = "sha256:" + "9a" * 32


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ([f"{LAYER} 29B / 29B 0.0s done", "DONE 0.4s"], H),
        ([f"extracting {LAYER} 0.1s done", "DONE 0.4s"], H),
        # what it prints, it prints because it runs; and layers that cannot be had make it run after all
        ([f"{LAYER} 29B / 29B 0.0s done", "0.1 foo", "DONE 0.4s"], R),
        ([f"{LAYER} 29B / 29B 0.0s done", "ERROR: not found", "DONE 0.4s"], R),
        # a digest alone is no layer (Docker 20.10 prints a step's own), nor is what a program prints
        ([LAYER, "DONE 0.4s"], R),
        ([f"0.1 {LAYER} 29B / 29B", "DONE 0.4s"], R),
    ],
)
def test_layers_that_are_fetched_after_cached_make_it_no_less_a_hit(lines: list[str], outcome: Outcome) -> None:
    text = "#3 [2/3] RUN a\n#3 CACHED\n\n#3 [2/3] RUN a\n" + "".join(f"#3 {line}\n" for line in lines)
    assert outcomes(only(HEAD + text)) == [B, outcome]


def test_only_its_own_line_makes_a_step_cached() -> None:
    text = (
        "#3 [2/3] RUN a\n#3 0.1 #3 CACHED\n#3 0.1 CACHED\n#3 0.2 text\r#3 CACHED\n#3 0.2 x\u2028#3 CACHED\n#5 CACHED\n"
    )
    assert outcomes(only(HEAD + text)) == [B, U]


def test_the_instruction_may_look_like_a_name() -> None:
    build = only(HEAD + '#3 [stage-1 2/3] RUN echo "[x] 1/2" [3/4] CACHED\n#3 DONE 0.1s\n')
    assert build.steps[-1] == Step("stage-1", 2, 3, 'RUN echo "[x] 1/2" [3/4] CACHED', R, 0.1)


@pytest.mark.parametrize(
    ("name", "stage", "index", "total"),
    [
        ("[2/4]", None, 2, 4),
        ("[ 2/10]", None, 2, 10),
        ("[stage-1  2/10]", "stage-1", 2, 10),
        ("[linux/amd64 2/4]", "linux/amd64", 2, 4),
        ("[linux/arm/v7 builder 2/4]", "linux/arm/v7 builder", 2, 4),
        ("[linux/amd64->arm64 builder  2/14]", "linux/amd64->arm64 builder", 2, 14),
    ],
)
def test_names_of_steps(name: str, stage: str | None, index: int, total: int) -> None:
    expected = (Step(stage, index, total, "RUN x", H),)
    assert only(f"#7 {name} RUN x\n#7 CACHED\n{END}").steps == expected
    screen = f"[+] Building 1.0s (2/2) FINISHED\n => CACHED {name} RUN x\n => exporting to image\n"
    assert only(screen).steps == expected


def test_an_import_that_fails_does_not_fail_a_step() -> None:
    ref = "importing cache manifest from localhost:5000/nope"
    build = only(
        HEAD + f"#3 {ref}\n#3 ERROR: localhost:5000/nope:latest: not found\n\n#4 [2/3] RUN a\n#4 CACHED\n"
        f"{END}------\n > {ref}:\n------\n"
    )
    assert build.imports == (CacheImport("localhost:5000/nope", ok=False),)
    assert outcomes(build) == [B, H]


def test_an_import_whose_end_is_missing_is_not_known() -> None:
    assert only(HEAD + "#3 importing cache manifest from a/b\n").imports == (CacheImport("a/b", ok=None),)


def test_canceled_is_unknown() -> None:
    text = "#3 [a 1/2] RUN a\n#3 CANCELED\n\n#4 [b 1/2] RUN b\n#4 ERROR: process x: context canceled\n"
    assert outcomes(only(HEAD + text)) == [B, U, U]


def test_warnings_and_sha_lines_and_no_time() -> None:
    text = "#3 [2/3] RUN a\n#3 sha256:" + "ab" * 32 + "\n#3 WARN: CACHED\n#3 DONE\n"
    assert only(HEAD + text).steps[-1] == Step(None, 2, 3, "RUN a", R)


def test_dockerignore_is_not_the_context() -> None:
    text = "#1 [internal] load .dockerignore\n#1 transferring context: 2B done\n#1 DONE 0.0s\n"
    assert only(text).context_bytes is None


def test_the_last_size_wins_and_an_empty_one_says_nothing() -> None:
    text = (
        "#1 [internal] load build context\n#1 transferring context: 1.05kB 0.1s\n"
        "#1 transferring context: 12.30MB 5.1s\n#1 transferring context: 12.34MB 5.2s done\n#1 transferring context:\n"
    )
    assert only(text).context_bytes == 12_340_000


def test_an_external_frontend_loads_the_dockerfile_twice() -> None:
    text = (
        "#2 [internal] load build definition from Dockerfile\n#2 transferring dockerfile: 120B done\n#2 DONE 0.0s\n\n"
        "#3 resolve image config for docker.io/docker/dockerfile:1\n#3 DONE 0.9s\n\n"
        "#4 docker-image://docker.io/docker/dockerfile:1@sha256:aa\n#4 CACHED\n\n"
        "#5 [internal] load build definition from Dockerfile\n#5 transferring dockerfile: 32B done\n#5 DONE 0.0s\n\n"
        "#6 [2/2] RUN a\n#6 CACHED\n"
    )
    assert (only(text).dockerfile_bytes, outcomes(only(text))) == (120, [H])


def test_crlf_indents_quotes_and_a_byte_order_mark() -> None:
    text = HEAD + "#3 [2/3] RUN a\n#3 CACHED\n"
    for changed in (
        text.replace("\n", "\r\n"),
        "\ufeff" + text,
        "".join(f"> {line}\n" for line in text.splitlines()),
        "".join(f"    {line}\n" for line in text.splitlines()),
        f"```\n{text}```\n",
    ):
        assert read_builds(changed) == read_builds(text)


CUT = HEAD + "#3 [2/3] RUN a\n#3 0.1 x\n"
WHOLE = HEAD + "#3 [2/3] RUN a\n#3 CACHED\n\n#4 exporting to image\n#4 DONE 0.0s\n"


@pytest.mark.parametrize("between", ["", "\n", "\n$ docker build .\n", '#0 building with "default" instance\n\n'])
@pytest.mark.parametrize("first", [CUT, WHOLE, HEAD])
def test_builds_are_told_apart(first: str, between: str) -> None:
    builds = read_builds(first + between + WHOLE)
    assert [outcomes(build) for build in builds] == [outcomes(only(first)), [B, H]]


def test_a_number_with_another_name_is_another_build() -> None:
    text = "#1 [internal] load .dockerignore\n#1 DONE 0.0s\n\n#2 [internal] load build definition from Dockerfile\n"
    assert [len(build.steps) for build in read_builds(WHOLE + text + "#3 [2/2] RUN b\n#3 DONE 0.1s\n")] == [2, 1]


def test_each_build_keeps_its_own_outcomes() -> None:
    first, second = read_builds(WHOLE.replace("#3 CACHED", "#3 DONE 0.2s") + "$ docker push x\nx: Pushed\n" + WHOLE)
    assert (outcomes(first), outcomes(second)) == ([B, R], [B, H])


def test_after_a_prompt_a_build_whose_beginning_is_missing_is_another_one() -> None:
    second = (
        "#9 importing cache manifest from a/b\n#9 DONE 0.0s\n#3 [internal] load build context\n#3 DONE 0.0s\n"
        "#4 [2/2] RUN b\n"
    )
    first, other = read_builds(HEAD + "#3 [2/3] RUN a\n#3 DONE 0.1s\n$ docker build .\n" + second + "#4 CACHED\n")
    assert (outcomes(first), outcomes(other)) == ([B, R], [H])
    assert (first.imports, other.imports) == ((), (CacheImport("a/b", ok=True),))


def test_a_line_of_another_program_between_repeated_headers_starts_no_build() -> None:
    text = (
        "#1 [internal] load .dockerignore\n#1 DONE 0.0s\nnpm notice\n#1 [internal] load .dockerignore\n#1 DONE 0.1s\n"
    )
    assert outcomes(only(text + "#2 [2/2] RUN a\n#2 CACHED\n")) == [H]


@pytest.mark.parametrize(
    ("printed", "wanted"),
    [
        ("#3 0.735 x#3 DONE 0.8s\n", R),  # as Docker 20.10.24 prints `RUN printf x`
        ("#3 0.7 one\n#3 0.8 two\n#3 0.9 three#3 DONE 1.2s\n", R),
        ("#3 0.7 x#4 DONE 0.8s\n", U),
        ("#3 0.7 #3 DONE 0.8s\n", U),  # a build in the build prints so
        ("#3 0.7 x#3 DONE 0.8s\n#3 0.9 more\n#3 CANCELED\n", U),
        ("#3 0.7 x#3 DONE 0.8s\n#3 ERROR: process did not complete: exit code: 1\n", Outcome.ERROR),
        ("#3 0.7 x#3 CACHED\n", U),
    ],
)
def test_an_end_in_the_line_of_output_without_a_line_end(printed: str, wanted: Outcome) -> None:
    build = only(f"{HEAD}#3 [2/3] RUN a\n{printed}\n#4 [3/3] RUN b\n#4 DONE 0.1s\n{END}")
    assert outcomes(build)[:2] == [B, wanted]
    assert not build.warnings
    assert wanted is not R or build.steps[1].seconds in (0.8, 1.2)


@pytest.mark.parametrize("before", ["#8 0.1 one\n#8 DONE 0.2s", "#8 0.1 one"])
@pytest.mark.parametrize("between", ["\n", "\n\n", "\n\n#8 [3/3] RUN a\n"])
def test_a_step_whose_program_printed_is_no_hit_by_a_later_line(before: str, between: str) -> None:
    """Of a program that ran, BuildKit says DONE: CACHED is then of another build whose lines are here too."""
    build = only(f"#7 [2/3] COPY a /\n#7 CACHED\n\n#8 [3/3] RUN a\n{before}{between}#8 CACHED\n")
    assert outcomes(build) == [H, Outcome.UNKNOWN]
    assert build.steps[1].reason in (CONTRADICTED, REASON)


def test_what_git_prints_for_an_add_is_no_program_of_the_step() -> None:
    text = "#3 [2/2] ADD https://git.example/a.git /a\n#3 0.212 9a9a\trefs/heads/main\n#3 CACHED\n"
    assert outcomes(only(HEAD + text + END)) == [B, H]
