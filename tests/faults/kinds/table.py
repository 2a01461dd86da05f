"""Every fault of the suite, in the order of the table; one fault is one entry here."""

from __future__ import annotations

import signal
from typing import Any

from tests.faults.fault import REPRO, Fault, Kind
from tests.faults.kinds.answers import Answers
from tests.faults.kinds.disks import Full, RegistryFull
from tests.faults.kinds.guests import YEAR, ClockJump, GuestFull, GuestSshd
from tests.faults.kinds.hosts import Cut, HomeFull, Key, Slow, Sshd, Unknown
from tests.faults.kinds.machine import LittleMemory, NoNames
from tests.faults.kinds.machines import (
    DOWN,
    BakeKilled,
    Frozen,
    Killed,
    LibvirtRestarted,
    LinkDown,
    Slowed,
    VagrantKilled,
)
from tests.faults.kinds.signals import Client, InEngine, InStep, Nothing, OfProgram, OfRegistry

KILL, END, FREEZE = signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP
BOX, ENGINE, COMMAND, REGISTRY, HOST, STOPPED, KILLED = 6, 7, 8, 9, 5, 130, -9
NO_ENGINE = "engine does not answer any more"
NO_REGISTRY = r"registry localhost:\d+ "
BUILD, PUSH, REBUILD = "while the producer builds", "while the producer pushes", "while the consumer rebuilds"
START = "while engines start"

