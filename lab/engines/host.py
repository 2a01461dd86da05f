"""An engine on this machine, private and for a while: no Docker of this machine's is touched, and nothing stays.

It runs in mount and process namespaces of its own, so that what it mounts and starts ends with its first process. All
else it needs is noted before it exists, in STATE/engines/NAME.json, so that what a killed lab left is cleaned later.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

import psutil
from pydantic import ValidationError

from lab import atomic
from lab.boxes.base import Box, Child, Tell
from lab.engines.archive import Archive, sha256_of
from lab.engines.engine import VERSIONS, Engine, is_pinned
from lab.engines.start import Places, start_script
from lab.errors import EngineError, HostError
from lab.model import Progress
from lab.pins import EngineSpec
from lab.state import hold
from lab.waiting import wait_for
from lab.yamlfile import Strict

START_SECONDS = 60
PROGRAMS = ("unshare", "tar", "ip")
# SIGKILL to unshare ends all that runs in there; no parent's death does, for the parent is a thread that may end first
NAMESPACES = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")
CGROUPS = Path("/sys/fs/cgroup")
NETWORKS = "198.18"  # set aside for tests on one machine (RFC 2544): no network that anybody routes to


class Note(Strict):
    """What is made of an engine on this machine beyond its folder: sockets, a bridge, a control group of this name."""

    run: str
    bridge: str
    cgroup: str


class _Home:
    """The folder of one engine below STATE/engines, and the names that go with it."""

    def __init__(self, state: Path, name: str) -> None:
        self.folder = (state / "engines" / name).absolute()
        self.note = self.folder.with_name(f"{name}.json")
        self.start = self.folder / "bin" / "start"
        short = hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]
        self.made = Note(run=f"/run/lab-{short}", bridge=f"lab-{short}", cgroup=f"lab-{short}")
        self.places = Places(
            PurePosixPath(self.folder / "bin"), PurePosixPath(self.folder / "data"), PurePosixPath(self.made.run)
        )


@contextmanager
def serve(box: Box, spec: EngineSpec, archives: Sequence[Archive], state: Path, tell: Tell) -> Iterator[Engine]:
    """The engine of these archives (a base first), proven, for the time of the context; `box` is this machine.

    Raises HostError without root's right or a program, EngineError if the engine cannot run here, does not start or
    is not the pinned one, BusyError if another lab of this checkout runs it.
    """
    _check_host(spec, archives)
    home = _Home(state, spec.name)
    with hold(state, [f"engine-{spec.name}"], "an engine on this machine"):
        _remove(home.folder, home.made, home.note, box)
        atomic.write(home.note, home.made.model_dump_json() + "\n")
        child: Child | None = None
        try:
            tell(Progress(f"engine {spec.name}", "starting on this machine"))
            _unpack(home, archives, box)
            _bridge(home.made.bridge, box)
            child = _start(home, spec)
            engine = _prove(home, spec, archives, child, box)
            tell(Progress(f"engine {spec.name}", f"Docker {engine.server} proven", done=True))
            yield engine
        finally:
            if child:
                child.stop()
            _remove(home.folder, home.made, home.note, box)


def leftovers(state: Path) -> list[str]:
    """The engines that a killed lab left on this machine, or that another lab runs now."""
    return sorted(path.stem for path in (state / "engines").glob("*.json"))


def clean_up(state: Path, box: Box, tell: Tell) -> list[str]:
    """Remove what killed labs of this checkout left of engines; returns their names. BusyError if one still runs."""
    names = leftovers(state)
    for name in names:
        home = _Home(state, name)
        with hold(state, [f"engine-{name}"], "down"):
            with suppress(OSError, ValidationError):
                home.made = Note.model_validate_json(home.note.read_text(encoding="utf-8"))
            _remove(home.folder, home.made, home.note, box)
        tell(Progress(f"engine {name}", "removed from this machine", done=True))
    return names


def _check_host(spec: EngineSpec, archives: Sequence[Archive]) -> None:
    """Whether this machine can run the engine at all."""
    who = f"cannot run Docker {spec.name} on this machine"
    if platform.system() != "Linux":
        raise HostError(f"{who}: it is no Linux", hint="use the Docker that it has: the engine `installed`")
    if os.geteuid() != 0:
        raise HostError(f"{who}: a Docker daemon needs root", hint="run the same command as root")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise HostError(f"{who}: {', '.join(missing)} not installed", hint="python -m lab setup")
    if spec.needs.cgroup == "v1" and (CGROUPS / "cgroup.controllers").exists():
        raise EngineError(
            f"{who}: it knows only control groups of version 1",
            hint="boot with systemd.unified_cgroup_hierarchy=0, or use a box that does",
        )
    have = platform.libc_ver()[1] or "0"
    for archive in archives:
        wants = archive.contents.glibc
        if wants and _number(have) < _number(wants):
            raise EngineError(f"{who}: its programs need glibc {wants}, this machine has {have}")


def _number(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _unpack(home: _Home, archives: Sequence[Archive], box: Box) -> None:
    programs = home.folder / "bin"
    programs.mkdir(parents=True)
    for archive in archives:
        words = ["tar", "-xzf", str(archive.path), "-C", str(programs), "--strip-components=1", "--no-same-owner"]
        box.check(words, doing=f"unpack {archive.path.name}")


def _bridge(name: str, box: Box) -> None:
    """A bridge with an address of its own, so that dockerd makes none and changes no packet filter."""
    taken = box.run(["ip", "-4", "-o", "address"]).text
    free = next(f"{NETWORKS}.{number}" for number in range(256) if f" {NETWORKS}.{number}." not in taken)
    doing = "make a bridge for its containers"
    box.check(["ip", "link", "add", name, "type", "bridge"], doing=doing)
    box.check(["ip", "address", "add", f"{free}.1/24", "dev", name], doing=doing)
    box.check(["ip", "link", "set", name, "up"], doing=doing)


def _start(home: _Home, spec: EngineSpec) -> Child:
    options = [
        *("--bridge", home.made.bridge, "--iptables=false", "--ip-forward=false", "--ip-masq=false"),
        *("--userland-proxy=false", "--cgroup-parent", f"/{home.made.cgroup}", "--log-level", "warn"),
    ]
    if _number((spec.version or "0").partition("-")[0]) >= [20, 10]:
        options.append("--ip6tables=false")
    home.start.write_text(start_script(spec.name, home.places, options), encoding="utf-8")
    home.start.chmod(0o755)
    return Child([*NAMESPACES, str(home.start)], home.folder / "log")


def _prove(home: _Home, spec: EngineSpec, archives: Sequence[Archive], child: Child, box: Box) -> Engine:
    """Wait until the engine answers; its version and its dockerd's bytes must be the pinned ones."""

    def look() -> str | tuple[str, ...]:
        if not child.alive():
            raise EngineError(f"cannot start Docker {spec.name} on this machine: it ended at once", output=child.said())
        said = box.run([*home.places.client, "version", "--format", VERSIONS], timeout=20)
        return tuple(said.text.split()) if said.ok else "no answer on its socket"

    answer = wait_for(
        f"Docker {spec.name} on this machine",
        look,
        timeout=START_SECONDS,
        every=0.1,
        error=EngineError,
        detail=child.said,
    )
    client, server, commit = (*answer, "", "", "")[:3]
    if not is_pinned(spec, server):
        raise EngineError(f"cannot use Docker {spec.name}: its daemon says {server}, pinned is {spec.version}")
    pinned = archives[-1].contents.programs["dockerd"]
    found = sha256_of(home.folder / "bin" / "dockerd")
    if found != pinned:
        raise EngineError(f"cannot use Docker {spec.name}: its dockerd has sha256 {found}, in its archive {pinned}")
    plugins = home.places.bin / "cli-plugins"
    return Engine(spec.name, home.places.client, client, server, commit, plugins if Path(plugins).is_dir() else None)


def _remove(folder: Path, made: Note, note: Path, box: Box) -> None:
    """Remove all of an engine: processes by the programs they run, sockets, bridge, control groups, folder, note."""
    _kill(folder / "bin")
    if Path("/sys/class/net", made.bridge).exists():
        box.check(["ip", "link", "delete", made.bridge], doing=f"remove the bridge {made.bridge}")
    for top in (CGROUPS / made.cgroup, *CGROUPS.glob(f"*/{made.cgroup}")):
        for group, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):  # a process that is just ending holds it a little longer; an empty group is nothing
                Path(group).rmdir()
    for path in (Path(made.run), folder):
        if path.exists():
            box.check(["rm", "-rf", "--one-file-system", str(path)], doing=f"remove {path}")
    note.unlink(missing_ok=True)


def _kill(programs: Path) -> None:
    """End every process whose program lies in this folder, and what started it from there."""
    mine = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.exe().startswith(f"{programs}/") or str(programs / "start") in process.cmdline():
                mine.append(process)
    for process in mine:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(mine, timeout=10)
