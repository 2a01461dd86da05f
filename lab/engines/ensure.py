"""Put a pinned Docker on a box and prove that it is that one."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from lab.boxes.base import Box, Result, Tell
from lab.engines.archive import Archive, digest_of
from lab.engines.daemon import HOME, KEEP_SUMS, Daemon, read_sums
from lab.engines.engine import VERSIONS, Engine, is_pinned
from lab.engines.pins import EngineSpec, plain
from lab.engines.stock import Stock
from lab.errors import EngineError
from lab.model import Progress
from lab.workers import wait_for

START_SECONDS = 120
Docker = tuple[str, ...]  # how its client is called
Answer = tuple[Docker, str]  # a client that reached a daemon, and the versions it printed
OWN: tuple[Docker, ...] = (("docker",), ("sudo", "-n", "docker"))  # as the user, else as root
BUILDX_SINCE = 23  # from this major version on `docker build` is the plugin's
# What is there of an engine, in one call: nothing, its programs, or a daemon of which the sums are known.
UNKNOWN_HERE = 3
LOOK = f'test -e "$1" || exit {UNKNOWN_HERE}; test -S "$2/docker.sock" && cat "$3"'
# A start in one call, as root: in emulation each call costs half a second, and each program that is started a tenth, so
# that looking more often would take longer. The start script writes the sums before dockerd makes its socket; the
# socket is there before dockerd answers, and who asks it then waits.
START = """\
unit=$1 state=$2 sums=$3 start=$4
begin() { systemd-run --quiet --unit="$unit" -p Delegate=yes -p KillMode=mixed -p LimitNOFILE=1048576 "$start"; }
begin 2>/dev/null || { systemctl reset-failed "$unit" 2>/dev/null; begin; } || exit
tries=0
until test -S "$state/docker.sock"; do
  tries=$((tries + 1))
  test $((tries % 4)) != 0 || systemctl is-active --quiet "$unit" || exit
  sleep 0.5
