"""A host that lab did not make: its key must be the one that the user's own known hosts have. A real sshd answers."""

from __future__ import annotations

import getpass
import stat
import subprocess
from pathlib import Path

import pytest
from paramiko import SSHClient

from lab.boxes.address import Address
from lab.boxes.hostkeys import fingerprints, load_users
from lab.boxes.ssh import SshBox
from lab.errors import BoxError
from lab.model import Progress
from tests.boxes.test_ssh import Sshd, sshd

__all__ = ["sshd"]  # the fixture


def box_of(sshd: Sshd, folder: Path, known: str | None) -> SshBox:
    """The host as a file of boxes/ describes it, for a user whose known hosts are this text."""
    users = folder / "known_hosts"
    if known is not None:
        users.write_text(known, encoding="latin-1")
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


@pytest.mark.parametrize("tools", ["ssh-keygen", "without"])
@pytest.mark.parametrize(
    "lines",
    [
        "# Büro\n[127.0.0.1]:PORT KEY\n",
        "other ssh-rsa AAAA_not_base64!!!\n[127.0.0.1]:PORT KEY\n",
        "[127.0.0.*]:PORT KEY\n",
        "*,!10.0.0.1 KEY\n",
        "@revoked * KEY\n[127.0.0.1]:PORT KEY\n",
        "@cert-authority * REAL\n[127.0.0.1]:PORT KEY\n",
        "[127.0.0.1]:PORT KEY\n[127.0.0.1]:PORT ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==\n",
        "[127.0.0.1]:PORT ssh-dss AAAAB3NzaC1kc3M=\n[127.0.0.1]:PORT KEY\n",
    ],
)
def test_no_file_that_openssh_reads_makes_another_key_accepted(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, tools: str
) -> None:
    text = lines.replace("PORT", str(sshd.port)).replace("KEY", other_key(tmp_path)).replace("REAL", public(sshd))
    box = box_of(sshd, tmp_path, text)
    if tools == "without":
        monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BoxError, match="cannot trust host: its host key is not the one in "):
        box.bring_up(lambda event: None)
    assert not box.known_hosts.exists()


@pytest.mark.parametrize("also", ["", "[127.0.0.1]:PORT KEY\n"])
def test_a_revoked_key_is_refused(sshd: Sshd, tmp_path: Path, also: str) -> None:
    known = f"{also}@revoked * KEY\n".replace("PORT", str(sshd.port)).replace("KEY", public(sshd))
    box = box_of(sshd, tmp_path, known)
    with pytest.raises(BoxError, match=r"cannot trust host: its host key is revoked in .*known_hosts") as caught:
        box.bring_up(lambda event: None)
    assert caught.value.hint and "another key" in caught.value.hint
    assert not box.known_hosts.exists()


def test_a_host_may_have_any_of_its_keys(sshd: Sshd, tmp_path: Path) -> None:
    names = f"[127.0.0.1]:{sshd.port}"
    box = box_of(sshd, tmp_path, f"{names} {other_key(tmp_path)}\n{names} {public(sshd)}\n@cert-authority * x y\n")
    box.bring_up(lambda event: None)
    assert box.run(["echo", "in"]).text == "in"
    box.close()
    assert box.known_hosts.read_text(encoding="utf-8") == f"{names} {public(sshd)}\n"


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


def test_the_host_is_asked_for_a_key_of_the_types_that_the_user_has(sshd: Sshd, tmp_path: Path) -> None:
    name, users = f"[127.0.0.1]:{sshd.port}", tmp_path / "known_hosts"
    address = Address(host="127.0.0.1", port=sshd.port, user="me")
    wanted = {}
    for lines in ((public(sshd),), (public(sshd), other_key(tmp_path))):
        users.write_text("".join(f"{name} {line}\n" for line in lines), encoding="utf-8")
        client = SSHClient()
        load_users(client, users, address)
        wanted[len(lines)] = [*(client.get_host_keys().lookup(name) or {})]
    # with two keys of a type, paramiko would compare with one of them alone
    assert wanted == {1: ["ssh-ed25519"], 2: []}
