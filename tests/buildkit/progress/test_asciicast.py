"""Recordings by asciinema, made here from recorded outputs as its format is documented (asciicast v2 and v3)."""

from __future__ import annotations

import json

import pytest

from lab.buildkit.progress.reader import read_builds
from lab.buildkit.progress.stepless import Stepless
from tests.conftest import ROOT

RECORDED = ROOT / "tests" / "data" / "progress" / "28.5.2"
HEADERS = [{"version": 2, "width": 80, "height": 24}, {"version": 3, "term": {"cols": 80, "rows": 24}}]


def recording(text: str, header: object, size: int) -> str:
    """The text as the events of a recording, `size` characters in each, with events of other kinds between them."""
    screen = text.replace("\n", "\r\n")
    events: list[object] = [[0.1, "r", "80x24"], [0.2, "m", "begin"]]
    events += [[at / 10, "o", screen[at : at + size]] for at in range(0, len(screen), size)]
    return "\n".join(json.dumps(line) for line in [header, *events]) + "\n"


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("size", [7, 4096])
@pytest.mark.parametrize("file", ["gist.plain.txt", "gist.tty.txt", "faildecoy.plain.txt"])
def test_a_recording_is_read_as_what_it_shows(header: object, size: int, file: str) -> None:
    text = (RECORDED / file).read_bytes().decode().replace("\r\n", "\n")
    shown, read = read_builds(text), read_builds(recording(text, header, size))
    assert [build.steps for build in read] == [build.steps for build in shown]
    assert [build.context_bytes for build in read] == [build.context_bytes for build in shown]
    assert {build.frame for build in read} == {"asciinema"}


def test_a_recording_that_was_cut_in_an_event_loses_that_event_only() -> None:
    whole = recording("#5 [2/2] RUN true\n#5 DONE 0.3s\n", HEADERS[0], 4096)
    [build] = read_builds(whole + '[9.9, "o", "#6 [3/3] RUN fal')
    assert [(step.instruction, step.seconds) for step in build.steps] == [("RUN true", 0.3)]


def test_the_error_in_a_recording_is_found_without_its_event() -> None:
    stepless = Stepless()
    stepless.feed(recording("ERROR: failed to solve: node:99: not found\n", HEADERS[1], 4096).encode())
    assert stepless.flush().error == "ERROR: failed to solve: node:99: not found"


@pytest.mark.parametrize("first", ['{"version": 2}', '{"version": "2", "width": 1}', "{", '{"version": 9, "width": 1}'])
def test_other_json_is_no_recording(first: str) -> None:
    [build] = read_builds(f"{first}\n" + '[1, "o", "x"]\n#5 [2/2] RUN true\n#5 DONE 0.3s\n')
    assert build.frame is None