done
cat "$sums"
"""
# The sums of the box's own Docker.
OWN_SUMS = f"""\
PATH=$PATH:/usr/sbin:/sbin
dockerd=$(command -v dockerd) || exit 0
kept=$HOME/.lab-sums
set -- "$dockerd" "$(command -v docker)"
{KEEP_SUMS}
cat "$kept"
"""


def ensure(box: Box, spec: EngineSpec, stock: Stock, tell: Tell) -> Engine:
    """Make the engine answer on the box and prove it: versions, and sums where they are pinned.

    Raises EngineError if it does not start or is another one than pinned.
    """
    tell(Progress(box.name, f"Docker {spec.name}: starting"))
    engine = prove(box, spec, STARTERS[spec.kind](box, spec, stock, tell))
    tell(Progress(box.name, f"Docker {engine.server} proven"))
    return engine


def _service(box: Box, spec: EngineSpec, stock: Stock, tell: Tell) -> Engine:
    """Debian's package as the box has it, started by the box's systemd; where it has not, an archive made of it."""
    if spec.archived and not _has_package(box, spec):
        return _archived(box, spec, stock, tell)
    answer = _reach(box, OWN)
    if answer is None:
        box.run(["sudo", "-n", "systemctl", "start", "docker"], timeout=START_SECONDS)
        answer = _wait(box, "docker", OWN)
    engine = engine_of(spec, answer, read_sums(box.run(["sh", "-c", OWN_SUMS], timeout=60).text))
    return replace(engine, log=journal_of("docker"))


def _has_package(box: Box, spec: EngineSpec) -> bool:
    """True if the box's own Docker is Debian's package of that very version, whether it runs or not."""
    asked = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", "docker.io"]
    status, _, version = box.run(asked, timeout=60).text.partition(" ")
    return status == "installed" and plain(version) == spec.version


def _installed(box: Box, spec: EngineSpec, stock: Stock, tell: Tell) -> Engine:
    """Whatever Docker answers on the box; it is not started or changed."""
    answer = _reach(box, OWN)
    if answer is None:
        said = box.run(["docker", "version"], timeout=60)
        raise EngineError(
            f"cannot use the Docker of {box.name}: it does not answer",
            hint="start it, or leave this box out",
            output=said.output,
        )
    return engine_of(spec, answer, read_sums(box.run(["sh", "-c", OWN_SUMS], timeout=60).text))


def _archived(box: Box, spec: EngineSpec, stock: Stock, tell: Tell) -> Engine:
    """An engine from an archive, beside any other: programs, data-root, socket, bridge and unit of its own."""
    _check_cgroups(box, spec)
    archives = [stock.archive(spec, tell)]
    if spec.kind == "reverted" and not _has_package(box, spec):
        # it is dockerd alone: where the box does not have the package it was made of, its base brings the rest
        archives.insert(0, stock.archive(stock.engines[spec.base or ""], tell))
    programs = {name: total for archive in archives for name, total in archive.contents.programs.items()}
    daemon = Daemon(spec.name, containerd="containerd" in programs)
    parts = [daemon.script(), *(archive.contents.sha256 for archive in archives)]
    stamp = daemon.home / spec.name / f".{digest_of(*parts)[:16]}"  # another start script is unpacked anew too
    found = box.run(["sh", "-c", LOOK, "sh", str(stamp), str(daemon.state), str(daemon.sums)])
    if found.exit == UNKNOWN_HERE:
        _bring(box, spec, archives, daemon, stamp, tell)
    client = str(daemon.programs / "docker") if "docker" in programs else "docker"
    clients = ((client, "-H", daemon.socket), ("sudo", "-n", client, "-H", daemon.socket))
    answer = _reach(box, clients) if found.ok else None
    if answer is None:
        tell(Progress(box.name, f"Docker {spec.name}: starting its daemon"))
        found = _start(box, daemon)
        answer = _wait(box, daemon.unit, clients)
    sums = read_sums(found.text)
    _compare(box, spec, programs, sums)
    plugins = daemon.programs / "cli-plugins" if "cli-plugins/docker-buildx" in programs else None
    return replace(engine_of(spec, answer, sums), plugins=plugins, log=journal_of(daemon.unit))


def _check_cgroups(box: Box, spec: EngineSpec) -> None:
    """Docker before 20.10 starts no container where control groups are of version 2, and says so of each RUN only."""
    if spec.needs.cgroup == "v1" and box.run(["test", "-e", "/sys/fs/cgroup/cgroup.controllers"], timeout=60).ok:
        raise EngineError(
            f"cannot run Docker {spec.name} on {box.name}: it knows only control groups of version 1",
            hint="boot the box with systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1",
        )


def _bring(
    box: Box, spec: EngineSpec, archives: list[Archive], daemon: Daemon, stamp: PurePosixPath, tell: Tell
) -> None:
    """Copy the archives to the box and unpack them, later ones over earlier ones."""
    _stop(box, daemon)  # an older build of the same name may run
    remotes = []
    for archive in archives:
        tell(Progress(box.name, f"Docker {spec.name}: copying {archive.path.stat().st_size / 1e6:.0f} MB"))
        remotes.append(PurePosixPath(f"/tmp/{archive.path.name}"))
        box.put(archive.path, remotes[-1])
        found = box.check(["sha256sum", str(remotes[-1])], doing="check the archive's sum").text.split()[0]
        if found != archive.contents.sha256:
            raise EngineError(
                f"cannot use Docker {spec.name} on {box.name}: "
                f"its archive arrived with sha256 {found}, pinned is {archive.contents.sha256}"
            )
    _unpack(box, spec, remotes, daemon, stamp)


STARTERS: dict[str, Callable[[Box, EngineSpec, Stock, Tell], Engine]] = {
    "static": _archived,
    "debian": _service,
    "reverted": _archived,
    "distro": _service,
    "installed": _installed,
}


def engine_of(spec: EngineSpec, answer: Answer, sums: dict[str, str]) -> Engine:
    """What a client that reached its daemon said, and the sums of its programs, as one value."""
    docker, said = answer
    client, server, commit = (*said.split(), "", "", "")[:3]
    rules = f"{spec.rules}, all attributes" if spec.rules and spec.xattrs == "all" else spec.rules
    return Engine(spec.name, docker, client, server, commit, sums=sums, rules=rules)


def prove(box: Box, spec: EngineSpec, engine: Engine) -> Engine:
    """Hold the versions against the pin; ask for buildx where the client needs it."""
    if not is_pinned(spec, engine.server):
        raise EngineError(
            f"cannot use {box.name}: its Docker is {engine.server}, pinned is {spec.name}",
            hint=f"change boxes/{box.name}.yaml or boxes/engines.yaml, whichever is wrong",
        )
    major = engine.client.partition(".")[0]
    if not (major.isdigit() and int(major) >= BUILDX_SINCE):
        return engine
    env = {"DOCKER_CONFIG": str(engine.plugins.parent)} if engine.plugins else {}
    said = box.run(engine.call(["buildx", "version"], env), env=env, timeout=60)
    if not said.ok:
        raise EngineError(
            f"cannot use Docker {engine.client} of {box.name}: its client needs the buildx plugin",
            hint="install docker-buildx on that box",
            output=said.output,
        )
    return replace(engine, buildx=" ".join(said.text.split()[1:2]))


def _compare(box: Box, spec: EngineSpec, programs: dict[str, str], sums: dict[str, str]) -> None:
    """The programs that were started must be the archive's, byte for byte."""
    for name, found in sums.items():
        pinned = programs.get(name)
        if pinned and pinned != found:
            raise EngineError(
                f"cannot use Docker {spec.name} on {box.name}: its {name} has sha256 {found}, the archive's {pinned}",
                hint=f"remove {HOME / spec.name} on {box.name}; it is unpacked again",
            )


