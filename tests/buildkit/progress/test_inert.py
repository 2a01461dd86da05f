"""Lines that say nothing new are dropped at once; what is read of a log is the same as without that."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from lab.buildkit.progress.build import Build, StepSeen
from lab.buildkit.progress.inert import is_inert, is_inert_after_build
from lab.buildkit.progress.lanes import Lanes, Shortcut
from lab.buildkit.progress.reader import Reader
from lab.model import Outcome
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

LOGS = sorted((ROOT / "tests" / "data").glob("progress/*/*.txt")) + sorted(
    (ROOT / "tests" / "data").glob("logs/*/input*")
)
INERT = [
    "",
    "   ",
    "gcc -O2 -c source.c -o build/objects/source.o",
    "npm WARN deprecated har-validator@5.1.3: this library is no longer supported",
    "[INFO] Downloading from central: https://repo.example.org/maven2/a.pom",
    "    at Object.<anonymous> (/src/app/index.js:12:15) & more <b>text</b>",
    "2024-05-22 12:01:02,345 INFO  [main] c.e.Application - Started => ready after Step 3",
    "\x1b[32m   Compiling\x1b[0m serde v1.0.1",
    "Progrès: 100 % ✓",
]
MEANT = [
    "#1 [internal] load build definition from Dockerfile",
    "#5 CACHED",
    "Step 1/2 : FROM a",
    " => CACHED [2/3] RUN a   0.0s",
    "web-1  | #1 [internal] load build definition from Dockerfile",
    "2024-05-22T12:01:02Z Step 1/2 : FROM a",
    '{"stream": "Step 1/2 : FROM a"}',
    "x {",
    "}",
    "------",
    "a" * 64,
    "\u200b#1 [internal] load build definition from Dockerfile",
    "^[[36m#1 [internal] load build definition from Dockerfile",
    "section_start:1716381826:build\r\x1b[0K",
    "2024-05-22T12:43:46.962650Z 00O+text",
    "Building something for linux/amd64 with +build | --> RUN make",
    "buildkitd | Found buildkit daemon",
    "[&#35;1 [internal] load build definition](https://example.org)",
]
ENDINGS = [
    "failed to solve: process did not complete",
    "failed to compute cache key",
    "user@host:~$ docker build .",
    "context canceled",
]
TIMED = [
    "12:01:02 #5 CACHED",
    "2024-05-22T12:01:02Z  => CACHED [2/3] RUN a",
    "[12:01:02] Removing intermediate container",
]
OTHERS = [*INERT, *TIMED, *MEANT[-4:], "------", "docker ps", '{"msg": "hello"}', "x {", "> quoted", "#7 is fixed"]


class ThoroughLanes(Lanes):
    """Lanes that know no shortcut."""

    def shortcut(self, line: str, *, whole: bool = True) -> Shortcut | None:
        return None


class Thorough(Reader):
    """A reader that looks at every line."""

    def __init__(self) -> None:
        super().__init__()
        self._lanes = ThoroughLanes()

    def _whole_objects(self, lines: list[str], place: int) -> tuple[list[dict[str, Any]], int]:
        return [], 0


def read(reader: Reader, log: bytes, size: int = 1 << 20) -> tuple[list[Build], list[StepSeen], set[str]]:
    seen = []
    for start in range(0, len(log), size):
        seen += reader.feed(log[start : start + size])
    seen += reader.flush()
    return reader.builds, seen, reader.foreign


def as_api(text: str) -> str:
    return "".join(json.dumps({"stream": line}) + "\n" for line in text.splitlines(keepends=True))


def as_driver(text: str) -> str:
    time = "2024-05-22T12:43:46.962646Z"
    return "".join(json.dumps({"log": line, "stream": "stderr", "time": time}) + "\n" for line in text.splitlines(True))


def as_records(text: str) -> str:
    return "".join(json.dumps({"level": "info", "msg": line, "n": {"at": [1]}}) + "\n" for line in text.splitlines())


def with_others(text: str) -> str:
    """The log with lines of other programs, and output that steps may print, between its lines."""
    chosen = random.Random(text)
    lines = text.split("\n")
    for _ in range(min(40, 2 * len(lines))):
        lines.insert(chosen.randrange(len(lines) + 1), chosen.choice(OTHERS))
    return "\n".join(lines)


def with_text_around(text: str) -> str:
    return "\n".join([*OTHERS, text, *OTHERS, *OTHERS])


WAYS: list[Callable[[str], str]] = [str, with_others, with_text_around, as_api, as_driver, as_records]


@pytest.mark.parametrize("way", WAYS)
def test_a_log_reads_as_if_every_line_were_looked_at(way: Callable[[str], str]) -> None:
    different = []
    for path in LOGS:
        log = way(path.read_text(encoding="utf-8", errors="surrogateescape")).encode("utf-8", "surrogateescape")
        quick, thorough = read(Reader(), log), read(Thorough(), log)
        if quick[0] != thorough[0] or quick[1:] != thorough[1:]:
            different.append(path)
    assert LOGS and not different


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces_of_any_size_make_the_same_builds(size: int) -> None:
    for name in ("26.1.5-containerd/gist.rawjson.txt", "28.5.2/xattr.plain.txt", "20.10.24/gist.classic.txt"):
        log = (ROOT / "tests" / "data" / "progress" / name).read_bytes()
        assert read(Reader(), log, size) == read(Reader(), log)


@pytest.mark.parametrize("text", INERT)
def test_lines_of_other_programs_are_inert(text: str) -> None:
    assert is_inert(text) and is_inert_after_build(text)


@pytest.mark.parametrize("text", MEANT)
def test_lines_that_may_mean_something_are_not(text: str) -> None:
    assert not is_inert(text) and not is_inert_after_build(text)


@pytest.mark.parametrize("text", ENDINGS)
def test_lines_that_end_a_build_mean_nothing_without_one(text: str) -> None:
    assert is_inert(text) and not is_inert_after_build(text)


class Counting(Reader):
    """A reader that counts the lines that it looks at closely."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_at = 0

    def _line(self, raw: str) -> list[StepSeen]:
        self.looked_at += 1
        return super()._line(raw)


