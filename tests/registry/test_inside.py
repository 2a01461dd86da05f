"""The registry as a program of a box; here the box is this machine, and the program is the real one."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Command
from lab.boxes.local import LocalBox
from lab.errors import CommandError
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
