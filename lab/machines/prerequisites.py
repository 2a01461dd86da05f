"""What lab needs on this machine, and the commands that install it."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.boxes.baking.workbench import search_path
from lab.boxes.base import Box
from lab.errors import HostError
from lab.machines.daemons import GROUP, Membership, has_systemd, membership


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that lab calls: how to see that it is installed, and its package on Debian and in Homebrew."""

    what: str
    path: str  # a program's name, or a file's absolute path
    debian: str
    brew: str | None = None


NEEDS = (
    Need("Vagrant", "vagrant", "vagrant", "hashicorp/tap/hashicorp-vagrant"),
    Need("Vagrant's libvirt provider", "/usr/share/doc/vagrant-libvirt", "vagrant-libvirt"),
    Need("libvirt's daemon", "libvirtd", "libvirt-daemon-system"),
    Need("libvirt's client", "virsh", "libvirt-clients"),
    Need("QEMU", "qemu-system-x86_64", "qemu-system-x86"),
    Need("QEMU's image tool", "qemu-img", "qemu-utils"),
    Need("DHCP for the boxes", "dnsmasq", "dnsmasq-base"),
    Need("packet filter for libvirt's network", "iptables", "iptables"),
    Need("registry", "docker-registry", "docker-registry"),
    Need("base image", "busybox", "busybox-static"),
    Need("attribute tool", "setfattr", "attr"),
    Need("ssh client", "ssh", "openssh-client", "openssh"),
    Need("root tree maker", "mmdebstrap", "mmdebstrap"),
    Need("boot loader", "syslinux", "syslinux"),
    Need("FAT tools", "mcopy", "mtools"),
    Need("FAT maker", "mkfs.vfat", "dosfstools"),
    Need("partitioner", "sfdisk", "fdisk"),
    Need("ext4 maker", "mke2fs", "e2fsprogs"),
)
GROUPS = (GROUP, "kvm")
ELSEWHERE = """\
this system has neither apt nor Homebrew; install by hand:
  Vagrant 2.3 or newer with VirtualBox, or with vagrant-libvirt, libvirt and QEMU
  a registry program (docker-registry or registry), or Docker
  to bake the debian boxes: mmdebstrap, syslinux, mtools, dosfstools, fdisk, e2fsprogs, qemu-img"""


def missing() -> list[Need]:
    """The needs of this system that are not installed; on macOS only those that Homebrew has."""
    needs = [need for need in NEEDS if platform.system() != "Darwin" or need.brew]
    return [need for need in needs if not _there(need)]


def _there(need: Need) -> bool:
    if need.path.startswith("/"):
        return Path(need.path).exists()
    return shutil.which(need.path, path=search_path()) is not None


def commands(needs: list[Need], options: Sequence[str] = ()) -> list[list[str]]:
    """The commands that install these needs; empty if nothing is missing. HostError for an unknown system.

    `options` are more options of apt-get, such as those that let it install from a pack.
    """
    if not needs:
        return []
    if platform.system() == "Darwin":
        wanted = [need.brew for need in needs if need.brew]
        virtualbox = [] if shutil.which("VBoxManage") else [["brew", "install", "--cask", "virtualbox"]]
        return [["brew", "install", *wanted], *virtualbox]
    if shutil.which("apt-get") is None:
        raise HostError(
            "cannot install the missing programs: " + ", ".join(need.what for need in needs), output=ELSEWHERE
        )
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    packages = sorted({need.debian for need in needs})
    install = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options]
    install += ["install", "--yes", "--no-install-recommends"]
    steps = [[*sudo, "apt-get", *options, "update"], [*install, *packages]]
    if "docker-registry" in packages and has_systemd():
        # Debian starts it as a service with a password on port 5000, which lab's own registry needs
        steps.append([*sudo, "systemctl", "disable", "--now", "docker-registry"])
    return steps


def joining() -> list[list[str]]:
    """The command that adds a plain user to the groups that may use libvirt and /dev/kvm; empty if none is needed."""
    if os.geteuid() == 0 or platform.system() != "Linux":
        return []
    outside = [group for group in GROUPS if membership(group) is Membership.OUT]
    return [["sudo", "usermod", "--append", "--groups", ",".join(outside), getpass.getuser()]] if outside else []


def install(shell: Box, say: Callable[[str], None], listen: Callable[[str], None], options: Sequence[str] = ()) -> bool:
    """Install what is missing and join the groups, printing each command first; True if anything was done.

    `listen` gets the installer's output line by line, and `options` are more options of apt-get. Raises HostError if a
    command fails.
    """
    steps = commands(missing(), options)
    for step in steps:
        _step(step, shell, say, listen)
    groups = joining()  # only now: the packages make them
    for step in groups:
        _step(step, shell, say, listen)
    still = missing()
    if still:
        raise HostError("cannot continue: still missing after the installation: " + ", ".join(n.what for n in still))
    return bool(steps or groups)


def _step(step: list[str], shell: Box, say: Callable[[str], None], listen: Callable[[str], None]) -> None:
    say(" ".join(step))

    def hear(_: str, data: bytes) -> None:
        for line in data.decode("utf-8", "replace").splitlines():
            if line.strip():
                listen(line.strip())

    # apt waits for another apt instead of failing at its lock
    result = shell.run(step, timeout=3600, on_output=hear)
    if not result.ok:
        raise HostError(
            f"cannot install the missing programs: `{' '.join(step)}` ended with status {result.exit}",
            output=result.output,
            hint="fix the error shown above, then run `python -m lab setup` again",
        )
