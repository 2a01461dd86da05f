"""Whose fault a failed command is: the engine and the registry are asked, and real programs answer."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.errors import BoxError, CommandError, EngineError, Fault, LabError, RegistryError, exit_code_of
from lab.registry.credentials import Credentials
from lab.registry.server import Registry
from lab.results.facts import BuildResult, CacheImport
from lab.run.faults import explain_failure, translate, unread_because

ALIVE = Engine("e", ("true",), "1", "1", "c")
DEAD = Engine("e", ("false",), "1", "1", "c", log=("echo", "panic: out of memory"))
FAILED = CommandError("cannot build the image on local: exit status 1", output='"/nowhere" not found: not found')


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[Registry]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Registry(f"localhost:{server.server_port}", "docker-registry", server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def silent() -> Registry:
    """A registry at a port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Registry(f"localhost:{port}", "docker-registry", port)


class Gone(Box):
    """A box that cannot be reached any more."""

    name = "gone"

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        raise BoxError("cannot reach gone: no route to host")

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise BoxError("cannot reach gone: no route to host")


def test_where_engine_and_registry_answer_it_is_the_commands(registry: Registry) -> None:
    fault, text = explain_failure(LocalBox(), ALIVE, registry, FAILED)
    assert (fault, text) == (Fault.COMMAND, f'{FAILED.message}\n"/nowhere" not found: not found')


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("failed to do request: Head https://registry-1.docker.io/v2/docker/dockerfile-copy/manifests/v0.1.9", True),
        ("docker.io/docker/dockerfile-copy:v0.1.9: lookup registry-1.docker.io: no such host", True),
        ("#8 resolve docker.io/docker/dockerfile-copy:v0.1.9 done", False),
    ],
)
def test_a_copy_without_its_helper_image_is_explained(registry: Registry, output: str, said: bool) -> None:
    """The texts are written, not recorded: Docker 18.09 prints them where it has no network."""
    old = Engine("18.09.9", ("true",), "18.09.9", "18.09.9", "c")
    fault, text = explain_failure(LocalBox(), old, registry, CommandError("cannot build", output=output))
    assert fault is Fault.COMMAND
    assert ("Docker 18.09.9 makes COPY and ADD in a container of the image docker.io/docker" in text) is said


def test_an_engine_that_does_not_answer_shows_its_log(registry: Registry) -> None:
    fault, text = explain_failure(LocalBox(), DEAD, registry, FAILED)
    assert fault is Fault.ENGINE
    assert text.splitlines()[-2:] == ["the end of its log:", "panic: out of memory"]


def test_an_engine_without_a_log_is_known_to_be_dead_too(registry: Registry) -> None:
    fault, _ = explain_failure(LocalBox(), Engine("installed", ("false",), "1", "1", "c"), registry, FAILED)
    assert fault is Fault.ENGINE


def test_a_registry_that_does_not_answer(silent: Registry) -> None:
    fault, text = explain_failure(LocalBox(), ALIVE, silent, FAILED)
    assert fault is Fault.REGISTRY
    assert text.endswith(f"the registry {silent.prefix} does not answer")


@pytest.mark.parametrize(
    "output",
    [
        'Get "http://localhost:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused',
        'failed to do request: Head "http://localhost:5000/v2/lab-base/manifests/sha256:e8": dial tcp 127.0.0.1:5000: '
        "connect: connection refused",
    ],
)
def test_a_registry_that_a_box_cannot_connect_to(output: str) -> None:
    """Real output of Docker 20.10.24, for push and for FROM; the way to the registry may be lost on the box alone."""
    there = Registry("localhost:5000", "external")  # not asked from here
    fault, _ = explain_failure(LocalBox(), ALIVE, there, CommandError("cannot push", output=output))
    assert fault is Fault.REGISTRY
    other = Registry("localhost:5001", "external")
    fault, _ = explain_failure(LocalBox(), ALIVE, other, CommandError("cannot push", output=output))
    assert fault is Fault.COMMAND


PULLED = "pulling from host localhost:5002 failed with status code [manifests sha256:b2]: 500 Internal Server Error"


