"""An engine on this machine, private and for a while: no Docker of this machine's own is touched, and nothing stays.

It runs in mount and process namespaces of its own, so that its mounts and its children end with its first process. A
note, STATE/engines/NAME.json, exists before anything else of it, so that the engine of a killed lab is removed later.
`lab.engines.holding` describes the note.
"""

from __future__ import annotations

import getpass
import os
import platform
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from lab.boxes.base import Box, Tell
from lab.boxes.beside import mine
from lab.engines.archive import Archive, sha256_of
from lab.engines.attached import store_engine
from lab.engines.daemon import Daemon
from lab.engines.engine import Engine, engine_of, prove
from lab.engines.holding import HomeNote, check_free, owner_of, user_of, write_note
from lab.engines.home import Home, number
from lab.engines.memory import mount, unmount
from lab.engines.spec import EngineSpec
from lab.engines.unfinished import end_unfinished
from lab.errors import EngineError, HostError
from lab.files import hold, private_folder
from lab.model import Progress
from lab.workers import wait_for

START_SECONDS = 60
PROGRAMS = ("unshare", "setsid", "tar", "ip")
# For /bin/sh: ends a daemon in order, waits until all programs of its folder have ended, and starts it by the words.
# What LAB_BETWEEN holds is run in between; the daemon is started also if that fails.
RESTART = """\
daemon=$1 programs=$2
shift 2
running() { find /proc -mindepth 2 -maxdepth 2 -name exe -lname "$1" 2>/dev/null | cut -d/ -f3; }
kill $(running "$daemon") || exit
until test -z "$(running "$programs/*")"; do sleep 0.1; done
if eval "${LAB_BETWEEN:-:}"; then exec "$@"; fi
"$@"
exit 1
"""
# The death of unshare ends every program in there. It does not end with lab: `up` and `repro` are two processes.
NAMESPACES = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")
CGROUPS = Path("/sys/fs/cgroup")
AGAIN = "run the same command again, which makes the engine anew; the lines above are the end of its log"
AS_ROOT = "run the same command as root"
OWN_DOCKER = (
    "`--engine installed --allow-prune` uses this machine's own Docker instead, "
    "and removes ALL of its images and ALL of its build cache"
)


def may() -> bool:
    """True if lab may run engines of its own on this machine: Linux, and root."""
    return platform.system() == "Linux" and os.geteuid() == 0


def start(
    box: Box,
    spec: EngineSpec,
    archives: Sequence[Archive],
    state: Path,
    tell: Tell,
    kind: type[Daemon] = Daemon,
) -> Engine:
    """Make the engine of these archives (a base first) answer on this machine, which `box` is, and prove it.

    An engine that runs already is used as it is, if it is made of the same archives. This process uses it until
    `release` or `keep`. Raises HostError without root's rights or a program, EngineError if the engine cannot run here,
    does not start or is not the pinned one, BusyError while another lab process of this checkout uses it. Waits while
    another one starts or stops it.
    """
    check_host(spec, archives)
    home = Home(state, spec.home, spec.version, kind)
    stamp = home.folder / f".{'-'.join(archive.contents.sha256[:16] for archive in archives)}"
    with hold(state, [f"engine-{spec.home}"], "engine", wait=True):
        note = check_free(spec.home, state)
        if stamp.exists() and processes(home):
            write_note(spec.home, state, HomeNote(owner=note.owner and mine(), user=mine()))
            return _engine(home, spec, archives, box)
        _remove(home, box)
        write_note(spec.home, state, HomeNote(owner=mine(), user=mine()))
        try:
            tell(Progress(f"engine {spec.home}", "starting on this machine"))
            _unpack(home, archives, box)
            if spec.memory:
                mount(box, home.data, spec.memory)
            box.check(_launching(home), doing=f"start Docker {home.name}", timeout=20)
            engine = _engine(home, spec, archives, box)
            store_engine(home.folder, engine)
            stamp.touch()
        except BaseException:
            _remove(home, box)
            raise
    tell(Progress(f"engine {spec.home}", f"{engine.title} proven", done=True))
    return engine


def stop(box: Box, name: str, state: Path) -> None:
    """End the engine and remove all that was made for it; harmless if it is not there. Waits while it starts."""
    home = Home(state, name)
    if home.note.exists():
        with hold(state, [f"engine-{name}"], "engine", wait=True):
            _remove(home, box)


def leftovers(state: Path) -> list[str]:
    """The engines of this checkout that are on this machine, running or left by a killed lab."""
    return sorted(path.stem for path in (state / "engines").glob("*.json"))


def release(box: Box, state: Path) -> list[str]:
    """End the engines that this process started, and let others use those that stay; returns the names of the former.

    An engine of another lab process is left alone.
    """
    names = [name for name in leftovers(state) if mine() in (owner_of(name, state), user_of(name, state))]
    ended = [name for name in names if owner_of(name, state)]
    for name in names:
        if name in ended:
            stop(box, name, state)
        else:
            write_note(name, state, HomeNote())
    return ended


def abandoned(state: Path) -> list[str]:
    """The engines whose lab process has ended without removing them."""
    owners = {name: owner_of(name, state) for name in leftovers(state)}
    return [name for name, owner in owners.items() if owner and not owner.alive()]


def keep(state: Path) -> None:
    """Let the engines that this process started or used stay until `lab down`."""
    for name in leftovers(state):
        if mine() in (owner_of(name, state), user_of(name, state)):
            write_note(name, state, HomeNote())


