"""libvirt's daemon as different users meet it: it answers, is not there, or does not let them in."""

from __future__ import annotations

import getpass
import grp
import json
import os
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.beside import Identity
from lab.boxes.local import LocalBox
from lab.errors import HostError
from lab.machines import daemons, prerequisites
from lab.machines.daemons import Access, Membership
from lab.model import Progress
from tests.conftest import ROOT

# What Debian 12's virsh printed: to root without a daemon, to a plain user without D-Bus, with polkit and without an
# agent (libvirt's own text), and where the socket is kept to a group.
SILENT = """\
error: failed to connect to the hypervisor
error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory
"""
STALE = SILENT.replace("No such file or directory", "Connection refused")
NO_BUS = """\
error: failed to connect to the hypervisor
error: internal error: Unable to get system bus connection: Could not connect: No such file or directory
"""
NO_AGENT = """\
error: failed to connect to the hypervisor
error: authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'
"""
KEPT = SILENT.replace("No such file or directory", "Permission denied")


class Said(Box):
    """A machine on which virsh prints this and ends so."""

    def __init__(self, text: str, status: int = 1) -> None:
        self.name = "this machine"
        self.text = text
        self.status = status
        self.asked: list[str] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.asked.append(command.line())
        return Result(command, self.status, b"", self.text.encode(), datetime.now(UTC), 0.0)

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise AssertionError("nothing is put on it")


@pytest.mark.parametrize(
    ("text", "status", "found"),
    [
        ("", 0, Access.ANSWERS),
        (SILENT, 1, Access.SILENT),
        (STALE, 1, Access.SILENT),
        ("virsh: No such file or directory", 127, Access.SILENT),
        (NO_BUS, 1, Access.REFUSES),
        (NO_AGENT, 1, Access.REFUSES),
        (KEPT, 1, Access.REFUSES),
    ],
)
def test_a_daemon_that_refuses_is_not_taken_for_one_that_is_not_there(text: str, status: int, found: Access) -> None:
    assert daemons.access(Said(text, status)) is found
    assert daemons.answers(Said(text, status)) is (found is Access.ANSWERS)


def test_a_daemon_that_lets_nobody_in_is_not_started_again(tmp_path: Path) -> None:
    heard: list[Progress] = []
    box = Said(KEPT)
    with pytest.raises(HostError) as caught:
        daemons.start_daemons(box, tmp_path, heard.append)
    assert caught.value.message.startswith("cannot use libvirt: ")
    assert caught.value.exit_code == 5 and caught.value.hint
    assert not (tmp_path / "daemons.json").exists()
    assert not [line for line in box.asked if "libvirtd" in line]


@pytest.mark.parametrize("listens", [True, False])
def test_a_log_daemon_that_has_ended_is_started_again(monkeypatch: pytest.MonkeyPatch, listens: bool) -> None:
    """libvirtd answers without it, and then starts no machine."""
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        state = Path(folder)
        server.bind(f"{folder}/logs")
        if listens:
            server.listen()
        # patched: the daemons of this machine are not for a test to start
        monkeypatch.setattr(daemons, "LOGS", state / "logs")
        monkeypatch.setattr(daemons, "PIDS", {name: state / f"{name}.pid" for name in daemons.DAEMONS})
        monkeypatch.setattr(daemons, "has_systemd", lambda: False)
        (state / "libvirtd.pid").write_text(str(os.getpid()))
        box = Said("", 0)
        daemons.start_daemons(box, state, lambda event: None)
        started = [line for line in box.asked if line.endswith("d -d")]
        assert [line.split()[-2] for line in started] == ([] if listens else ["virtlogd"])
        assert (state / "daemons.json").exists() is not listens


def test_only_daemons_that_lab_started_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pid file that names another process by now, and a virtlogd that ran before, are somebody else's."""
    with subprocess.Popen(["sleep", "100000"]) as libvirtd, subprocess.Popen(["sleep", "100000"]) as virtlogd:
        for name, process in (("libvirtd", libvirtd), ("virtlogd", virtlogd)):
            (tmp_path / f"{name}.pid").write_text(str(process.pid))
        # patched: this machine's own daemons are not for a test to end
        monkeypatch.setattr(daemons, "PIDS", {name: tmp_path / f"{name}.pid" for name in ("libvirtd", "virtlogd")})
        mine, recycled = Identity.of(libvirtd.pid), Identity(pid=virtlogd.pid, start="an earlier start")
        for started, left in (({"virtlogd": recycled}, {}), ({"libvirtd": mine}, {"libvirtd": mine}), ({}, {})):
            note = {name: value.model_dump() for name, value in started.items()}
            (tmp_path / "daemons.json").write_text(json.dumps({"started": note}))
            assert daemons.started_daemons(tmp_path) == left
        (tmp_path / "daemons.json").write_text(json.dumps({"started": {"libvirtd": mine.model_dump()}}))
        daemons.stop_daemons(LocalBox(), tmp_path, needed=True)
        assert libvirtd.poll() is None
        waiter = threading.Thread(target=libvirtd.wait)  # a zombie's parent
        waiter.start()
        daemons.stop_daemons(LocalBox(), tmp_path, needed=False)
        waiter.join()
        assert virtlogd.poll() is None
        assert not (tmp_path / "daemons.json").exists()
        virtlogd.kill()


