"""The door to the shell: commands reach a program argument by argument, and what it says comes back byte by byte."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.boxes import process
from lab.boxes.base import Command, Result
from lab.boxes.local import LocalBox
from lab.boxes.process import Child
from lab.errors import CommandError, HostError
from lab.workers import wait_for
from tests.conftest import HANGS

pytestmark = pytest.mark.slow

BOX = LocalBox("here")
ARGUMENTS = """for word do printf '%s\\0' "$word"; done"""
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


# --- one command, quoted


def test_a_command_reads_as_a_person_would_type_it() -> None:
    command = Command(("docker", "build", "a b", "it's"), {"X": "1 2"}, PurePosixPath("/tmp/a b"))
    assert command.line() == """cd '/tmp/a b' && X='1 2' docker build 'a b' 'it'"'"'s'"""
    assert Command(("ls",)).line() == "ls"


def test_a_guarded_command_has_the_c_locale_and_a_time_limit() -> None:
    command = Command(("ls", "-l"), {"X": "1 2"}, PurePosixPath("/tmp"), timeout=2.5)
    assert command.guarded() == "cd /tmp && env LC_ALL=C X='1 2' timeout -k 10 2.5 ls -l </dev/null; exit $?"


@settings(max_examples=30)
@given(st.lists(WORDS, max_size=6))
def test_any_arguments_survive_the_shell(words: list[str]) -> None:
    argv = ("sh", "-c", ARGUMENTS, "sh", *words)  # a shell starts ten times as fast as Python
    done = subprocess.run(["sh", "-c", Command(argv).guarded()], capture_output=True, check=True)
    assert done.stdout == b"".join(word.encode() + b"\0" for word in words)


@settings(max_examples=15)
@given(WORDS)
def test_any_variable_survives_the_shell(value: str) -> None:
    command = Command(("printenv", "-0", "LAB_TEST"), {"LAB_TEST": value})
    done = subprocess.run(["sh", "-c", command.guarded()], capture_output=True, check=True)
    assert done.stdout == value.encode() + b"\0"


def test_the_shell_keeps_the_time_limit_and_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    line = Command(("pwd",), cwd=PurePosixPath(folder)).guarded()
    assert subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout == f"{folder}\n"
    line = Command(("sleep", "100000"), timeout=0.2).guarded()
    assert subprocess.run(["sh", "-c", line], check=False).returncode == 124
    line = Command(("true",), cwd=PurePosixPath(tmp_path / "none")).guarded()
    assert subprocess.run(["sh", "-c", line], check=False, stderr=subprocess.DEVNULL).returncode not in (0, 124, 127)


# --- this machine


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_the_exit_status_comes_back(status: int) -> None:
    result = BOX.run(["sh", "-c", f"exit {status}"])
    assert (result.exit, result.ok) == (status, status == 0)


def test_output_is_bytes_and_text() -> None:
    result = BOX.run(["sh", "-c", r"printf 'gr\303\274n\r\n\n'; printf '\377\000' >&2"])
    assert (result.stdout, result.stderr) == (b"gr\xc3\xbcn\r\n\n", b"\xff\x00")
    assert result.text == "grün\r"
    assert result.output == b"gr\xc3\xbcn\r\n\n\xff\x00"


def test_output_larger_than_a_pipe_is_whole() -> None:
    result = BOX.run(["sh", "-c", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"])
    assert (len(result.stdout), len(result.stderr)) == (300_000, 300_000)


def test_the_input_is_empty() -> None:
    assert BOX.run(["cat"]).stdout == b""


def test_a_program_that_is_not_there_is_127() -> None:
    result = BOX.run(["lab-no-such-program"])
    assert (result.exit, result.stderr) == (127, b"lab-no-such-program: No such file or directory\n")


def too_slow(script: str) -> Result:
    """What a script printed that does not end; a machine under load gets more time until it has printed something."""
    return next(
        result for limit in (1, 10, 100, HANGS) if (result := BOX.run(["sh", "-c", script], timeout=limit)).stdout
    )


def test_too_long_is_124_and_the_program_is_ended() -> None:
    result = too_slow("echo $$; exec sleep 100000")
    assert result.exit == 124
    assert not psutil.pid_exists(int(result.text))


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux says when a process ends")
def test_the_end_of_a_command_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        raise AssertionError(f"looks again only after {seconds} s")

    monkeypatch.setattr(time, "sleep", sleep)  # by which Popen.wait looks again and again
    assert BOX.run(["sleep", "0.1"]).ok


def test_a_program_that_does_not_listen_is_killed_and_was_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    # patched for a test of two seconds: it is ten
    monkeypatch.setattr(process, "KILL_SECONDS", 1)
    with pytest.raises(CommandError) as caught:
        BOX.check(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], doing="wait", timeout=0.3)
    assert caught.value.message.startswith("cannot wait on here: it did not end within 0.3 s: `sh -c ")


def test_a_program_that_something_else_killed_was_not_too_slow() -> None:
    result = BOX.run(["sh", "-c", "kill -9 $$"])
    assert (result.exit, result.timed_out) == (137, False)
    with pytest.raises(CommandError) as caught:
        BOX.check(["sh", "-c", "kill -9 $$"], doing="count")
    message = "cannot count on here: exit status 137 (killed, possibly because memory ran out): `sh -c 'kill -9 $$'`"
    assert caught.value.message == message


def test_what_a_program_started_ends_with_it() -> None:
    result = too_slow("sleep 100000 & echo $!; wait")
    child = int(result.text)
    try:
        assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    finally:
        if psutil.pid_exists(child):
            psutil.Process(child).kill()


def test_what_sudo_runs_is_ended_by_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sudo").write_text('#!/bin/sh\n[ "$1" = -n ] && shift\n"$@"\n', encoding="utf-8")
    (tmp_path / "sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def denied(self: psutil.Process, number: int) -> None:
        raise psutil.AccessDenied(self.pid)

    # patched: root may signal every program, so root's tests never meet what a plain user does
    monkeypatch.setattr(psutil.Process, "send_signal", denied)
    result = too_slow("sleep 100000 & echo $!; wait")
    assert result.exit == 124
    assert not alive(int(result.text))


def test_a_daemon_left_behind_does_not_hold_the_command_up() -> None:
    result = BOX.run(["sh", "-c", "sleep 100000 & echo $!"], timeout=90_000)
    psutil.Process(int(result.text)).kill()  # it still runs: nobody has waited for it
    assert result.exit == 0


def test_output_is_heard_while_it_comes(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []

    def hear(name: str, data: bytes) -> None:
        heard.append((name, data))
        (tmp_path / "heard").touch()  # the command goes on only now

    script = f"printf one; until test -e {tmp_path}/heard; do sleep 0.05; done; printf two >&2"
    assert BOX.run(["sh", "-c", script], on_output=hear).ok
    assert heard == [("stdout", b"one"), ("stderr", b"two")]


def test_a_listener_that_fails_ends_the_command_and_is_heard_of() -> None:
    heard = []

    def fail(name: str, data: bytes) -> None:
        heard.append(data)
        raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError, match="stderr"):
        BOX.run(["sh", "-c", "sleep 100000 & echo $! $$ >&2; wait"], on_output=fail, timeout=90_000)
    assert not [pid for pid in map(int, heard[0].split()) if alive(pid)]


def alive(pid: int) -> bool:
    """True if the process runs: one that nobody has waited for yet does not."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_variables_are_added_and_the_locale_is_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LAB_KEPT", "kept")
    result = BOX.run(["sh", "-c", 'echo "$LC_ALL $LAB_KEPT $LAB_NEW"'], env={"LAB_NEW": "new one"})
    assert result.text == "C kept new one"