def check_host(spec: EngineSpec, archives: Sequence[Archive]) -> None:
    """Raise HostError or EngineError with the reason if this machine cannot run the engine."""
    who = f"cannot run Docker {spec.name} on this machine"
    if platform.system() != "Linux":
        raise HostError(f"{who}: it does not run Linux", hint=f"use boxes: python -m lab up; {OWN_DOCKER}")
    if os.geteuid() != 0:
        user = getpass.getuser()
        raise HostError(
            f"{who}: a private Docker daemon needs root, and you are {user}", hint=f"{AS_ROOT}; {OWN_DOCKER}"
        )
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise HostError(f"{who}: {', '.join(missing)} not installed", hint="python -m lab setup")
    if spec.needs.cgroup == "v1" and (CGROUPS / "cgroup.controllers").exists():
        raise EngineError(
            f"{who}: it supports only control groups of version 1",
            hint="boot with systemd.unified_cgroup_hierarchy=0, or use a box that does",
        )
    have = platform.libc_ver()[1] or "0"
    for wants in (archive.contents.glibc for archive in archives):
        if wants and number(have) < number(wants):
            raise EngineError(f"{who}: its programs need glibc {wants}, this machine has {have}")


def _unpack(home: Home, archives: Sequence[Archive], box: Box) -> None:
    programs = Path(home.daemon.programs)
    private_folder(home.folder)
    programs.mkdir(parents=True)
    for archive in archives:
        words = ["tar", "-xzf", str(archive.path), "-C", str(programs), "--strip-components=1", "--no-same-owner"]
        box.check(words, doing=f"unpack {archive.path.name}")
    start = programs / "start"
    start.write_text(home.daemon.script(), encoding="utf-8")
    start.chmod(0o755)


def _launching(home: Home) -> tuple[str, ...]:
    """The words that start it detached from lab: an engine that `up` starts runs on after `up` has ended."""
    quiet = ("setsid", "--fork", "sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1 </dev/null', "sh", str(home.log))
    return (*quiet, *NAMESPACES, str(home.daemon.programs / "start"))


def _restarting(home: Home) -> tuple[str, ...]:
    """The words that end its daemon and start it again; what it has stored stays."""
    daemon = str(home.daemon.programs / home.daemon.proven[0])
    return ("sh", "-c", RESTART, "sh", daemon, str(home.daemon.programs), *_launching(home))


def _engine(home: Home, spec: EngineSpec, archives: Sequence[Archive], box: Box) -> Engine:
    """Wait until the engine answers; its versions and its programs' bytes must be the pinned ones."""
    programs = {name: total for archive in archives for name, total in archive.contents.programs.items()}
    sums = {name: sha256_of(Path(home.daemon.programs / name)) for name in home.daemon.proven}
    for name, found in sums.items():
        if found != programs.get(name):
            raise EngineError(
                f"cannot use Docker {spec.name}: its {name} has sha256 {found}, in its archive {programs.get(name)}"
            )

    def look() -> tuple[str] | str:
        asked = box.run([*home.client, *home.daemon.ask], timeout=20)
        if asked.ok:
            return (home.daemon.versions(asked.text),)
        if not processes(home):
            raise EngineError(
                f"cannot start Docker {spec.name} on this machine: it ended at once", hint=AGAIN, output=log()
            )
        return "no answer on its socket"

    def log() -> str:
        return home.log.read_text(encoding="utf-8", errors="replace") if home.log.exists() else ""

    (versions,) = wait_for(
        f"Docker {spec.name} on this machine",
        look,
        timeout=START_SECONDS,
        every=0.1,
        error=EngineError,
        hint=AGAIN,
        detail=log,
    )
    plugins = home.daemon.programs / "cli-plugins" if "cli-plugins/docker-buildx" in programs else None
    engine = replace(
        engine_of(spec, (home.client, versions), sums),
        plugins=plugins,
        log=("tail", "-n", "30", str(home.log)),
        restart=_restarting(home),
        program=home.daemon.proven[1],
    )
    return prove(box, spec, engine)


def processes(home: Home) -> list[psutil.Process]:
    """Every process whose program is in the engine's folder, and the start script's own process."""
    programs, found = Path(home.daemon.programs), []
    for pid in psutil.pids():  # process_iter keeps what it knew of a process before that one became another program
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.exe().startswith(f"{programs}/") or str(programs / "start") in process.cmdline():
                found.append(process)
    return found


def _remove(home: Home, box: Box) -> None:
    """Remove all of an engine: processes, network, control groups, sockets, folder, and the note last."""
    end_unfinished(Path(home.daemon.programs))
    mine = processes(home)
    for process in mine:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(mine, timeout=10)
    if Path("/sys/class/net", home.daemon.bridge).exists():
        box.run(["sh", "-c", home.daemon.remove_network()], timeout=60)
    for top in (CGROUPS / home.cgroup, *CGROUPS.glob(f"*/{home.cgroup}")):
        for group, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):  # a process that is just ending is still in it; an empty group costs nothing
                Path(group).rmdir()
    unmount(box, home.data)
    for path in (Path(home.daemon.run), home.folder):
        if path.exists():
            box.check(["rm", "-rf", "--one-file-system", str(path)], doing=f"remove {path}")
    home.note.unlink(missing_ok=True)
