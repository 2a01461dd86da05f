"""The traps of the terminal form, one test each."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.build import Build, Step
from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome

H, R, E, U, B = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN, Outcome.BASE


def only(text: str | bytes) -> Build:
    [build] = read_builds(text)
    return build


def outcomes(build: Build) -> list[Outcome]:
    return [step.outcome for step in build.steps]


SCREEN = "[+] Building 1.2s (3/3) FINISHED\n => [1/2] FROM alpine  0.0s\n => [2/2] RUN echo foo  0.7s\n"


def test_rows_of_a_finished_screen() -> None:
    assert only(SCREEN).steps == (
        Step(None, 1, 2, "FROM alpine", B, 0.0),
        Step(None, 2, 2, "RUN echo foo", R, 0.7),
    )


def test_a_row_without_a_word_on_an_unfinished_screen_is_unknown() -> None:
    text = "[+] Building 1.2s (2/4)\n => CACHED [2/4] RUN a  0.0s\n => [3/4] RUN b  0.9s\n"
    assert outcomes(only(text)) == [U, U]


@pytest.mark.parametrize(
    "end",
    [
        " => exporting to image  0.0s\n",
        "------\n > [4/4] RUN c:\n------\n",
        "failed to solve: process x did not complete\n",
        "executor failed running [/bin/sh -c false]: exit code: 1\n",
    ],
)
def test_the_end_of_the_build_ends_its_rows(end: str) -> None:
    text = (
        "[+] Building 1.2s (3/4)\n => [2/4] RUN b  0.9s\n => CANCELED [3/4] RUN x  0.1s\n => ERROR [4/4] RUN c  0.1s\n"
    )
    assert outcomes(only(text + end)) == [R, U, E]


@pytest.mark.parametrize(
    "words",
    [
        "ERROR: failed to receive status: rpc error",
        "ERROR: failed to solve: Unavailable: error reading from server: EOF",
        "ERROR: failed to solve: Canceled: context canceled",
        "^CERROR: failed to build: failed to solve: Canceled: context canceled",
        "context canceled",
        "------",
        "failed to solve: rpc error: code = Unavailable desc = transport is closing",
    ],
)
@pytest.mark.parametrize(
    "more",
    ["", " => ERROR importing cache manifest from a/b  0.1s\n", " => CANCELED [a 2/2] COPY --link x /x  0.0s\n"],
)
def test_a_connection_that_breaks_ends_nothing(words: str, more: str) -> None:
    text = f"[+] Building 1.2s (2/4)\n => [3/4] RUN b  0.9s\n{more}{words}\n"
    assert {step.outcome for step in only(text).steps} == {U}


def test_what_the_builder_canceled_ended_with_all_the_rest() -> None:
    text = "[+] Building 1.2s (3/4)\n => [2/4] RUN a  0.9s\n => CANCELED [3/4] RUN b  0.1s\n"
    assert outcomes(only(text + "ERROR: failed to solve: Canceled: context canceled\n")) == [R, U]


def test_a_color_says_that_a_row_has_ended() -> None:
    text = "\x1b[?25l[+] Building 1.2s (2/4)\n\x1b[0m\x1b[34m => [2/4] RUN a  0.0s\n\x1b[0m => [3/4] RUN b  0.9s\n"
    assert outcomes(only(text)) == [R, U]


def test_logs_within_a_screen_are_not_rows() -> None:
    text = (
        "[+] Building 1.2s (2/4)\n => [internal] load build context  0.0s\n => [3/4] RUN b  0.9s\n"
        " => => # CACHED [3/4] RUN b\n => => #  => CACHED [3/4] RUN b  0.0s\n => => # transferring context: 9B\n"
        " => => # #3 CACHED\n => => # [+] Building 1.2s (7/7) FINISHED\n"
    )
    assert (outcomes(only(text)), only(text).context_bytes) == ([U], None)


def test_redrawn_screens_without_escapes_are_one_build() -> None:
    frames = (
        "[+] Building 0.1s (1/3)\n => [1/3] FROM alpine  0.0s\n"
        "[+] Building 0.9s (2/3)\n => [1/3] FROM alpine  0.0s\n => [2/3] RUN a  0.7s\n"
        "[+] Building 1.0s (3/4)\n => [2/3] RUN a  0.7s\n => CACHED [3/3] RUN b  0.0s\n => exporting to image  0.1s\n"
    )
    text = frames + "[+] Building 1.1s (4/4) FINISHED\n => exporting to image  0.1s\n"
    assert outcomes(only(text)) == [B, R, H]
    assert [outcomes(build) for build in read_builds(text + text)] == [[B, R, H], [B, R, H]]


def test_redrawn_screens_with_escapes_are_one_build() -> None:
    first = "\x1b[1A\x1b[1B\x1b[0G\x1b[?25l[+] Building 0.1s (0/1)\r\n"
    again = "\x1b[?25h\x1b[1A\x1b[1A\x1b[0G\x1b[?25l[+] Building 0.9s (3/3) FINISHED\r\n"
    text = first + "\x1b[34m => [1/2] FROM a  0.0s\r\n" + again + "\x1b[0m\x1b[34m => CACHED [2/2] RUN b  0.0s\r\n"
    assert outcomes(only(text)) == [B, H]
    assert len(read_builds(text + text)) == 2


def test_several_screens_in_one_paste() -> None:
    cut = "[+] Building 5.0s (2/4)\n => [2/2] RUN echo foo  0.9s\n"
    assert [outcomes(build) for build in read_builds(cut + "$ docker build .\n" + SCREEN)] == [[U], [B, R]]
    assert [outcomes(build) for build in read_builds(cut + SCREEN)] == [[U], [B, R]]


def test_rows_without_a_head() -> None:
    text = " => CACHED [2/4] RUN echo foo  0.0s\n => [3/4] COPY bar bar  0.1s\n => exporting to image  0.0s\n"
    assert outcomes(only(text)) == [H, R]
    assert outcomes(only(text.rpartition(" => exp")[0])) == [U, U]


def test_compose_and_prose_are_no_build() -> None:
    assert read_builds("[+] Building 2/2\n[+] Running 3/3\n => so it is cached\nx => y\n") == []


@pytest.mark.parametrize("name", ["F", "FRO"])
def test_a_name_that_may_be_from_is_no_hit(name: str) -> None:
    assert outcomes(only(f"[+] Building 0.1s (1/4)\n => CACHED [1/4] {name}")) == [U]


def test_an_image_that_the_terminal_cuts_is_none() -> None:
    text = SCREEN + " => exporting to image  0.0s\n => => writing image sha256:5c5c5c5c  0.0s\n"
    assert only(text).image is None
