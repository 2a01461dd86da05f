"""The JSON document, live use of the reader, and inputs that hold no build."""

from __future__ import annotations

import json

import pytest

from lab.buildkit.progress.build import Build, Step, StepSeen, document
from lab.buildkit.progress.ledger import size_in_bytes
from lab.buildkit.progress.reader import Reader, read_builds
from lab.model import Outcome

H, R, B = Outcome.HIT, Outcome.RAN, Outcome.BASE
IMAGE = "sha256:" + "5c" * 32
HEAD = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [1/3] FROM alpine\n#2 DONE 0.0s\n\n"


def only(text: str | bytes) -> Build:
    [build] = read_builds(text)
    return build


def outcomes(build: Build) -> list[Outcome]:
    return [step.outcome for step in build.steps]


def test_the_json_document() -> None:
    text = (
        "#1 [internal] load build definition from Dockerfile\n#1 transferring dockerfile: 91B done\n#1 DONE 0.0s\n\n"
        "#2 [internal] load build context\n#2 transferring context: 34B done\n#2 DONE 0.0s\n\n"
        "#3 importing cache manifest from user/test\n#3 DONE 0.0s\n\n#4 [1/2] FROM alpine\n#4 CACHED\n\n"
        f"#5 [2/2] RUN echo foo\n#5 DONE 0.7s\n\n#6 exporting to image\n#6 writing image {IMAGE} done\n#6 DONE 0.1s\n"
    )
    assert json.loads(json.dumps(document(read_builds(text)))) == {
        "schema": 1,
        "builds": [
            {
                "builder": "buildkit",
                "steps": [
                    {
                        "stage": None,
                        "index": 1,
                        "total": 2,
                        "instruction": "FROM alpine",
                        "outcome": "base",
                        "seconds": None,
                        "targets": [],
                        "reason": None,
                        "pulled": False,
                        "download": None,
                        "ran_and_failed": False,
                    },
                    {
                        "stage": None,
                        "index": 2,
                        "total": 2,
                        "instruction": "RUN echo foo",
                        "outcome": "ran",
                        "seconds": 0.7,
                        "targets": [],
                        "reason": None,
                        "pulled": False,
                        "download": None,
                        "ran_and_failed": False,
                    },
                ],
                "context_bytes": 34,
                "dockerfile_bytes": 91,
                "imports": [{"ref": "user/test", "ok": True, "target": None, "error": None}],
                "image": IMAGE,
                "images": [{"digest": IMAGE, "target": None}],
                "warnings": [],
                "frame": None,
                "lines": [1, 20],
                "absent": [],
            }
        ],
    }


def test_steps_are_seen_as_they_end() -> None:
    reader = Reader()
    assert reader.feed(HEAD) == [StepSeen(0, Step(None, 1, 3, "FROM alpine", B))]
    assert reader.feed("#3 [2/3] RUN a\n#3 0.1 a\n#3 DO") == []
    assert reader.feed("NE 0.2s\n#4 [3/3] RUN b\n") == [StepSeen(0, Step(None, 2, 3, "RUN a", R, 0.2))]
    assert reader.feed("#4 CACHED") == []
    assert reader.flush() == [StepSeen(0, Step(None, 3, 3, "RUN b", H))]
    assert reader.flush() == []


def test_a_screen_drawn_again_tells_a_step_once() -> None:
    screen = "[+] Building {}s (2/3)\n => CACHED [2/3] RUN a  0.0s\n"
    reader = Reader()
    seen = reader.feed(screen.format("0.1") + screen.format("0.2")) + reader.flush()
    assert seen == [StepSeen(0, Step(None, 2, 3, "RUN a", H, 0.0))]


@pytest.mark.parametrize("data", ["", b"", "$ ls\n", b"\xff\xfe\x00", "#", "=> x\n", "{", "{}\n", '{"a": 1}\n', "}\n"])
def test_input_without_a_build(data: str | bytes) -> None:
    assert read_builds(data) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("transferring context: 34B", 34),
        ("1.05kB 0.1s done", 1050),
        ("12.3MB", 12_300_000),
        ("0.07GB", 70_000_000),
        ("2.048 kB", 2048),
        ("557B\r\r1.1kB\r\r2.048kB", 2048),
        ("", None),
        ("34", None),
        ("34Bytes", None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    assert size_in_bytes(text) == size


def test_the_pieces_of_a_step_on_circleci_may_end_anywhere() -> None:
    """The output of a program that looks like an outcome must not come to stand at the beginning of a line."""
    text = HEAD + "#3 [2/3] RUN a\n#3 0.400 #4 CACHED\n#3 DONE 2.0s\n\n#4 [3/3] RUN b\n#4 0.2 #4 DONE 1.0s\n#4 0.3 x\n"
    text = text.replace("\n", "\r\n")
    for at in range(len(text)):
        parts = [{"message": part, "time": "2026-11-28T10:00:00Z", "type": "out"} for part in (text[:at], text[at:])]
        assert outcomes(only(json.dumps(parts))) == [B, R, Outcome.UNKNOWN]


def test_the_lines_of_drone_are_read() -> None:
    text = HEAD + "#3 [2/3] RUN a\n#3 CACHED\n\n#4 [3/3] RUN b\n#4 DONE 1.0s\n"
    lines = [{"pos": at, "out": f"{line}\n", "time": 1} for at, line in enumerate(text.split("\n"))]
    assert outcomes(only(json.dumps(lines))) == [B, H, R]
    assert outcomes(only("".join(json.dumps(line) + "\n" for line in lines))) == [B, H, R]
