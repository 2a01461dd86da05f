"""libvirt's daemons on this machine: whether they answer this user, how they are started and ended.

Lab ends only the daemons that it started, which it knows by process id and start time.
"""

from __future__ import annotations

import getpass
import grp
import os
import socket
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from lab import files
from lab.boxes.base import Box, Result, Tell
from lab.boxes.beside import Identity
from lab.errors import HostError
from lab.model import Progress
from lab.statefile import Kind
from lab.workers import wait_for
from lab.yamlfile import Strict

URI = "qemu:///system"
GROUP = "libvirt"  # whose members libvirt's daemon lets in beside root: by polkit, or by its socket's mode
DAEMONS = ("virtlogd", "libvirtd")
NOTE = "daemons.json"
# A daemon that was killed asks the emulator of each machine before it answers. On a busy machine each is slow.
ANSWER_SECONDS = 180
END_SECONDS = 120  # after SIGTERM, a daemon ends what it does for others
LOGS = Path("/run/libvirt/virtlogd-sock")
PIDS = {"virtlogd": Path("/run/virtlogd.pid"), "libvirtd": Path("/run/libvirtd.pid")}
# What virsh prints for a user whom the daemon refuses: by polkit with and without a session bus, by its socket.
REFUSALS = ("authentication", "system bus connection", "Permission denied", "access denied")


class Access(StrEnum):
    """Whether libvirt's daemon answers this user, does not run, or runs and refuses the user."""

    ANSWERS = "answers"
    SILENT = "silent"
    REFUSES = "refuses"


def access(shell: Box) -> Access:
    """Ask libvirt's daemon for its version; the kind of answer."""
    asked = shell.run(["virsh", "-q", "-c", URI, "version"], timeout=20)
    if asked.ok:
        return Access.ANSWERS
    text = asked.output.decode("utf-8", "replace")
    return Access.REFUSES if any(word in text for word in REFUSALS) else Access.SILENT


def answers(shell: Box) -> bool:
    """True if libvirt's daemon answers this user."""
    return access(shell) is Access.ANSWERS


class Membership(StrEnum):
    """Whether this user is in a group: yes, from the next login on, no, or there is no such group."""

    IN = "in"
    NEXT = "next"
    OUT = "out"
    NO_GROUP = "no group"


def membership(group: str) -> Membership:
    """Whether this user and this session are in a group of this machine."""
    try:
        known = grp.getgrnam(group)
    except KeyError:
        return Membership.NO_GROUP
    if known.gr_gid in (*os.getgroups(), os.getegid()):
        return Membership.IN
    return Membership.NEXT if getpass.getuser() in known.gr_mem else Membership.OUT


def way_in() -> tuple[str, str]:
    """Why libvirt's daemon refuses this user, and what changes that: for a message and its hint."""
    user, found = getpass.getuser(), membership(GROUP)
    if found is Membership.NEXT:
        return "this session began before you were added to its group", f"log in again, or run `newgrp {GROUP}`"
    if found is Membership.OUT:
        add = f"sudo usermod --append --groups {GROUP} {user}"
        return f"it accepts root and the group {GROUP}, and {user} is not in the group", f"`{add}`, then log in again"
    return f"it accepts only root, and you are {user}", "unix_sock_group and auth_unix_rw in libvirtd.conf decide this"


def has_systemd() -> bool:
    """True if systemd is the first process; systemd's own sd_booted() checks the same folder."""
    return Path("/run/systemd/system").is_dir()


def as_root(shell: Box, *words: str, timeout: float = 60) -> Result:
    """Run a command of this machine as root: through sudo for a plain user, and never with a password prompt."""
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    return shell.run([*sudo, *words], timeout=timeout)


def start_daemons(shell: Box, state: Path, tell: Tell) -> None:
    """Make libvirt answer: through systemd where that runs, else directly, noted so that `stop_daemons` ends them.

    Raises HostError if they do not start, or refuse this user.
    """
    if not has_systemd():
        _share_kvm(shell, tell)
    found = access(shell)
    if found is Access.ANSWERS and not has_systemd() and not _takes_logs():
        tell(Progress("libvirt", "starting its log daemon, which has ended"))
        _start(shell, state, ["virtlogd"])
    if found is Access.SILENT:
        tell(Progress("libvirt", "starting its daemons"))
        _start(shell, state)
        found = wait_for(
            "libvirt's daemon",
            lambda: "virsh gets no answer" if (seen := access(shell)) is Access.SILENT else (seen,),
            timeout=ANSWER_SECONDS,
            error=HostError,
            hint=f"virsh -c {URI} version; if it never answers, end libvirtd and run the same command again",
        )[0]
        tell(Progress("libvirt", "daemons started", done=True))
    if found is Access.REFUSES:
        why, hint = way_in()
        raise HostError(f"cannot use libvirt: {why}", hint=hint)


