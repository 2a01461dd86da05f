"""libvirt's daemons on this machine: whether they answer this user, how they are started and ended."""

from __future__ import annotations

import getpass
import grp
import json
import os
from enum import StrEnum
from pathlib import Path

from lab import files
from lab.boxes.base import Box, Result, Tell
from lab.errors import HostError
from lab.model import Progress
from lab.workers import wait_for

URI = "qemu:///system"
GROUP = "libvirt"  # whose members libvirt's daemon lets in beside root: by polkit, or by its socket's mode
DAEMONS = ("virtlogd", "libvirtd")
PIDS = {"virtlogd": Path("/run/virtlogd.pid"), "libvirtd": Path("/run/libvirtd.pid")}
# What virsh says to a user whom the daemon does not let in: by polkit with and without a session bus, by its socket.
REFUSALS = ("authentication", "system bus connection", "Permission denied", "access denied")


class Access(StrEnum):
    """Whether libvirt's daemon answers this user, is not there, or is there and does not let the user in."""

    ANSWERS = "answers"
    SILENT = "silent"
    REFUSES = "refuses"


def access(shell: Box) -> Access:
    """Ask libvirt's daemon for its version, and see what comes."""
    asked = shell.run(["virsh", "-q", "-c", URI, "version"], timeout=20)
    if asked.ok:
        return Access.ANSWERS
    said = asked.output.decode("utf-8", "replace")
    return Access.REFUSES if any(word in said for word in REFUSALS) else Access.SILENT


def answers(shell: Box) -> bool:
    """True if libvirt's daemon answers this user."""
    return access(shell) is Access.ANSWERS


class Membership(StrEnum):
    """How this user stands to a group: in it, in it from the next log-in on, outside, or there is no such group."""

    IN = "in"
    NEXT = "next"
    OUT = "out"
    NO_GROUP = "no group"


def membership(group: str) -> Membership:
    """How this user and this session stand to a group of this machine."""
    try:
        known = grp.getgrnam(group)
    except KeyError:
        return Membership.NO_GROUP
    if known.gr_gid in (*os.getgroups(), os.getegid()):
        return Membership.IN
    return Membership.NEXT if getpass.getuser() in known.gr_mem else Membership.OUT


def way_in() -> tuple[str, str]:
    """Why libvirt's daemon does not let this user in, and what opens it: for a message and its hint."""
    user, stands = getpass.getuser(), membership(GROUP)
    if stands is Membership.NEXT:
        return "this session began before you were put into its group", f"log in again, or run `newgrp {GROUP}`"
    if stands is Membership.OUT:
        add = f"sudo usermod --append --groups {GROUP} {user}"
        return f"it lets in root and the group {GROUP}, and {user} is not in it", f"`{add}`, then log in again"
    return f"it lets in root alone, and you are {user}", "unix_sock_group and auth_unix_rw in libvirtd.conf decide this"


def has_systemd() -> bool:
    """True if systemd is the first process, as systemd's own sd_booted() tells."""
    return Path("/run/systemd/system").is_dir()


def as_root(shell: Box, *words: str, timeout: float = 60) -> Result:
    """Run a command of this machine with root's right: through sudo for a plain user, and never with a question."""
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    return shell.run([*sudo, *words], timeout=timeout)


def start_daemons(shell: Box, state: Path, tell: Tell) -> None:
    """Make libvirt answer: through systemd where it runs, else by hand, noted so that `stop_daemons` ends them.

    Raises HostError if they do not start, or do not let this user in.
    """
    if not has_systemd():
        _share_kvm(shell, tell)
    found = access(shell)
    if found is Access.SILENT:
        tell(Progress("libvirt", "starting its daemons"))
        _start(shell, state)
        found = wait_for(
            "libvirt's daemon",
            lambda: "virsh gets no answer" if (seen := access(shell)) is Access.SILENT else (seen,),
            timeout=30,
            error=HostError,
        )[0]
        tell(Progress("libvirt", "daemons started", done=True))
    if found is Access.REFUSES:
        why, hint = way_in()
        raise HostError(f"cannot use libvirt: {why}", hint=hint)


def _start(shell: Box, state: Path) -> None:
    if has_systemd():
        started = as_root(shell, "systemctl", "start", "libvirtd")
        if not started.ok:
            raise HostError("cannot start libvirtd", output=started.output, hint="sudo systemctl start libvirtd")
        return
    files.write(state / "daemons.json", json.dumps({"started": list(DAEMONS)}))
    for daemon in DAEMONS:
        # virtlogd may be alive while libvirtd is not: it then says so and that is fine
        started = as_root(shell, daemon, "-d")
        if not started.ok and daemon == "libvirtd":
            raise HostError("cannot start libvirtd", output=started.output, hint=f"sudo {daemon} -d tells more")


def _share_kvm(shell: Box, tell: Tell) -> None:
    """Give /dev/kvm the group and mode that udev gives it, where no udev ran.

    libvirt probes QEMU as root, where KVM is there, and then asks whether the machines' user may open it. While the
    two answers differ it probes anew before every step of every machine: ten seconds each in place of none.
    """
    device = Path("/dev/kvm")
    if not device.exists() or device.stat().st_mode & 0o060 == 0o060:
        return
    tell(Progress("libvirt", "giving /dev/kvm to the group kvm, as udev does"))
    as_root(shell, "chgrp", "kvm", str(device))
    as_root(shell, "chmod", "660", str(device))


def stop_daemons(shell: Box, state: Path, *, needed: bool) -> None:
    """End the daemons that lab itself started, unless a machine of anybody's still needs them."""
    note = state / "daemons.json"
    if not note.exists() or needed:
        return
    for daemon in reversed(DAEMONS):
        pid = PIDS[daemon]
        if pid.exists() and _is(pid, daemon):
            as_root(shell, "kill", pid.read_text().strip())
            wait_for(f"{daemon} to end", lambda pid=pid, daemon=daemon: _gone(pid, daemon), timeout=20, error=HostError)  # type: ignore[misc]
    note.unlink()


def _is(pid_file: Path, name: str) -> bool:
    """True if the process of a pid file is alive and still that program; pid files outlive crashes."""
    try:
        return Path(f"/proc/{int(pid_file.read_text())}/comm").read_text().strip() == name
    except (OSError, ValueError):
        return False


def _gone(pid_file: Path, name: str) -> bool | str:
    return f"{pid_file} names a live process" if pid_file.exists() and _is(pid_file, name) else True
