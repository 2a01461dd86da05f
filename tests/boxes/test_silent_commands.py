"""Commands that print nothing for too long, on this machine and behind a real sshd: they end, and say so."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path, PurePosixPath

import psutil
import pytest

from lab.boxes import feeding, process, silent_commands, ssh
from lab.boxes.base import Box, Command
from lab.boxes.local import LocalBox
from lab.boxes.ssh import SshBox
from lab.errors import BoxError, CommandError
from lab.notices import Notice, Silent, listening
from lab.silence import Silence
from lab.workers import wait_for
from tests.boxes.test_process import alive
from tests.boxes.test_ssh import Sshd, box, sshd

pytestmark = pytest.mark.slow

__all__ = ["box", "sshd"]  # the fixtures


@pytest.fixture(params=["here", "over ssh"])
def place(request: pytest.FixtureRequest) -> Box:
    """This machine, and a box that is reached by ssh."""
    found: Box = LocalBox("here") if request.param == "here" else request.getfixturevalue("box")
    return found


def test_a_silent_command_ends_with_what_it_started(place: Box) -> None:
    heard: list[Notice] = []
    with listening(heard.append):
        result = place.run(["sh", "-c", "echo $$; sleep 100000 & echo $!; wait"], silence=2)
    pids = [int(line) for line in result.text.splitlines()]
    assert (result.exit, result.timed_out, result.silent) == (124, True, 2)
    assert result.overrun == "it printed nothing for 2 s"
    assert result.command == Command(("sh", "-c", "echo $$; sleep 100000 & echo $!; wait"), silence=2)
    wait_for("their end", lambda: not any(map(alive, pids)) or "they run", timeout=120, every=0.05)
    # each silence of its own gives one: a slow machine may be silent before the first output too
    assert {(item.who, item.sign, item.limit) for item in heard if isinstance(item, Silent)} == {
        (place.name, "output", 2.0)
    }


class Counting(Silence):
    """A silence that counts its signs; `tests/test_silence.py` shows what a sign does."""

    signs = 0

    def heard(self) -> None:
        Counting.signs += 1
        super().heard()


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> type[Counting]:
    """The signs of all commands of the test."""
    monkeypatch.setattr(Counting, "signs", 0)
    for module in (process, silent_commands, feeding):
        monkeypatch.setattr(module, "Silence", Counting)
    return Counting


def test_each_output_is_a_sign(place: Box, signs: type[Counting], tmp_path: Path) -> None:
    def hear(name: str, data: bytes) -> None:
        (tmp_path / f"heard-{data.decode().strip()}").touch()  # the command goes on only now

    script = f"""for number in 1 2 3; do
  echo $number; until test -e {tmp_path}/heard-$number; do sleep 0.05; done
done"""
    result = place.run(["sh", "-c", script], silence=100_000, on_output=hear)
    assert (result.exit, result.silent, result.text.split()) == (0, None, ["1", "2", "3"])
    assert signs.signs == 3


def test_each_input_is_a_sign(place: Box, signs: type[Counting]) -> None:
    command = Command(("sh", "-c", "cat >/dev/null"), silence=100_000)
    assert place.feed(command, [b"a", b"b", b"c"]).ok
    assert signs.signs == 3


def test_a_command_that_must_succeed_says_that_it_was_silent(place: Box) -> None:
    with pytest.raises(CommandError) as caught:
        place.check(["sh", "-c", "echo begin; exec sleep 100000"], doing="build", silence=1)
    where = place.name
    assert caught.value.message == (
        f"cannot build on {where}: it printed nothing for 1 s: `sh -c 'echo begin; exec sleep 100000'`"
    )
    assert caught.value.tail()[0] == "begin"  # a shell may add that it was terminated
    assert caught.value.hint and "LAB_SILENCE=SECONDS" in caught.value.hint


def test_a_limit_on_length_is_told_apart(place: Box) -> None:
    result = place.run(["sleep", "100000"], timeout=1, silence=100_000)
    assert (result.exit, result.silent) == (124, None)
    assert result.overrun == "it did not end within 1 s"


def test_a_box_that_is_frozen_counts_as_dead(sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server of the connection is stopped, as a frozen machine is: nothing on it can be ended."""
    made = sshd.box("frozen")
    made.bring_up(lambda event: None)
    monkeypatch.setattr(silent_commands, "KILL_SECONDS", 0.1)  # patched for a test of seconds
    monkeypatch.setattr(ssh, "GRACE_SECONDS", -19)  # of the command that would end the silent one: one second
    assert sshd.child
    servers = psutil.Process(sshd.child.pid).children(recursive=True)
    mine = [item for item in servers if item.status() != psutil.STATUS_ZOMBIE]
    made.check(["true"], doing="see that it works")
    made._connect().transport.channel_timeout = 1
    try:
        for server in mine:
            with suppress(psutil.NoSuchProcess):  # the server of an earlier connection, which was ending
                server.send_signal(signal.SIGSTOP)
        with pytest.raises(BoxError, match="cannot reach frozen any more"):
            made.run(["sleep", "100000"], silence=1)
    finally:
        for server in mine:
            with suppress(psutil.NoSuchProcess):
                server.send_signal(signal.SIGCONT)
        made.close()


def test_the_mark_of_a_silent_command_is_in_no_message(box: SshBox) -> None:
    command = Command(("true",), silence=5)
    assert "LAB_COMMAND" not in command.line()
    assert "LAB_COMMAND=abc" in command.guarded(mark="abc")
    assert box.run(["printenv", "LAB_COMMAND"]).exit == 1
    assert box.run(["printenv", "LAB_COMMAND"], silence=60).exit == 0


def test_a_copy_that_the_box_does_not_take_is_ended(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "large"
    source.write_bytes(bytes(64 << 20))
    made = sshd.box("stuck")
    made.bring_up(lambda event: None)
    monkeypatch.setattr(ssh, "TRANSFER", 1.0)  # it is a minute
    made._connect().sftp()
    assert sshd.child
    servers = psutil.Process(sshd.child.pid).children(recursive=True)
    try:
        for server in servers:
            server.send_signal(signal.SIGSTOP)
        with pytest.raises(BoxError, match="cannot copy large to stuck: the box took no byte for 1 s"):
            made.put(source, PurePosixPath(tmp_path / "target"))
    finally:
        for server in servers:
            server.send_signal(signal.SIGCONT)
        made.close()
