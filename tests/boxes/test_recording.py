"""A recorded box is the box that it wraps in everything but the record."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from lab.boxes.address import Address
from lab.boxes.base import Box
from lab.boxes.local import LocalBox
from lab.boxes.recording import RecordingBox
from lab.boxes.ssh import SshBox
from lab.boxes.transcript import Transcript

# These call `execute`, which is recorded.
MADE_OF_OTHERS = {"run", "check"}
METHODS = sorted(name for name, _ in inspect.getmembers(Box, inspect.isfunction) if not name.startswith("_"))


@pytest.mark.parametrize("method", sorted(set(METHODS) - MADE_OF_OTHERS))
def test_no_method_of_a_box_is_left_to_the_base_class(method: str) -> None:
    """What the base class does concerns this machine, and not the machine that is recorded."""
    assert method in vars(RecordingBox)


def test_a_secret_that_begins_with_another_one_is_hidden_whole(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "transcript.jsonl", "run")
    box = RecordingBox(LocalBox("here"), transcript)
    box.hide(b"hunter2", b"[short]")
    box.hide(b"hunter2-and-more", b"[long]")
    assert box.run(["echo", "hunter2-and-more", "hunter2"]).stdout == b"[long] [short]\n"
    transcript.close()


def test_a_shell_opens_on_the_machine_that_is_recorded(tmp_path: Path) -> None:
    """`repro --debug` asks a recorded box for its shell."""
    host = SshBox("guest", Address(host="guest.example", user="me"), tmp_path / "known")
    transcript = Transcript(tmp_path / "t.jsonl", "a run")
    box = RecordingBox(host, transcript)
    transcript.close()
    (tmp_path / "known").write_text("guest.example ssh-ed25519 AAAA\n")
    assert box.shell("cd /x") == host.shell("cd /x")
    assert box.shell("cd /x").argv[0] == "ssh" and box.login().argv[0] == "ssh"
