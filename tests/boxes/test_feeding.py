"""The input of a command behind ssh, against a real sshd on loopback, and the words of rsync."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Command
from lab.boxes.feeding import rsync
from lab.boxes.ssh import SshBox
from lab.errors import BoxError, ContextError
from tests.boxes.test_ssh import box, sshd

__all__ = ["box", "sshd"]  # the fixtures


def test_an_input_arrives_whole(box: SshBox) -> None:
    chunks = [os.urandom(100_000) for _ in range(30)]
    result = box.feed(Command(("sh", "-c", "cat; echo end >&2; exit 3")), iter(chunks))
    assert (result.exit, result.stdout, result.stderr) == (3, b"".join(chunks), b"end\n")


def test_a_command_that_does_not_read_its_input_is_no_broken_connection(box: SshBox) -> None:
    result = box.feed(Command(("sh", "-c", "echo no space >&2; exit 2")), [bytes(1 << 20)] * 8)
    assert (result.exit, result.stderr) == (2, b"no space\n")
    assert box.run(["true"]).ok


def test_an_input_that_fails_ends_the_command(box: SshBox) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a"
        raise ContextError("cannot read a")

    with pytest.raises(ContextError, match="cannot read a"):
        box.feed(Command(("cat",)), chunks())
    assert box.run(["true"]).ok


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_rsync_goes_through_the_boxes_own_ssh(box: SshBox, tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "from/a").write_text("a")
    (tmp_path / "names").write_bytes(b"a\0")
    result = box.copy_tree(tmp_path / "from", tmp_path / "names", PurePosixPath(tmp_path / "to"), 60)
    assert result.ok, result.stderr
    assert (tmp_path / "to/a").read_text() == "a"
    assert result.command.argv[-1] == f"{box.login().argv[-1]}:{tmp_path / 'to'}/"


def test_the_words_of_rsync() -> None:
    command = rsync(Path("/from"), Path("/names"), "/to", 5, ("ssh", "-p", "22", "me@host"))
    assert command.argv == (
        *("rsync", "-a", "--timeout=60", "--from0", "--files-from=/names", "-e", "ssh -p 22", "/from/", "me@host:/to/"),
    )


def test_a_box_that_lab_writes_nothing_on_takes_no_input() -> None:
    from lab.boxes.openssh import OpenSshBox

    with pytest.raises(BoxError, match="cannot send to there"):
        OpenSshBox("there").feed(Command(("cat",)), [b"a"])