@pytest.mark.parametrize(
    ("message", "output", "fault"),
    [
        (
            "cannot build the image",
            f"#3 [internal] load metadata for localhost:5002/lab-base\n#3 ERROR: {PULLED}",
            "registry",
        ),
        ("cannot push the image", "received unexpected HTTP status: 500 Internal Server Error", "registry"),
        ("cannot push the image", "toomanyrequests: slow down", "registry"),
        ("cannot pull the image", "unexpected EOF", "registry"),
        ("cannot build the image", "#7 0.215 npm error: localhost:5002: 500 Internal Server Error", "command"),
        ("cannot build the image", "#7 0.215 npm error: unexpected EOF", "command"),
        ("cannot build the image", "example.org/base:1: 500 Internal Server Error", "command"),
    ],
)
def test_an_error_that_the_registry_answers_is_the_registrys(message: str, output: str, fault: str) -> None:
    """The first output is a real one of Docker 20.10.24."""
    there = Registry("localhost:5002/team", "external")  # not asked from here
    found, text = explain_failure(LocalBox(), ALIVE, there, CommandError(f"{message} on left", output=output))
    assert found == fault
    assert ("the registry localhost:5002/team answers with an error: " in text) is (fault == "registry")


def test_labs_own_registry_that_does_not_ask_for_its_password_has_the_fault() -> None:
    """The output is a real one of Docker 20.10.24, whose first request this registry answered with status 500."""
    output = "The push refers to repository [localhost:5000/lab]\nunauthorized: authentication required\n"
    error = CommandError("cannot push the image on left", output=output)
    own = Registry("localhost:5000", "docker-registry", credentials=Credentials.random())
    fault, text = explain_failure(LocalBox(), ALIVE, own, error)
    assert fault is Fault.REGISTRY
    assert text.endswith("localhost:5000 answers with an error: unauthorized: authentication required")
    somebodys = Registry("example.org", "external")  # the user's own login may be wrong
    assert explain_failure(LocalBox(), ALIVE, somebodys, error)[0] is Fault.COMMAND


def test_the_end_of_the_registrys_log_is_shown(silent: Registry, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"line {number}\n" for number in range(100)))
    logged = replace(silent, log=tmp_path / "log")
    lines = explain_failure(LocalBox(), ALIVE, logged, FAILED)[1].splitlines()
    assert lines[-2:] == ["line 98", "line 99"]
    assert lines.index("the end of its log:") == len(lines) - 16
    (tmp_path / "log").unlink()
    assert explain_failure(LocalBox(), ALIVE, logged, FAILED)[1].endswith("does not answer")


def test_a_registry_that_answers_with_another_status_is_named_with_it() -> None:
    class Failing(Answering):
        def do_GET(self) -> None:
            self.send_error(500)

    with http.server.HTTPServer(("127.0.0.1", 0), Failing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        there = Registry(f"localhost:{server.server_port}", "docker-registry", server.server_port)
        fault, text = explain_failure(LocalBox(), ALIVE, there, FAILED)
        server.shutdown()
        thread.join()
    assert (fault, text.splitlines()[-1]) == (Fault.REGISTRY, f"the registry {there.prefix} answers with status 500")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("failed to copy: unexpected EOF", "the registry localhost:5002 answers with an error"),
        ("invalid cache manifest", None),
        (None, None),
    ],
)
def test_whose_fault_a_cache_is_that_could_not_be_read(error: str | None, why: str | None) -> None:
    build = BuildResult(steps=(), imports=(CacheImport(ref="localhost:5002/a", ok=False, error=error),))
    assert unread_because(Registry("localhost:5002", "external"), build) == why


def test_a_cache_that_a_silent_registry_has_is_lost_with_it(silent: Registry) -> None:
    build = BuildResult(steps=(), imports=(CacheImport(ref="localhost:5002/a", ok=False),))
    assert unread_because(silent, build) == f"the registry {silent.prefix} does not answer"


@pytest.mark.parametrize(
    ("used", "output", "said"),
    [
        ("100%", "sh: 3: printf: printf: I/O error", True),  # real output of dash
        ("99%", "sh: 3: printf: printf: I/O error", False),
        ("100%", "sh: 3: nothing: not found", False),
    ],
)
def test_a_full_disk_of_the_box_is_named(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: str, output: str, said: bool
) -> None:
    """`df` stands in for one that looks at a full disk."""
    (tmp_path / "df").write_text(f"#!/bin/sh\necho 'tmpfs 16384 16384 0 {used} /home'\n")
    (tmp_path / "df").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    fault, text = explain_failure(LocalBox("left"), ALIVE, registry, CommandError("cannot write", output=output))
    assert fault is Fault.COMMAND
    assert text.endswith("the disk of the home folder of left is full") is said