HEAD = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [2/2] RUN a\n"
CLASSIC = "Step 1/2 : FROM a\n ---> aaaaaaaaaaaa\nStep 2/2 : RUN make\n ---> Running in 0a1b2c3d4e5f\n"
KANIKO = "INFO[0001] Building stage 'a' [idx: '0', base-idx: '-1']\nINFO[0003] RUN make\n"
MANY = "".join(f"gcc -c file{number}.c -o file{number}.o\n" for number in range(1000))


@pytest.mark.parametrize(
    "log",
    [
        HEAD + "".join(f"#2 {number}.1 gcc\n" for number in range(1000)),
        CLASSIC + MANY,
        as_api(CLASSIC + MANY),
        "STEP 1/2: FROM a\nSTEP 2/2: RUN make\n" + MANY,
        KANIKO + MANY,
        MANY,
        HEAD + "#2 DONE 1.0s\n\n" + MANY,
        as_records(MANY),
    ],
)
def test_few_lines_of_a_long_log_are_looked_at(log: str) -> None:
    reader = Counting()
    reader.feed(log)
    reader.flush()
    assert reader.looked_at < 20


def test_a_line_of_a_build_behind_a_time_is_read_after_other_text() -> None:
    log = HEAD + "make all\n" * 3 + "2024-05-22T12:01:02Z #2 CACHED\n"
    [build] = read(Reader(), log.encode())[0]
    assert [step.outcome for step in build.steps] == [Outcome.HIT]


def test_few_lines_of_a_long_rawjson_log_are_looked_at() -> None:
    vertex = {"digest": "sha256:" + "a" * 64, "name": "[2/2] RUN a", "started": "2026-01-02T03:04:05Z"}
    log = {"vertex": vertex["digest"], "stream": 1, "data": "aGVsbG8K", "timestamp": "2026-01-02T03:04:05Z"}
    for indent in (None, 2):
        begun = json.dumps({"vertexes": [vertex]}, indent=indent) + "\n"
        reader = Counting()
        reader.feed(begun + (json.dumps({"logs": [log]}, indent=indent) + "\n") * 1000)
        reader.feed(json.dumps({"vertexes": [vertex | {"completed": "2026-01-02T03:04:09Z"}]}, indent=indent) + "\n")
        reader.flush()
        [build] = reader.builds
        assert [step.seconds for step in build.steps] == [4.0] and reader.looked_at < 20
