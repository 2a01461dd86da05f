"""Bad input: bytes of any kind, lines of any length, logs that are cut. Never an exception, never a wrong row."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.progress import lines
from lab.buildkit.progress.lines import Lines
from lab.buildkit.progress.reader import Reader, read_builds
from lab.model import Outcome

BUILD = (
    "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [1/3] FROM a\n#2 DONE 0.0s\n\n"
    "#3 [2/3] RUN a\n#3 CACHED\n\n#4 [3/3] RUN b\n#4 DONE 1.0s\n"
)


def outcomes(data: str | bytes) -> list[list[str]]:
    return [[step.outcome.value for step in build.steps] for build in read_builds(data)]


@given(data=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_pieces_of_any_bytes_give_the_same_lines(data: bytes, cuts: list[int]) -> None:
    whole, pieces = Lines(), Lines()
    expected = [*whole.feed(data), *whole.flush()]
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [line for begin, end in itertools.pairwise(edges) for line in pieces.feed(data[begin:end])]
    assert [*found, *pieces.flush()] == expected


def test_a_line_that_is_too_long_is_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 100)
    reader = Reader()
    for piece in (BUILD, "#5 0.1 ", "x" * 500, "y" * 500, "\n#3 [2/3] RUN a\n", "z" * 150, "\n"):
        reader.feed(piece)
    reader.flush()
    assert reader.cut == 2
    assert [step.outcome for step in reader.builds[0].steps] == [Outcome.BASE, Outcome.HIT, Outcome.RAN]


@pytest.mark.parametrize(
    "line",
    [
        " => x" + " " * 300_000 + "y",
        "#9 [" + "a " * 300_000,
        "[" * 300_000,
        " => [" + "a" * 300_000,
        "> " * 300_000,
        "Step 1/" + "1" * 300_000,
        '{"a":' * 50_000,
        "12:" * 100_000,
        "a$ " * 100_000 + "docker",
        "&amp;" * 100_000,
    ],
    ids=range(10),
)
def test_a_very_long_line_is_read_in_time_linear_in_its_length(line: str) -> None:
    assert outcomes(f"{BUILD}{line}\n{BUILD}") == [["base", "hit", "ran"], ["base", "hit", "ran"]]


@pytest.mark.parametrize("seed", range(5))
def test_binary_is_no_build(seed: int) -> None:
    noise = random.Random(seed).randbytes(100_000)
    assert read_builds(noise) == []
    assert ["base", "hit", "ran"] in outcomes(noise + b"\n" + BUILD.encode() + noise)


@pytest.mark.parametrize("cut", range(len(BUILD)))
def test_a_log_that_begins_or_ends_within_a_line(cut: int) -> None:
    truth = {"RUN a": "hit", "RUN b": "ran"}
    for part in (BUILD[:cut], BUILD[cut:]):
        for build in read_builds(part):
            for step in build.steps:
                assert step.outcome.value in ("base", "unknown", truth.get(step.instruction))


def test_a_log_in_carriage_returns_only() -> None:
    assert outcomes(BUILD.replace("\n", "\r")) == [["base", "hit", "ran"]]
    # A RUN may print a bare carriage return: what follows is its output, not a state.
    assert outcomes(BUILD.replace("#4 DONE", "#4 0.1 x\r#4 CACHED\r\n#4 DONE")) == [["base", "hit", "ran"]]


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\0", b"\xff\xfe", b"\xfe\xff", b"\r", b"#", b"\xef\xbb\xbf", "é".encode("utf-16")]
)
def test_next_to_nothing_is_no_build(data: bytes) -> None:
    assert read_builds(data) == []
