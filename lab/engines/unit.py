"""An engine from archives on a box: copied, checked, unpacked, and run as a systemd unit beside any other Docker."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath

from lab.boxes.base import Box, Result, Tell
from lab.engines.archive import Archive, digest_of
from lab.engines.client import START_SECONDS, journal, journal_of, reach, wait_until_reached
from lab.engines.daemon import HOME, SINCE, Daemon, read_since, read_sums
from lab.engines.engine import Engine, engine_of
from lab.engines.spec import EngineSpec
from lab.errors import EngineError, LabError
from lab.model import Progress

# One call finds out what is there of an engine: nothing, its programs, or a daemon whose sums are known.
NOT_UNPACKED = 3
LOOK = f"""\
test -e "$1" || exit {NOT_UNPACKED}
test -S "$2" && cat "$3" || exit
pid=$4
{SINCE}"""
# One call as root starts it. In emulation each call costs half a second and each program that starts a tenth, so more
# frequent looks would take longer. The start script writes the sums before dockerd makes its socket; the socket exists
# before dockerd answers, and a client that connects early waits.
START = """\
unit=$1 socket=$2 sums=$3 start=$4
begin() { systemd-run --quiet --unit="$unit" -p Delegate=yes -p KillMode=mixed -p LimitNOFILE=1048576 "$start"; }
begin 2>/dev/null || { systemctl reset-failed "$unit" 2>/dev/null; begin; } || exit
tries=0
until test -S "$socket"; do
  tries=$((tries + 1))
  test $((tries % 4)) != 0 || systemctl is-active --quiet "$unit" || exit
  sleep 0.5
done
cat "$sums"
"""


# Root's tar would give the programs to the users whose numbers the archive has.
AS_MINE = "--strip-components=1 --no-same-owner --no-same-permissions"
# The socket goes first: START takes a socket that exists for one of the new daemon.
RESTART = f"""\
systemctl stop "$1" && rm -f "$2" || exit
{START}"""


def check_control_groups(box: Box, spec: EngineSpec) -> None:
    """Raise EngineError if the engine supports only control groups of version 1 and the box has version 2.

    Docker before 20.10 then starts no container, and reports that only at each RUN.
    """
    if spec.needs.cgroup == "v1" and box.run(["test", "-e", "/sys/fs/cgroup/cgroup.controllers"], timeout=60).ok:
        raise EngineError(
            f"cannot run Docker {spec.name} on {box.name}: it supports only control groups of version 1",
            hint="boot the box with systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1",
        )


def start_unit(
    box: Box, spec: EngineSpec, archives: Sequence[Archive], tell: Tell, kind: type[Daemon] = Daemon
) -> Engine:
    """Make the engine of these archives (its base first) answer on the box.

    It has its own programs, data-root, socket, bridge and unit. Raises EngineError if an archive arrives damaged, if
    the engine does not start, or if a running program is not the archive's.
    """
    programs = {name: total for archive in archives for name, total in archive.contents.programs.items()}
    daemon = kind(spec.name, containerd="containerd" in programs)
    parts = [daemon.script(), *(archive.contents.sha256 for archive in archives)]
    stamp = daemon.home / spec.name / f".{digest_of(*parts)[:16]}"  # a new start script is unpacked anew too
    places = (stamp, daemon.socket_file, daemon.sums, daemon.pid_file)
    found = box.run(["sh", "-c", LOOK, "sh", *map(str, places)])
    if found.exit == NOT_UNPACKED:
        _bring(box, spec, archives, daemon, stamp, tell)
    name = daemon.proven[1]
    client = daemon.client(str(daemon.programs / name) if name in programs else name)
    clients = (client, ("sudo", "-n", *client))
    answer = reach(box, clients, daemon.ask) if found.ok else None
    if answer is None:
        tell(Progress(box.name, f"Docker {spec.name}: starting its daemon"))
        found = _start(box, daemon)
        answer = wait_until_reached(box, daemon.unit, clients, daemon.ask)
    sums = read_sums(found.text)
    _compare(box, spec, programs, sums)
    plugins = daemon.programs / "cli-plugins" if "cli-plugins/docker-buildx" in programs else None
    answer = (answer[0], daemon.versions(answer[1]))
    engine = engine_of(spec, answer, sums)
    return replace(
        engine,
        plugins=plugins,
        log=journal_of(daemon.unit),
        program=name,
        restart=_as_root(RESTART, daemon),
        since=read_since(found.text),
    )


def _bring(
    box: Box, spec: EngineSpec, archives: Sequence[Archive], daemon: Daemon, stamp: PurePosixPath, tell: Tell
) -> None:
    """Copy the archives to the box and unpack them, later ones over earlier ones."""
    _stop(box, daemon)  # an older build of the same name may be running
    # in a folder that nobody else can enter: another user of the box could replace a checked file in /tmp itself
    place = PurePosixPath(box.check(["mktemp", "-d"], doing="make a folder for the archives").text)
    try:
        remotes = [_copied(box, spec, archive, place, tell) for archive in archives]
        _unpack(box, spec, remotes, daemon, stamp)
    except LabError:
        with suppress(LabError):  # the box may be gone, and the first error says so
            box.run(["rm", "-rf", str(place)], timeout=60)
        raise


def _copied(box: Box, spec: EngineSpec, archive: Archive, place: PurePosixPath, tell: Tell) -> PurePosixPath:
    """Copy one archive to a folder of the box, and check that it has arrived as it was."""
    tell(Progress(box.name, f"Docker {spec.name}: copying {archive.path.stat().st_size / 1e6:.0f} MB"))
    remote = place / archive.path.name
    box.put(archive.path, remote)
    found = box.check(["sha256sum", str(remote)], doing="check the archive's sum").text.split()[0]
    if found != archive.contents.sha256:
        raise EngineError(
            f"cannot use Docker {spec.name} on {box.name}: "
            f"its archive arrived with sha256 {found}, the pinned one is {archive.contents.sha256}"
        )
    return remote


def _unpack(box: Box, spec: EngineSpec, remotes: list[PurePosixPath], daemon: Daemon, stamp: PurePosixPath) -> None:
    """Unpack checked archives into the engine's folder; the stamp is written last."""
    programs, folder = shlex.quote(str(daemon.programs)), shlex.quote(str(stamp.parent))
    unpacking = [f"tar -xzf {shlex.quote(str(remote))} -C {programs} {AS_MINE}" for remote in remotes]
    lines = [
        "set -e",
        f"rm -rf {folder}",
        f"mkdir -p {programs}",
        *unpacking,
        f"printf %s {shlex.quote(daemon.script())} > {programs}/start",
        f"chmod +x {programs}/start",
        f"! command -v restorecon >/dev/null || restorecon -R {folder}",
        f"touch {shlex.quote(str(stamp))}",
        f"rm -rf {shlex.quote(str(remotes[0].parent))}",
    ]
    box.check(["sudo", "-n", "sh", "-c", "\n".join(lines)], doing=f"unpack Docker {spec.name}")