ENGINES = (
    Fault("dockerd-start", "dockerd killed", START, InEngine(KILL), (ENGINE,), "cannot start Docker", "start"),
    Fault("dockerd-build", "dockerd killed", BUILD, InEngine(KILL), (ENGINE,), NO_ENGINE, "build", delay=1),
    Fault("dockerd-push", "dockerd killed", PUSH, InEngine(KILL), (ENGINE,), NO_ENGINE, "push"),
    Fault("dockerd-rebuild", "dockerd killed", REBUILD, InEngine(KILL), (ENGINE,), NO_ENGINE, "rebuild"),
    Fault("dockerd-ends", "dockerd ended by SIGTERM", BUILD, InEngine(END), (ENGINE,), NO_ENGINE, "build", delay=1),
    Fault("dockerd-pause", "dockerd frozen for 3 s", BUILD, InEngine(FREEZE, 3), (0,), phase="build", delay=1),
    Fault("dockerd-frozen", "dockerd frozen", BUILD, InEngine(FREEZE), (ENGINE,), NO_ENGINE, "build", delay=1, cap=8),
    Fault("containerd-killed", "containerd killed", BUILD, InEngine(KILL, names=("containerd",)), (0, ENGINE, COMMAND),
          "", "build", delay=1),
    Fault("containerd-frozen", "containerd frozen", REBUILD, InEngine(FREEZE, names=("containerd",)),
          (0, ENGINE, COMMAND), "", "rebuild", cap=8),
    Fault("step-killed", "the command of a RUN killed", BUILD, InStep(KILL), (COMMAND,), "exit code: 137|137",
          "build"),
    Fault("client-killed", "Docker's client killed", BUILD, Client(KILL), (COMMAND,), "137", "build"),
    Fault("engine-memory", "little memory for dockerd", BUILD, LittleMemory(2, ("dockerd",)), (0, ENGINE, COMMAND),
          "engine|memory", "build", cap=20),
)  # fmt: skip
REGISTRIES = (
    Fault("registry-none", "the registry's program ends at once", "at the start of the run", Nothing(), (REGISTRY,),
          "cannot start the registry", lineup="one"),
    Fault("registry-killed", "registry killed", PUSH, OfRegistry(KILL), (REGISTRY,), NO_REGISTRY, "push",
          lineup="one"),
    Fault("registry-gone", "registry killed", REBUILD, OfRegistry(KILL), (REGISTRY,), NO_REGISTRY, "rebuild",
          lineup="one"),
    Fault("registry-pause", "registry frozen for 3 s", PUSH, OfRegistry(FREEZE, 3), (0,), phase="push",
          lineup="one"),
    Fault("registry-frozen", "registry frozen", PUSH, OfRegistry(FREEZE), (REGISTRY,), NO_REGISTRY, "push", cap=8,
          lineup="one"),
    Fault("registry-full", "the registry's disk full", PUSH, RegistryFull(), (REGISTRY,), NO_REGISTRY, "build",
          lineup="one"),
    Fault("registry-500", "registry answers 500", PUSH, Answers("500"), (REGISTRY,), NO_REGISTRY, "build", cap=30,
          lineup="one"),
    Fault("registry-once", "registry answers 500 once", PUSH, Answers("once 500"), (0, REGISTRY), NO_REGISTRY, "push",
          lineup="one"),
    Fault("registry-429", "registry answers 429", REBUILD, Answers("429"), (REGISTRY,), NO_REGISTRY, "rebuild",
          cap=30, lineup="one"),
    Fault("registry-half", "registry ends each blob in the middle", REBUILD, Answers("half"), (COMMAND, REGISTRY),
          "did not end within|registry", "rebuild", cap=30, lineup="one"),
)  # fmt: skip
PACK = ("pack", "{root}/cache/pack", "--lineup", "one", "--without", "wheels,debian,base,docs,lessons", "--verbose")
ADD = ("engines", "add", "{root}/docker-20.10.24.tgz", "--name", "20.10.24-own")
HOME_FULL = r"the disk of the home folder of \w+ is full"
FULL = "No space left on device|no space left on device"
DISKS = (
    Fault("results-full", "the disk of the results full", "at the start of the run", Full("results"), (HOST,), FULL,
          lineup="one"),
    Fault("results-filled", "the disk of the results full", REBUILD, Full("results"), (HOST,), FULL, "rebuild",
          lineup="one"),
    Fault("results-table", "the disk of the results nearly full", BUILD, Full("results", 12_000), (HOST,), FULL,
          "build", lineup="one"),
    Fault("state-full", "the disk of the engines full", START, Full("state", 60 << 20), (COMMAND, HOST), FULL, "start",
          lineup="one"),
    Fault("data-full", "the disk of the engines full", BUILD, Full("state"), (COMMAND, ENGINE, REGISTRY), FULL,
          "build", lineup="one"),
    Fault("home-full", "the disk of the home folder full", "at the start of the run", Full("home"), (COMMAND,),
          HOME_FULL,
          lineup="one"),
    Fault("add-full", "the cache's disk full", "while an archive is added", Full("cache", 8 << 20), (HOST,), FULL,
          words=ADD, lineup="one"),
    Fault("pack-full", "the pack's disk full", "while a pack is made", Full("cache", 8 << 20), (HOST,),
          "MB free at",
          words=PACK, lineup="one"),
)  # fmt: skip
MACHINE = (
    Fault("no-names", "no name server answers", "during the whole run", NoNames(), (0,), lineup="one"),
    Fault("no-names-base", "no name server answers", "when a base image is pulled", NoNames(), (COMMAND,),
          "could not be pulled", words=(*REPRO, "--base", "registry.invalid/base:1"), cap=30, lineup="one"),
    Fault("program-memory", "little memory for lab", BUILD, LittleMemory(4), (0, KILLED, COMMAND, ENGINE), "memory|137",
          "build", cap=20, lineup="one"),
)  # fmt: skip
LOST = r"cannot (reach|read how|log in)"
HOSTS = (
    Fault("host-cut", "the box's network cut", BUILD, Cut(), (BOX,), LOST, "build", delay=1, lineup="hosts", cap=8),
    Fault("host-blink", "the box's network cut for 3 s", BUILD, Cut(3), (0,), phase="build", delay=1, lineup="hosts"),
    Fault("host-slow", "the box's network slowed", BUILD, Slow(), (0,), phase="build", lineup="hosts"),
    Fault("sshd-killed", "sshd killed", BUILD, Sshd(KILL), (BOX,), LOST, "build", delay=1, lineup="hosts"),
    Fault("sshd-gone", "sshd killed", REBUILD, Sshd(KILL), (BOX,), LOST, "rebuild", lineup="hosts"),
    Fault("sshd-pause", "sshd frozen for 3 s", PUSH, Sshd(FREEZE, 3), (0,), phase="push", lineup="hosts"),
    Fault("sshd-frozen", "sshd frozen", BUILD, Sshd(FREEZE), (BOX,), LOST, "build", lineup="hosts", cap=8),
    Fault("host-key", "the box's host key replaced", "before the run", Key("host"), (BOX,), "host key", lineup="hosts"),
    Fault("user-key", "the key that the box accepts replaced", "before the run", Key("user"), (BOX,), "cannot log in",
          lineup="hosts"),
    Fault("host-name", "the box's name unknown", "before the run", Unknown(), (BOX,), "cannot .*reach|longer",
          lineup="hosts"),
    Fault("host-dockerd", "dockerd of the box killed", REBUILD, InEngine(KILL), (ENGINE,), NO_ENGINE, "rebuild",
          lineup="hosts"),
    Fault("host-full", "the disk of the box's home folder full", "before the run", HomeFull(), (COMMAND,),
          HOME_FULL,
          lineup="hosts"),
)  # fmt: skip
ANYWHERE = "at a random moment"


def killed(verb: str, moments: int, seconds: float, words: tuple[str, ...], first: tuple[str, ...] = ()) -> list[Fault]:
    """The program killed at so many moments of its first `seconds`."""
    return [
        Fault(f"lab-{verb}-{number}", f"lab killed in `{verb}`", ANYWHERE, OfProgram(KILL, first=first), (0, KILLED),
              phase="anywhere", delay=seconds, words=words, lineup="one")
        for number in range(1, moments + 1)
    ]  # fmt: skip