def test_the_folder_is_the_one_asked_for(tmp_path: Path) -> None:
    assert BOX.run(["pwd"], cwd=PurePosixPath(tmp_path)).text == str(tmp_path)


def test_a_command_that_must_succeed_says_what_it_was_for() -> None:
    with pytest.raises(CommandError) as caught:
        BOX.check(["sh", "-c", "echo out; echo err >&2; exit 3"], doing="try it", hint="think", env={"A": "1"})
    message = "cannot try it on here: exit status 3: `A=1 sh -c 'echo out; echo err >&2; exit 3'`"
    assert (caught.value.message, caught.value.hint) == (message, "think")
    assert caught.value.tail() == ["out", "err"]
    with pytest.raises(CommandError) as caught:
        BOX.check(["sleep", "60"], doing="wait", timeout=0.2)
    assert caught.value.message == "cannot wait on here: it did not end within 0.2 s: `sleep 60`"
    with pytest.raises(CommandError) as caught:
        BOX.check(["lab-none"], doing="call it")
    assert caught.value.message.startswith("cannot call it on here: `lab-none` does not exist there")
    assert BOX.check(["echo", "yes"], doing="speak").text == "yes"


def test_a_folder_that_is_not_there_is_not_taken_for_the_program(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        BOX.check(["true"], doing="go there", cwd=PurePosixPath(tmp_path / "none"))
    assert "`true` does not exist there" not in caught.value.message


def test_a_file_is_put_whole(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)))
    target = tmp_path / "new" / "folder" / "target"
    BOX.put(source, PurePosixPath(target))
    assert target.read_bytes() == bytes(range(256))
    assert [path.name for path in target.parent.iterdir()] == ["target"]
    with pytest.raises(HostError) as caught:
        BOX.put(tmp_path / "none", PurePosixPath(target))
    assert caught.value.message == f"cannot copy {tmp_path / 'none'} to {target}: No such file or directory"


# --- programs beside lab


def test_a_child_runs_beside_and_ends_when_told(tmp_path: Path) -> None:
    child = Child(["sh", "-c", "echo hello $LAB_X; exec sleep 60"], tmp_path / "logs" / "log", env={"LAB_X": "you"})
    wait_for("its word", lambda: True if child.output() == "hello you\n" else child.output(), timeout=60, every=0.02)
    assert child.alive()
    assert psutil.pid_exists(child.pid)
    child.stop()
    assert not child.alive()
    child.stop()  # harmless


def test_a_child_that_is_no_program_is_an_error_of_the_host(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        Child([str(tmp_path / "none")], tmp_path / "log")
    assert caught.value.message == f"cannot start {tmp_path / 'none'}: No such file or directory"


# --- an input


def test_an_input_arrives_whole() -> None:
    chunks = [bytes([number % 256]) * 70_000 for number in range(20)]
    result = BOX.feed(Command(("sh", "-c", "cat")), iter(chunks))
    assert (result.exit, result.stdout) == (0, b"".join(chunks))


def test_a_program_that_does_not_read_its_input_is_no_failure() -> None:
    assert BOX.feed(Command(("false",)), [bytes(1 << 20)] * 4).exit == 1


def test_an_input_that_fails_ends_the_program() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a"
        raise HostError("cannot read a")

    with pytest.raises(HostError, match="cannot read a"):
        BOX.feed(Command(("cat",)), chunks())
