"""Why a log holds no step, from what builders and programs are known to print."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma

import pytest

from lab.buildkit.progress.stepless import Stepless, Why

NOT_FOUND = "failed to solve: node:99: failed to resolve source metadata for docker.io/library/node:99: not found"
VERTEX = "docker.io/library/node:99: not found"


def why(data: bytes, size: int = 1 << 20) -> Why:
    stepless = Stepless()
    for at in range(0, len(data), size):
        stepless.feed(data[at : at + size])
    return stepless.flush()


@pytest.mark.parametrize("prefix", ["", "2026-11-28T09:05:00.0Z ", "#12 web | "])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_the_builders_last_words_come_before_the_error_of_a_vertex(prefix: str, size: int) -> None:
    lines = ["#2 [internal] load metadata for docker.io/library/node:99", f"#2 ERROR: {VERTEX}", f"ERROR: {NOT_FOUND}"]
    found = why("".join(f"{prefix}{line}\n" for line in lines).encode(), size)
    assert (found.failed, found.error) == (True, f"ERROR: {NOT_FOUND}")


@pytest.mark.parametrize(
    "line",
    [
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "ERROR: Cannot connect to the Docker daemon at tcp://docker:2375. Is the docker daemon running?",
        "error during connect: Get http://docker:2375/_ping: dial tcp: lookup docker: no such host",
        'unable to prepare context: path "nothing" not found',
        "Error response from daemon: dockerfile parse error line 3: unknown instruction: RUNN",
        "ERROR: failed to build: failed to solve: dockerfile parse error on line 3: unknown instruction: RUNN",
        "target web: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
        "ERROR: permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
    ],
)
def test_words_with_which_a_build_ends_before_its_first_step(line: str) -> None:
    found = why(f"$ make image\n\x1b[31m{line}\x1b[0m\nmake: *** [image] Error 1\n".encode())
    assert (found.failed, found.error) == (True, line)


@pytest.mark.parametrize(
    "line",
    [
        f"#2 ERROR: {VERTEX}",
        json.dumps({"vertexes": [{"digest": "sha256:0", "name": "[internal] load metadata", "error": VERTEX}]}),
        json.dumps({"log": f"#2 ERROR: {VERTEX}\n", "stream": "stderr", "time": "2026-11-28T09:05:00Z"}),
    ],
)
def test_the_error_of_a_vertex_counts_where_the_last_words_are_missing(line: str) -> None:
    found = why(line.encode())
    assert (found.failed, found.error) == (True, f"ERROR: {VERTEX}")


def test_an_error_of_another_program_does_not_say_that_a_build_failed() -> None:
    found = why(b"compiling\nerror: expected ; at line 3\n")
    assert (found.failed, found.error) == (False, "error: expected ; at line 3")


@pytest.mark.parametrize(("pack", "by"), [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")])
def test_a_compressed_log_is_known_by_its_first_bytes(pack: object, by: str) -> None:
    assert callable(pack)
    found = why(pack(b"#5 [2/2] RUN true\n"), size=1)
    assert found.packed is not None
    assert found.packed[0] == by


def test_digests_alone_are_what_quiet_prints() -> None:
    line = b"sha256:" + b"0f" * 32 + b"\n"
    assert why(line * 2).quiet
    assert not why(line + b"done\n").quiet
    assert not why(b"").quiet


@pytest.mark.parametrize(("data", "empty"), [(b"", True), (b"\n \r\n", True), (b"x", False)])
def test_a_log_without_any_text_is_empty(data: bytes, empty: bool) -> None:
    assert why(data).empty is empty