UP = ("up", "--lineup", "one", "--verbose")
PROGRAM = (
    Fault("lab-ctrl-c", "lab stopped by Ctrl-C", BUILD, OfProgram(signal.SIGINT), (STOPPED,), "stopped", "build",
          delay=2, lineup="one"),
    Fault("lab-term", "lab stopped by SIGTERM", REBUILD, OfProgram(END), (STOPPED,), "stopped", "rebuild", delay=1,
          lineup="one"),
    Fault("lab-pause", "lab frozen for 3 s", ANYWHERE, OfProgram(FREEZE, 3), (0,), phase="anywhere", delay=6,
          lineup="one"),
    *killed("repro", 16, 8, REPRO),
    *killed("up", 8, 4, UP),
    *killed("down", 6, 2, ("down", "--verbose"), UP),
    *killed("pack", 5, 2, PACK),
    *killed("engines add", 5, 3, ADD),
)  # fmt: skip
UP_VM, BOOT = ("up", "--lineup", "vm", "--verbose"), "while the box boots"


def vm(
    name: str, what: str, when: str, kind: Kind, codes: tuple[int, ...], blames: str, phase: str, **more: Any
) -> Fault:
    """A fault of the virtual machine, which is emulated: what takes a second elsewhere takes ten there."""
    return Fault(f"vm-{name}", what, when, kind, codes, blames, phase, lineup="vm", **{"seconds": 240, **more})


MACHINES = (
    vm("killed", "the box killed", BUILD, Killed(), (BOX,), LOST, "build", delay=1, cap=20),
    vm("killed-rebuild", "the box killed", REBUILD, Killed(), (BOX,), LOST, "rebuild", cap=20),
    vm("killed-up", "the box killed", BOOT, Killed(DOWN), (BOX,), "cannot bring up", "boot", delay=3, words=UP_VM),
    vm("pause", "the box frozen for 5 s", BUILD, Frozen(seconds=5), (0,), "", "build", delay=1),
    vm("pause-rebuild", "the box frozen for 5 s", REBUILD, Frozen(seconds=5), (0,), "", "rebuild"),
    vm("frozen", "the box frozen", BUILD, Frozen(), (BOX,), LOST, "build", delay=1, cap=20),
    vm("slow", "the box slowed to a quarter for 30 s", BUILD, Slowed(), (0,), "", "build"),
    vm("sshd", "sshd killed", BUILD, GuestSshd(), (BOX,), LOST, "build"),
    vm("blink", "the box's network cut for 5 s", BUILD, LinkDown(seconds=5), (0,), "", "build", delay=1),
    vm("cut", "the box's network cut", BUILD, LinkDown(), (BOX,), LOST, "build", delay=1, cap=20),
    vm("full", "the box's disk full", "before the run", GuestFull(), (COMMAND,), FULL, "before"),
    vm("filled", "the box's disk full", BUILD, GuestFull(), (COMMAND, ENGINE), FULL, "build"),
    vm("clock-on", "the box's clock a year ahead", BUILD, ClockJump(), (0,), "", "build"),
    vm("clock-back", "the box's clock a year behind", BUILD, ClockJump(seconds=-YEAR), (0,), "", "build"),
    vm("vagrant", "vagrant killed", "during `vagrant up`", VagrantKilled(), (BOX,), "cannot bring up", "vagrant",
       delay=15, words=UP_VM),
    vm("libvirt", "libvirt restarted under a suspended box", "before the first `up`", LibvirtRestarted(), (0,), "",
       "before", words=UP_VM),
    vm("lab-up", "lab killed in `up`", ANYWHERE, OfProgram(KILL, first=DOWN), (0, KILLED), "", "anywhere", delay=60,
       words=UP_VM),
    vm("lab-down", "lab killed in `down`", ANYWHERE, OfProgram(KILL, first=UP_VM), (0, KILLED), "", "anywhere",
       delay=8, words=("down", "--verbose")),
    vm("lab-repro", "lab killed in `repro`", ANYWHERE, OfProgram(KILL, first=DOWN), (0, KILLED), "", "anywhere",
       delay=90),
    vm("lab-bake", "lab killed in `bake`", ANYWHERE, BakeKilled(), (0, KILLED), "", "anywhere", delay=60,
       words=("bake", "debian12", "--verbose"), seconds=900),
)  # fmt: skip
FAULTS = (*ENGINES, *REGISTRIES, *DISKS, *MACHINE, *HOSTS, *PROGRAM, *MACHINES)
# Only `make faults` and their names make these, each for its reason.
LEFT_OUT = {
    "vm-lab-bake": "a bake takes minutes",
    "vm-libvirt": "libvirt restarts only without other machines",
    "vm-slow": "it takes six minutes",
    "vm-frozen": "it takes six minutes",
}
