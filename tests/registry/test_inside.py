"""The registry as a program of a box; here the box is this machine, and the program is the real one."""

from __future__ import annotations

import shutil
import stat
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path, PurePosixPath
from typing import ClassVar

import pytest

from lab.boxes.base import Command
from lab.boxes.local import LocalBox
from lab.errors import CommandError, RegistryError
from lab.registry import inside as where
from lab.registry.credentials import Credentials
from lab.registry.inside import inside, program_of
from lab.registry.server import PROGRAMS
from lab.registry.serving import status
from tests.registry.test_server import free_port


class Watched(LocalBox):
    """A box that keeps every command that it got."""

    def __init__(self) -> None:
        super().__init__("box")
        self.commands: list[Command] = []

    def execute(self, command: Command, on_output=None):  # type: ignore[no-untyped-def]
        self.commands.append(command)
        return super().execute(command, on_output)

    def feed(self, command: Command, chunks):  # type: ignore[no-untyped-def]
        self.commands.append(command)
        return super().feed(command, chunks)


def test_it_serves_its_user_alone_and_leaves_nothing(tmp_path: Path) -> None:
    box, credentials, port, folder = Watched(), Credentials.random(), free_port(), tmp_path / "a b"
    program = program_of(box, PROGRAMS)
    assert program in PROGRAMS
    for _ in range(2):
        with inside(box, program, port, credentials, PurePosixPath(folder)):
            assert (status(port, credentials), status(port, None)) == (200, 401)
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("config.yml", "users")} == {0o600}
        assert not folder.exists()
    words = [word for command in box.commands for word in (*command.argv, *command.env.values())]
    assert not [word for word in words if credentials.password in word or "$2b$" in word]


def test_a_box_without_a_program_and_a_folder_of_somebody_else() -> None:
    assert program_of(LocalBox("box"), ["lab-has-no-such-program"]) == ""
    program = shutil.which("docker-registry") or "registry"
    place = PurePosixPath("/proc/lab-registry")
    with (
        pytest.raises(CommandError, match="cannot start the registry on box"),
        inside(LocalBox("box"), program, free_port(), Credentials.random(), place),
    ):
        pass


def test_the_password_does_not_go_to_another_program_that_has_the_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, "SECONDS", 1)
    program = next(name for name in PROGRAMS if shutil.which(name))
    folder = PurePosixPath(tmp_path / "registry")
    with HTTPServer(("127.0.0.1", 0), Asked) as theirs:
        thread = threading.Thread(target=theirs.serve_forever)
        thread.start()
        try:
            with (
                pytest.raises(RegistryError, match="it does not listen yet"),
                inside(LocalBox("here"), program, theirs.server_port, Credentials.random(), folder),
            ):
                pass
        finally:
            theirs.shutdown()
            thread.join()
    assert Asked.requests == []


class Asked(BaseHTTPRequestHandler):
    """A server that accepts everything and keeps what it was asked."""

    requests: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.requests.append(str(self.headers))
        self.send_response(200)
        self.end_headers()