def test_a_box_that_is_lost(registry: Registry) -> None:
    lost = BoxError("cannot reach gone")
    assert explain_failure(Gone(), ALIVE, registry, lost) == (Fault.BOX, "cannot reach gone")
    fault, text = explain_failure(Gone(), ALIVE, registry, FAILED)  # lost after the command
    assert (fault, text.splitlines()[-1]) == (Fault.BOX, "cannot reach gone: no route to host")


def test_an_error_takes_the_kind_of_whose_fault_it_is(registry: Registry, silent: Registry) -> None:
    kinds = [
        type(translate(LocalBox(), engine, store, FAILED))
        for engine, store in ((ALIVE, registry), (DEAD, registry), (ALIVE, silent))
    ]
    assert kinds == [CommandError, EngineError, RegistryError]
    error: LabError = translate(LocalBox(), DEAD, registry, FAILED)
    assert error.message == FAILED.message
    assert error.tail()[-1] == "panic: out of memory"


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ([], None),
        ([Fault.OUTPUT], 10),
        ([Fault.COMMAND, Fault.OUTPUT], 8),
        ([Fault.COMMAND, Fault.REGISTRY], 9),
        ([Fault.REGISTRY, Fault.ENGINE], 7),
        ([Fault.OUTPUT, Fault.ENGINE, Fault.BOX], 6),
    ],
)
def test_the_first_cause_gives_the_exit_code(faults: list[Fault], code: int | None) -> None:
    assert exit_code_of(faults) == code


FAILED_RUN = """\
#7 [build 2/2] RUN npm ci
#7 0.215 npm error: no lock file
#7 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1
------
 > [build 2/2] RUN npm ci:
0.215 npm error: no lock file
------
"""


def test_what_a_failed_run_printed_is_shown_before_what_buildkit_adds(registry: Registry) -> None:
    error = CommandError(
        "cannot build", output=FAILED_RUN + "\n".join(f"Dockerfile:{n}" for n in range(20)), hint="try"
    )
    lines = explain_failure(LocalBox(), ALIVE, registry, error)[1].split("\n")
    assert lines[1:3] == [" > [build 2/2] RUN npm ci:", "0.215 npm error: no lock file"]
    assert lines[-2:] == ["Dockerfile:19", "hint: try"]


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("------\n > [internal] load metadata for docker.io/library/node:18:\n------\n", "node:18"),
        ("------\n > [deps internal] load metadata for quay.io/a/b:1:\n------\n", "quay.io/a/b:1"),
        ("pull access denied for mine, repository does not exist\n", "mine"),
        ("manifest for busybox:99 not found: manifest unknown\n", "busybox:99"),
    ],
)
def test_an_image_that_cannot_be_pulled_is_named_with_the_option(registry: Registry, output: str, name: str) -> None:
    text = explain_failure(LocalBox(), ALIVE, registry, CommandError("cannot build", output=output))[1]
    assert f"the image {name} could not be pulled: --base {name}=IMAGE builds with another" in text
    read = "#2 [internal] load metadata for docker.io/library/node:18\n#2 DONE 0.1s\n"
    assert "--base" not in explain_failure(LocalBox(), ALIVE, registry, CommandError("x", output=read))[1]


@pytest.mark.parametrize("scheme", ["", "docker-image://"])
def test_a_frontend_that_cannot_be_pulled_is_named_with_the_option(registry: Registry, scheme: str) -> None:
    """20.10.24 prints the name without a scheme, 28.5.2 with one."""
    output = f"------\n > resolve image config for {scheme}docker.io/docker/dockerfile:1:\n------\n"
    text = explain_failure(LocalBox(), ALIVE, registry, CommandError("cannot build", output=output))[1]
    assert "the frontend docker/dockerfile:1 could not be pulled: --base docker/dockerfile:1=builtin" in text