def _reach(box: Box, clients: tuple[Docker, ...]) -> Answer | None:
    """The first of these ways to call Docker's client that reaches a daemon, with its versions; None if none does."""
    for docker in clients:
        said = box.run([*docker, "version", "--format", VERSIONS], timeout=60)
        if said.ok:
            return docker, said.text
    return None


def _wait(box: Box, unit: str, clients: tuple[Docker, ...]) -> Answer:
    """Wait until the daemon of a systemd unit answers; show its journal's end if it does not."""
    return wait_for(
        f"the Docker of {box.name}",
        lambda: _reach(box, clients) or "no answer on its socket",
        timeout=START_SECONDS,
        every=0.5,
        error=EngineError,
        detail=lambda: journal(box, unit),
    )


def journal_of(unit: str) -> tuple[str, ...]:
    """The command that prints the last lines that the daemon of a unit logged."""
    return ("sudo", "-n", "journalctl", "-u", unit, "-n", "30", "--no-pager")


def journal(box: Box, unit: str) -> str:
    """The last lines that the daemon of a unit logged."""
    return box.run(journal_of(unit), timeout=60).text


def _unpack(box: Box, spec: EngineSpec, remotes: list[PurePosixPath], daemon: Daemon, stamp: PurePosixPath) -> None:
    """Unpack checked archives into the engine's folder; the stamp is written last."""
    programs, folder = shlex.quote(str(daemon.programs)), shlex.quote(str(stamp.parent))
    unpacking = [f"tar -xzf {shlex.quote(str(remote))} -C {programs} --strip-components=1" for remote in remotes]
    lines = [
        "set -e",
        f"rm -rf {folder}",
        f"mkdir -p {programs}",
        *unpacking,
        f"printf %s {shlex.quote(daemon.script())} > {programs}/start",
        f"chmod +x {programs}/start",
        f"! command -v restorecon >/dev/null || restorecon -R {folder}",
        f"touch {shlex.quote(str(stamp))}",
        f"rm -f {shlex.join(str(remote) for remote in remotes)}",
    ]
    box.check(["sudo", "-n", "sh", "-c", "\n".join(lines)], doing=f"unpack Docker {spec.name}")


def _start(box: Box, daemon: Daemon) -> Result:
    """Start the engine and wait for its socket; returns the sums of its programs, as sha256sum prints them."""
    words = (daemon.unit, str(daemon.state), str(daemon.sums), str(daemon.programs / "start"))
    started = box.run(["sudo", "-n", "sh", "-c", START, "sh", *words], timeout=START_SECONDS)
    if not started.ok:
        why = "it is too slow" if started.timed_out else "its daemon ended"
        said = started.output.decode("utf-8", "replace") + journal(box, daemon.unit)
        raise EngineError(f"cannot start Docker {daemon.name} on {box.name}: {why}", output=said)
    return started


def _stop(box: Box, daemon: Daemon) -> None:
    """Stop the engine and take its network away; harmless where it does not run."""
    box.run(["sudo", "-n", "systemctl", "stop", daemon.unit], timeout=60)
    box.run(["sudo", "-n", "sh", "-c", daemon.remove_network()], timeout=60)