def _takes_logs() -> bool:
    """True if virtlogd listens, without which libvirtd starts no machine; also where this user may not ask it."""
    with socket.socket(socket.AF_UNIX) as asked:
        try:
            asked.connect(str(LOGS))
        except PermissionError:
            return True
        except OSError:
            return False
    return True


def _start(shell: Box, state: Path, daemons: Sequence[str] = DAEMONS) -> None:
    if has_systemd():
        asked = as_root(shell, "systemctl", "start", "libvirtd")
        if not asked.ok:
            raise HostError("cannot start libvirtd", output=asked.output, hint="sudo systemctl start libvirtd")
        return
    started: dict[str, Identity | None] = {**started_daemons(state)}
    for daemon in daemons:
        if _running(daemon):
            continue  # somebody else's: virtlogd may run while libvirtd does not
        started[daemon] = None
        _write_note(state, started)  # before it exists
        ended = as_root(shell, daemon, "-d")
        if not ended.ok:
            del started[daemon]
            _write_note(state, started)
            if daemon == "libvirtd":
                raise HostError("cannot start libvirtd", output=ended.output, hint=f"`sudo {daemon}` prints more")
            continue
        started[daemon] = _running(daemon)
        _write_note(state, started)


class DaemonsNote(Strict):
    """The daemons that lab started, each with its process; None for one whose process was not known yet."""

    version: int = 1
    started: dict[str, Identity | None]


def _with_processes(found: dict[str, Any]) -> dict[str, Any]:
    """The note of a lab that wrote names alone."""
    started = found["started"]
    return {"started": dict.fromkeys(started) if isinstance(started, list) else started}


DAEMONS_NOTE = Kind(DaemonsNote, migrations={0: _with_processes})


def _write_note(state: Path, started: dict[str, Identity | None]) -> None:
    files.write(state / NOTE, DaemonsNote(started=started).model_dump_json() + "\n")


def started_daemons(state: Path) -> dict[str, Identity]:
    """The daemons of this machine that this checkout started and that still run."""
    note = DAEMONS_NOTE.read(
        state / NOTE,
        "the note of libvirt's daemons that lab started",
        "run the same command again; lab then leaves daemons that it started, and `sudo kill` ends them",
    )
    noted = note.started if note else {}
    found = {name: process or _running(name) for name, process in noted.items() if name in PIDS}
    return {name: process for name, process in found.items() if process and process.alive()}


def _share_kvm(shell: Box, tell: Tell) -> None:
    """Give /dev/kvm the group and mode that udev gives it, on a machine where udev did not run.

    libvirt probes QEMU as root, who has KVM, and then checks whether the user of the machines may open the device.
    While the two answers differ, it probes again before every step of every machine: ten seconds each time.
    """
    device = Path("/dev/kvm")
    if not device.exists() or device.stat().st_mode & 0o060 == 0o060:
        return
    tell(Progress("libvirt", "giving /dev/kvm to the group kvm, as udev does"))
    as_root(shell, "chgrp", "kvm", str(device))
    as_root(shell, "chmod", "660", str(device))


def stop_daemons(shell: Box, state: Path, *, needed: bool) -> None:
    """End the daemons that lab itself started, unless some machine of any owner still needs them."""
    note = state / NOTE
    if not note.exists() or needed:
        return
    started = started_daemons(state)
    for daemon in reversed(DAEMONS):
        if process := started.get(daemon):
            as_root(shell, "kill", str(process.pid))
            ended = partial(_ended, process)
            hint = f"the same command again waits once more; `sudo kill -9 {process.pid}` ends it at once"
            wait_for(f"{daemon} to end", ended, timeout=END_SECONDS, error=HostError, hint=hint)
    note.unlink()


def _running(name: str) -> Identity | None:
    """The process of a daemon by its pid file, if it is alive and still that program; pid files outlive crashes."""
    try:
        pid = int(PIDS[name].read_text(encoding="utf-8"))
        if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() != name:
            return None
    except (OSError, ValueError):
        return None
    process = Identity.of(pid)
    return process if process.alive() else None


def _ended(process: Identity) -> bool | str:
    return f"process {process.pid} still runs" if process.alive() else True
