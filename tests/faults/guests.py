"""The lineup `vm`: one real virtual machine of the workplace, with its baked image and an engine from the cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psutil
import yaml

from lab.boxes.notes import Notes
from lab.machines.daemons import URI
from tests.faults.workplace import GUEST, Workplace

BOOT_SECONDS = 90  # without a sign of a boot, in place of the box file's: a killed machine gives no more signs
SSH = "-o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"


def prepare(place: Workplace, cache: Path) -> None:
    """Write the lineup, and give the workplace what this user's caches have of its image and its engine."""
    [(box, engine)] = GUEST.items()
    recipe = yaml.safe_load((place.root / "boxes" / f"{box}.yaml").read_text())
    text = recipe | {"engines": [engine], "at_hand": [], "boot_timeout": BOOT_SECONDS}
    place.lineup("vm", {box: yaml.safe_dump(text, sort_keys=False)})
    for file in (cache / "engines").glob(f"{engine}-*"):
        _link(place.cache / "engines" / file.name, file)
    disk = place.root / "baked"  # on a real disk: a bake needs gigabytes
    disk.mkdir()
    for file in (cache / "boxes").glob("debian12-*"):
        _link(disk / file.name, file)
    (place.cache / "boxes").symlink_to(disk)
    if (known := cache / "accelerator.json").exists():
        shutil.copy(known, place.cache)
    home = Path(os.environ.get("VAGRANT_HOME") or Path.home() / ".vagrant.d")
    own = place.root / "vagrant"
    (own / "boxes").mkdir(parents=True)
    for folder in (home / "boxes").glob(f"lab-VAGRANTSLASH-{box}-*"):
        _link(own / "boxes" / folder.name, folder)
    place.env["VAGRANT_HOME"] = str(own)


def _link(path: Path, target: Path) -> None:
    if not path.exists():
        path.symlink_to(target)


def domain(place: Workplace, box: str) -> str:
    """The name of a box's machine in libvirt."""
    return f"{place.project.prefix}{box}"


def virsh(*words: str, check: bool = True) -> str:
    """What virsh prints for these words."""
    argv = ["virsh", "-q", "-c", URI, *words]
    return subprocess.run(argv, check=check, capture_output=True, text=True, timeout=60).stdout


def interfaces(name: str) -> list[str]:
    """The network interfaces of a domain that runs, as this machine names them."""
    return [line.split()[0] for line in virsh("domiflist", name).splitlines() if line.strip()]


def emulators(name: str) -> list[psutil.Process]:
    """The emulator of a domain; none if it does not run."""
    return [process for process in psutil.process_iter(["cmdline"]) if is_guest(process.info["cmdline"] or [], name)]


def is_guest(words: list[str], name: str) -> bool:
    """True for the command line of an emulator of the domain of that name, or of one whose name begins so and `*`."""
    guests = [word.removeprefix("guest=").partition(",")[0] for word in words if word.startswith("guest=")]
    return any(guest == name or (name.endswith("*") and guest.startswith(name[:-1])) for guest in guests)


def ssh(place: Workplace, box: str, script: str) -> list[str]:
    """The command that runs a script on a box as root, outside of lab."""
    note = Notes(place.state).read(box)
    assert note and note.address and note.address.key, f"{box} is not up"
    target = f"{note.address.user}@{note.address.host}"
    return ["ssh", "-i", note.address.key, *SSH.split(), "-p", str(note.address.port), target, f"sudo -n {script}"]


def inside(place: Workplace, box: str, script: str, *, check: bool = True) -> str:
    """What a script prints that root runs on a box."""
    argv = ssh(place, box, script)
    return subprocess.run(argv, check=check, capture_output=True, text=True, timeout=120).stdout
