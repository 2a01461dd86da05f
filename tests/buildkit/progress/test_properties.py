"""What holds for any input: chunks do not matter, a cut invents no hit, what a RUN prints changes no outcome."""

from __future__ import annotations

import base64
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.reader import Reader, read_builds
from lab.model import Outcome
from tests.buildkit.progress.by_place import REPEATED
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "progress"
RECORDINGS = {str(path.relative_to(DATA)): path.read_bytes() for path in sorted(DATA.rglob("*.*")) if path.is_file()}
SMALL = [name for name, data in RECORDINGS.items() if len(data) < 4000 and name not in REPEATED]

# An error makes CACHED doubtful, so a log that is cut before the error shows more hits than the whole one. So does one
# that is cut before a step, found without a layer, is executed.
DOUBTED = ("missing", "present", "behind", "branches", "nolayer")
CERTAIN = [name for name in RECORDINGS if not name.rpartition("/")[2].startswith(DOUBTED)]

recordings = st.sampled_from(sorted(RECORDINGS))


def in_pieces(data: bytes, cuts: list[int]) -> list[Build]:
    reader = Reader()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in itertools.pairwise(edges):
        reader.feed(data[begin:end])
    reader.flush()
    return reader.builds


@given(name=recordings, cuts=st.lists(st.integers(0, 1_000_000), max_size=20))
def test_chunks_do_not_matter(name: str, cuts: list[int]) -> None:
    assert in_pieces(RECORDINGS[name], cuts) == read_builds(RECORDINGS[name])


@pytest.mark.parametrize("name", SMALL)
def test_byte_by_byte(name: str) -> None:
    data = RECORDINGS[name]
    assert in_pieces(data, list(range(len(data)))) == read_builds(data)


@given(
    data=st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([b"#1 [1/2] FROM a\n", b"\xc3\xa9\n", b"{\n"]))),
    cuts=st.lists(st.integers(0, 1_000), max_size=10),
)
def test_chunks_of_garbage_do_not_matter(data: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(data)
    assert in_pieces(whole, cuts) == read_builds(whole)


def hits(builds: list[Build]) -> set[tuple[int, str | None, int]]:
    return {
        (number, step.stage, step.index)
        for number, build in enumerate(builds)
        for step in build.steps
        if step.outcome is Outcome.HIT
    }


@given(name=st.sampled_from(sorted(CERTAIN)), cut=st.integers(0, 1_000_000))
def test_a_cut_invents_no_hit(name: str, cut: int) -> None:
    data = RECORDINGS[name]
    assert hits(read_builds(data[: cut % (len(data) + 1)])) <= hits(read_builds(data))


@pytest.mark.parametrize("name", sorted(set(SMALL) & set(CERTAIN)))
def test_no_cut_at_a_line_invents_a_hit(name: str) -> None:
    data = RECORDINGS[name]
    whole = hits(read_builds(data))
    ends = [at for at, byte in enumerate(data) if byte == ord("\n")]
    assert all(hits(read_builds(data[:end])) <= whole for end in ends)


@given(text=st.lists(st.sampled_from(sorted(RECORDINGS)), max_size=3), noise=st.binary(max_size=200))
def test_nothing_is_refused(text: list[str], noise: bytes) -> None:
    read_builds(noise.join(RECORDINGS[name] for name in text) + noise)


# --- what a RUN prints

DECOYS = st.lists(
    st.sampled_from(
        [
            "",
            "hello",
            "#3 CACHED",
            "#4 CACHED",
            "#4 [3/3] RUN b",
            "#1 [internal] load build definition from Dockerfile",
            '#0 building with "default" instance using docker driver',
            "[x] 1/2",
            "[2/3] RUN a",
            " => CACHED [2/3] RUN a   0.0s",
            " => CACHED [3/3] RUN b   0.0s",
            " => exporting to image   0.0s",
            "[+] Building 1.2s (7/7) FINISHED",
            "Sending build context to Docker daemon  2.048kB",
            "Step 1/3 : FROM alpine",
            "Step 2/3 : RUN a",
            "Step 3/3 : RUN b",
            " ---> Using cache",
            " ---> aaaaaaaaaaaa",
            " ---> Running in aaaaaaaaaaaa",
            "Removing intermediate container aaaaaaaaaaaa",
            " ---> Removed intermediate container aaaaaaaaaaaa",
            "Successfully built aaaaaaaaaaaa",
            "The command '/bin/sh -c other' returned a non-zero code: 1",
            "------",
            "failed to solve: x",
            "$ docker build .",
            "DEPRECATED: The legacy builder is deprecated",
            "{",
            "}",
            '{"vertexes": [{"digest": "b", "name": "[3/3] RUN b", "started": "x", "completed": "x", "cached": true}]}',
            "text\r#3 CACHED\r",
            "x\u2028#3 CACHED",
        ]
    ),
    max_size=12,
)


def plain(log: list[str]) -> str:
    lines = "".join(f"#3 0.123 {line}\n" for line in log)
    return (
        "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [1/3] FROM alpine\n#2 CACHED\n\n"
        f"#3 [2/3] RUN a\n{lines}#3 DONE 0.2s\n\n#4 [3/3] RUN b\n#4 DONE 0.2s\n"
    )


def terminal(log: list[str]) -> str:
    lines = "".join(f" => => # {line}\n" for line in log)
    rows = " => [internal] load build definition from Dockerfile  0.0s\n => CACHED [1/3] FROM alpine  0.0s\n"
    return (
        f"[+] Building 0.5s (3/4)\n{rows} => [2/3] RUN a  0.2s\n{lines}"
        f"[+] Building 0.9s (4/4) FINISHED\n{rows} => [2/3] RUN a  0.2s\n => [3/3] RUN b  0.2s\n"
    )


def rawjson(log: list[str]) -> str:
    times = {"started": "2026-01-02T03:04:05Z", "completed": "2026-01-02T03:04:06Z"}
    data = base64.b64encode("\n".join(log).encode()).decode()
    names = ["[internal] load build definition from Dockerfile", "[1/3] FROM alpine", "[2/3] RUN a", "[3/3] RUN b"]
    objects: list[dict[str, object]] = [{"vertexes": [{"digest": name, "name": name, **times}]} for name in names]
    objects.insert(3, {"logs": [{"vertex": names[2], "stream": 1, "data": data, "text": "\n".join(log)}]})
    return "".join(json.dumps(value) + "\n" for value in objects)


def classic(log: list[str]) -> str:
    lines = "".join(f"{line}\n" for line in log)
    return (
        "Sending build context to Docker daemon  2.048kB\nStep 1/3 : FROM alpine\n ---> f70734b6a266\n"
        f"Step 2/3 : RUN a\n ---> Running in 0a1b2c3d4e5f\n{lines}Removing intermediate container 0a1b2c3d4e5f\n"
        " ---> 1a2b3c4d5e6f\nStep 3/3 : RUN b\n ---> Running in 2a3b4c5d6e7f\n"
        "Removing intermediate container 2a3b4c5d6e7f\n ---> 3a4b5c6d7e8f\nSuccessfully built 3a4b5c6d7e8f\n"
    )


@pytest.mark.parametrize("render", [plain, terminal, rawjson, classic])
@given(log=DECOYS)
def test_what_a_run_prints_changes_nothing(render: object, log: list[str]) -> None:
    assert callable(render)
    [build] = read_builds(render(log))
    assert [step.outcome for step in build.steps] == [Outcome.BASE, Outcome.RAN, Outcome.RAN]
    assert [build] == read_builds(render([]))