def _start(box: Box, daemon: Daemon) -> Result:
    """Start the engine and wait for its socket; returns the sums of its programs, as sha256sum prints them."""
    started = box.run(_as_root(START, daemon), timeout=START_SECONDS)
    if not started.ok:
        why = f"no socket within {START_SECONDS} s" if started.timed_out else "its daemon ended"
        output = started.output.decode("utf-8", "replace") + journal(box, daemon.unit)
        raise EngineError(f"cannot start Docker {daemon.name} on {box.name}: {why}", output=output)
    return started


def _as_root(script: str, daemon: Daemon) -> tuple[str, ...]:
    """The words that run START or RESTART for a daemon."""
    words = (daemon.unit, str(daemon.socket_file), str(daemon.sums), str(daemon.programs / "start"))
    return ("sudo", "-n", "sh", "-c", script, "sh", *words)


def _stop(box: Box, daemon: Daemon) -> None:
    """Stop the engine and remove its network; harmless where it does not run."""
    box.run(["sudo", "-n", "systemctl", "stop", daemon.unit], timeout=60)
    box.run(["sudo", "-n", "sh", "-c", daemon.remove_network()], timeout=60)


def _compare(box: Box, spec: EngineSpec, programs: dict[str, str], sums: dict[str, str]) -> None:
    """Raise EngineError unless the programs that were started are the archive's, byte for byte."""
    for name, found in sums.items():
        pinned = programs.get(name)
        if pinned and pinned != found:
            raise EngineError(
                f"cannot use Docker {spec.name} on {box.name}: its {name} has sha256 {found}, the archive's {pinned}",
                hint=f"remove {HOME / spec.name} on {box.name}; lab then unpacks it again",
            )
