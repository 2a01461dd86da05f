"""A host as the user's OpenSSH reaches it, against a real sshd on loopback."""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.openssh import OpenSshBox
from lab.errors import BoxError, HostError
from tests.boxes.test_ssh import Sshd, make_key


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def host(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenSshBox:
    """The name of a host in the user's own configuration, which `ssh` on PATH reads in place of the real one."""
    real = shutil.which("ssh")
    assert real, "apt-get install openssh-client: `make check` does"
    public = (sshd.folder / "host.pub").read_text(encoding="utf-8")
    (tmp_path / "known").write_text(f"[127.0.0.1]:{sshd.port} {public}")
    (tmp_path / "config").write_text(
        f"Host build7\n HostName 127.0.0.1\n Port {sshd.port}\n User {getpass.getuser()}\n"
        f" IdentityFile {sshd.folder / 'user'}\n UserKnownHostsFile {tmp_path / 'known'}\n"
    )
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ssh"
    program.write_text(f'#!/bin/sh\nexec {real} -F {tmp_path / "config"} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return OpenSshBox("build7")


def test_arguments_and_bytes_arrive_as_they_are(host: OpenSshBox, tmp_path: Path) -> None:
    odd = "a b'\"$x*\n\\"
    done = host.run(["printf", "%s\\0%s", odd, "é"])
    assert (done.exit, done.stdout) == (0, f"{odd}\0é".encode())
    assert done.command.argv[0] == "printf"
    done = host.run(["sh", "-c", 'pwd; echo "$A $LC_ALL"; cat'], cwd=PurePosixPath(tmp_path), env={"A": "x y"})
    assert done.text.splitlines() == [str(tmp_path), "x y C"]


def test_the_exit_status_is_the_commands(host: OpenSshBox) -> None:
    done = host.run(["sh", "-c", "echo no >&2; exit 3"])
    assert (done.exit, done.stderr) == (3, b"no\n")


def test_a_host_whose_key_is_not_known_is_refused(host: OpenSshBox, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    (tmp_path / "known").write_text("")
    with pytest.raises(BoxError, match="cannot reach build7: ") as caught:
        host.run(["true"])
    assert caught.value.hint and "`ssh build7` must work without a question" in caught.value.hint
    assert (tmp_path / "known").read_text() == ""  # nothing was stored


def test_a_host_that_does_not_exist(host: OpenSshBox) -> None:
    with pytest.raises(BoxError, match=r"cannot reach nowhere\.invalid: ssh: Could not resolve hostname"):
        OpenSshBox("nowhere.invalid").run(["true"])


def test_a_name_that_looks_like_an_option_is_no_option(host: OpenSshBox) -> None:
    with pytest.raises(BoxError, match="cannot reach -oProxyCommand=true: "):
        OpenSshBox("-oProxyCommand=true").run(["true"])


def test_a_machine_without_ssh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="ssh is not installed here"):
        OpenSshBox("build7").run(["true"])


def test_nothing_is_copied_there(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="lab writes nothing on this host"):
        OpenSshBox("build7").put(tmp_path / "a", PurePosixPath("/a"))
