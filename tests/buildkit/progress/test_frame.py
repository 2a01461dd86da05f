"""What stands before every line of a CI system's log changes nothing; what a RUN prints of that kind neither."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.progress.reader import Reader, read_builds
from lab.model import Outcome
from tests.buildkit.progress.by_place import REPEATED
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "progress"
RECORDINGS = {str(path.relative_to(DATA)): path.read_bytes().decode() for path in DATA.rglob("*.txt")}
H, R, B = Outcome.HIT, Outcome.RAN, Outcome.BASE


def clock() -> Iterator[str]:
    for second in itertools.count():
        yield f"{10 + second // 3600 % 10}:{second // 60 % 60:02}:{second % 60:02}"


def github(lines: list[str]) -> list[str]:
    # as downloaded: a byte order mark, seven digits, and the runner's own lines around
    head = [
        "\ufeff2020-05-27T09:59:59.1234567Z ##[group]Run docker build .",
        "2020-05-27T10:00:00.0000000Z ##[endgroup]",
    ]
    return [
        *head,
        *(f"2020-05-27T{time}.{n:07}Z {line}" for n, (time, line) in enumerate(zip(clock(), lines, strict=False))),
    ]


def github_cli(lines: list[str]) -> list[str]:
    return [f"build\tRun docker build\t{line}" for line in github(lines)]


def gitlab(lines: list[str]) -> list[str]:
    # with FF_TIMESTAMPS; `+` goes on with the line before, here in the middle of each third line
    found = [
        "2024-05-22T12:43:46.962646Z 00O section_start:1716381826:step_script\r\x1b[0K",
        '2024-05-22T12:43:46.962650Z 00O+\x1b[0K\x1b[36;1mExecuting "step_script" stage\x1b[0;m',
    ]
    for number, (time, line) in enumerate(zip(clock(), lines, strict=False)):
        half = len(line) // 2
        stamp = f"2024-05-22T{time}.{number:06}Z 01E"
        found += [f"{stamp} {line[:half]}", f"{stamp}+{line[half:]}"] if number % 3 == 0 else [f"{stamp} {line}"]
    return [*found, "2024-05-22T12:44:46.962646Z 00O section_end:1716381886:step_script\r\x1b[0K"]


def gitlab_plain(lines: list[str]) -> list[str]:
    start = "section_start:1716381826:build[collapsed=true]\r\x1b[0K"
    return [f"{start}\x1b[36;1mBuild\x1b[0;m", *lines, "section_end:1716381886:build\r\x1b[0K"]


def gitlab_section_before_the_first_line(lines: list[str]) -> list[str]:
    return [f"\x1b[0Ksection_start:1716381826:build\r\x1b[0K{lines[0]}", *lines[1:]]


def jenkins(lines: list[str]) -> list[str]:
    return [
        f"[2020-05-27T{time}.000Z] {line}" for time, line in zip(clock(), ["+ docker build .", *lines], strict=False)
    ]


def timestamper(lines: list[str]) -> list[str]:
    return [f"{time}  {line}" for time, line in zip(clock(), ["+ docker build .", *lines], strict=False)]


def docker_logs(lines: list[str]) -> list[str]:
    return [f"2020-05-27T{time}.{n:09}Z {line}" for n, (time, line) in enumerate(zip(clock(), lines, strict=False))]


def compose(lines: list[str]) -> list[str]:
    return [f"builder-1  | {line}" for line in lines]


def compose_in_colour(lines: list[str]) -> list[str]:
    return [f"\x1b[36mbuilder_1  |\x1b[0m {line}" for line in lines]


def trimmed(lines: list[str]) -> list[str]:
    # an editor has taken blanks off the ends of lines
    return [line.rstrip(" ") for line in github(lines)]


FRAMES = [
    *(github, github_cli, gitlab, gitlab_plain, gitlab_section_before_the_first_line),
    *(jenkins, timestamper, docker_logs, compose, compose_in_colour, trimmed),
]
Wrap = Callable[[list[str]], list[str]]


@pytest.mark.parametrize("wrap", FRAMES)
@pytest.mark.parametrize("name", sorted(RECORDINGS.keys() - REPEATED))
def test_a_framed_recording_reads_as_the_bare_one(name: str, wrap: Wrap) -> None:
    lines = RECORDINGS[name].removesuffix("\n").split("\n")
    assert read_builds("\n".join(wrap(lines))) == read_builds(RECORDINGS[name])


FIRST = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [1/2] FROM alpine\n#2 DONE 0.0s\n"
AGAIN = FIRST + "\n#3 [2/2] RUN a\n#3 CACHED\n"


@pytest.mark.parametrize("wrap", FRAMES)
def test_a_framed_build_and_a_bare_one(wrap: Wrap) -> None:
    framed = "\n".join(wrap((FIRST + "\n#3 [2/2] RUN a\n#3 DONE 0.2s").split("\n")))
    for text in (f"{framed}\nand at home:\n{AGAIN}", f"{AGAIN}and in CI:\n{framed}"):
        assert {tuple(step.outcome for step in build.steps) for build in read_builds(text)} == {(B, R), (B, H)}


@pytest.mark.parametrize("wrap", FRAMES)
def test_a_frame_that_a_run_prints_is_no_frame(wrap: Wrap) -> None:
    printed = ["Step 2/3 : RUN a", " ---> bbbbbbbbbbbb", "Step 3/3 : RUN b", " ---> Using cache", " ---> aaaaaaaaaaaa"]
    decoy = "\n".join(wrap(printed))
    text = (
        "Sending build context to Docker daemon  2.048kB\nStep 1/3 : FROM alpine\n ---> f70734b6a266\n"
        f"Step 2/3 : RUN a\n ---> Running in 0a1b2c3d4e5f\n{decoy}\nRemoving intermediate container 0a1b2c3d4e5f\n"
        " ---> 1a2b3c4d5e6f\nStep 3/3 : RUN b\n ---> Running in 2a3b4c5d6e7f\n"
        "Removing intermediate container 2a3b4c5d6e7f\n ---> 3a4b5c6d7e8f\nSuccessfully built 3a4b5c6d7e8f\n"
    )
    kept = re.sub("Removing.*\n", "", text)  # `--rm=false`: nothing says when a container ends
    if wrap in (gitlab_plain, gitlab_section_before_the_first_line):
        kept = text  # they frame no such line, and a bare layer and step cannot be told from the builder's own
    for whole in (text, kept, "\n".join(github(text.split("\n")))):
        [build] = read_builds(whole)
        assert [step.outcome for step in build.steps] == [B, R, R]


def test_a_step_that_a_runner_split_is_one_line() -> None:
    text = (
        "2024-05-22T12:43:46.000000Z 01E #3 [2/2] RUN a\n2024-05-22T12:43:46.000001Z 01E #3 0.079 \n"
        "2024-05-22T12:43:46.000001Z 01E+#3 CACHED\n2024-05-22T12:43:46.000002Z 01E #3 DO\n"
    )
    [build] = read_builds(FIRST.replace("#", "2024-05-22T12:43:45.000000Z 01E #") + text)
    assert build.steps[-1].outcome is Outcome.UNKNOWN
    [build] = read_builds(
        FIRST.replace("#", "2024-05-22T12:43:45.000000Z 01E #") + text + "2024-05-22T12:43:47.000002Z 01E+NE 0.2s\n"
    )
    assert build.steps[-1].outcome is R


@given(
    name=st.sampled_from(sorted(RECORDINGS)),
    wrap=st.sampled_from(FRAMES),
    cuts=st.lists(st.integers(0, 1_000_000), max_size=8),
)
def test_chunks_do_not_matter(name: str, wrap: Wrap, cuts: list[int]) -> None:
    data = "\n".join(wrap(RECORDINGS[name].split("\n"))).encode()
    reader = Reader()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in itertools.pairwise(edges):
        reader.feed(data[begin:end])
    reader.flush()
    assert reader.builds == read_builds(data)
