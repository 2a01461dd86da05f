"""A host that lab did not make: its key must be the one that the user's own known hosts have. A real sshd answers."""

from __future__ import annotations

import getpass
import stat
import subprocess
from pathlib import Path

import pytest

from lab.boxes.hostkeys import fingerprints
from lab.boxes.notes import Address
from lab.boxes.ssh import SshBox
from lab.errors import BoxError
from lab.model import Progress
from tests.boxes.test_ssh import Sshd, sshd

__all__ = ["sshd"]  # the fixture


def box_of(sshd: Sshd, folder: Path, known: str | None) -> SshBox:
    """The host as a file of boxes/ describes it, for a user whose known hosts are this text."""
    users = folder / "known_hosts"
    if known is not None:
        users.write_text(known, encoding="utf-8")
    key = str(sshd.folder / "user")
    address = Address(host="127.0.0.1", port=sshd.port, user=getpass.getuser(), key=key)
    return SshBox("host", address, folder / "state" / "host.known_hosts", users)


def public(sshd: Sshd) -> str:
    return " ".join((sshd.folder / "host.pub").read_text(encoding="utf-8").split()[:2])


def other_key(folder: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "other")], check=True)
    return " ".join((folder / "other.pub").read_text(encoding="utf-8").split()[:2])


def test_another_key_than_the_users_is_refused_at_the_first_up(sshd: Sshd, tmp_path: Path) -> None:
    box = box_of(sshd, tmp_path, f"[127.0.0.1]:{sshd.port} {other_key(tmp_path)}\n")
    with pytest.raises(BoxError, match=r"cannot trust host: its host key is not the one in .*known_hosts") as caught:
        box.bring_up(lambda event: None)
    assert caught.value.hint and "ssh-keygen -R" in caught.value.hint
    assert not box.known_hosts.exists()


@pytest.mark.parametrize("lines", [None, "", "# a comment\nbroken line\nother.example ssh-ed25519 !!!\n", "THE KEY"])
def test_the_key_is_stored_and_shown_at_the_first_up(sshd: Sshd, tmp_path: Path, lines: str | None) -> None:
    known = lines and lines.replace("THE KEY", f"[127.0.0.1]:{sshd.port} {public(sshd)}\n")
    box, told = box_of(sshd, tmp_path, known), list[Progress]()
    box.bring_up(told.append)
    assert box.run(["echo", "in"]).text == "in"
    box.close()
    assert box.known_hosts.read_text(encoding="utf-8").split()[1:] == public(sshd).split()
    assert stat.S_IMODE(box.known_hosts.stat().st_mode) == 0o600
    [shown] = fingerprints(box.known_hosts)
    printed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(sshd.folder / "host.pub")], capture_output=True, text=True, check=True
    )
    assert shown in printed.stdout.split()
    assert [event.what for event in told][1] == f"its host key is {shown}, which lab expects from now on"
    assert (tmp_path / "known_hosts").exists() is (lines is not None)  # lab writes nothing there
    again = list[Progress]()
    box.bring_up(again.append)
    box.close()
    assert len(again) == 2