@pytest.mark.parametrize("text", ["", "[]", '{"started": 7}', '{"started": {"libvirtd": 7}}', "{"])
def test_a_note_that_cannot_be_read_ends_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "daemons.json").write_text(text)
    with pytest.raises(HostError, match="cannot read the note of libvirt's daemons that lab started") as caught:
        daemons.stop_daemons(LocalBox(), tmp_path, needed=False)
    assert caught.value.hint and caught.value.hint.startswith("run the same command again")
    assert (tmp_path / "daemons.json.damaged").read_text() == text
    assert daemons.started_daemons(tmp_path) == {}


def test_the_note_of_a_lab_that_wrote_names_alone_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sleep", "100000"]) as libvirtd:
        mine = Identity.of(libvirtd.pid)
        # patched: a pid file of this machine names another process
        monkeypatch.setattr(daemons, "_running", {"libvirtd": mine}.get)
        (tmp_path / "daemons.json").write_text('{"started": ["libvirtd"]}')
        assert daemons.started_daemons(tmp_path) == {"libvirtd": mine}
        libvirtd.kill()


def test_no_program_is_ended_by_its_name() -> None:
    """Somebody else's machines and daemons have the same names."""
    words = [b"p" + b"kill", b"kill" + b"all"]
    files = [*ROOT.glob("lab/**/*.py"), *ROOT.glob("tests/**/*.py"), ROOT / "Makefile", *ROOT.glob(".ci/*")]
    assert [file for file in files if any(word in file.read_bytes() for word in words)] == []


def test_membership_is_what_the_system_says() -> None:
    mine = grp.getgrgid(os.getegid()).gr_name
    assert daemons.membership(mine) is Membership.IN
    assert daemons.membership("no-such-group") is Membership.NO_GROUP
    others = [item.gr_name for item in grp.getgrall() if item.gr_gid not in (*os.getgroups(), os.getegid())]
    foreign = [name for name in others if getpass.getuser() not in grp.getgrnam(name).gr_mem]
    assert daemons.membership(foreign[0]) is Membership.OUT


# These ask as a plain user really does: with nobody's right. `access` and `membership` are the system's own.
def as_nobody(code: str) -> str:
    # the interpreter may lie where nobody may look: it is started as root, and gives its right away once it has read
    # what it needs
    text = f"""
import getpass, grp, os, pwd
from lab.machines import daemons, leftovers, prerequisites
from lab.machines.daemons import Membership
from pathlib import Path
from tests.machines.test_daemons import Said, KEPT
pwd.getpwnam("nobody"), grp.getgrall(), getpass.getuser()
os.environ["LOGNAME"] = os.environ["USER"] = "nobody"
os.setgroups([]); os.setgid(65534); os.setuid(65534)
{code}
"""
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@ROOT_ONLY
def test_a_plain_user_is_told_which_group_opens_libvirt() -> None:
    said = as_nobody('daemons.GROUP = "root"; print(*daemons.way_in(), sep="|")')
    assert said == (
        "it accepts root and the group root, and nobody is not in the group|"
        "`sudo usermod --append --groups root nobody`, then log in again"
    )
    said = as_nobody('daemons.GROUP = "no-such-group"; print(daemons.way_in()[0])')
    assert said == "it accepts only root, and you are nobody"


@ROOT_ONLY
def test_setup_puts_a_plain_user_into_the_groups_that_exist() -> None:
    said = as_nobody('prerequisites.GROUPS = ("root", "no-such-group", "daemon"); print(prerequisites.joining())')
    assert said == "[['sudo', 'usermod', '--append', '--groups', 'root,daemon', 'nobody']]"
    assert as_nobody("prerequisites.GROUPS = (); print(prerequisites.joining())") == "[]"
    assert prerequisites.joining() == []  # root needs no group


@ROOT_ONLY
def test_a_user_who_may_not_see_the_machines_takes_none_for_a_leftover() -> None:
    with TemporaryDirectory() as top:  # not tmp_path: pytest keeps its folders to their owner
        Path(top).chmod(0o755)
        folder = Path(top) / "qemu"
        folder.mkdir()
        file = folder / "lab-abc123-a.xml"
        file.write_text("<domain><description>made by lab in /gone</description></domain>", encoding="utf-8")
        file.chmod(0o600)
        ask = f"leftovers.DOMAIN_FILES = Path({str(folder)!r}); print(leftovers.list_domains(Said(KEPT)))"
        assert as_nobody(ask) == "None"
        file.chmod(0o644)
        assert as_nobody(ask) == "{'lab-abc123-a': '/gone'}"
        folder.chmod(0o700)
        assert as_nobody(ask) == "None"
