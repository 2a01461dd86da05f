"""Put a pinned Docker on a box and prove that it is that one."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePosixPath

from lab.boxes.base import Box, Tell
from lab.engines.download import fetch
from lab.engines.engine import VERSIONS, Engine, is_pinned
from lab.errors import EngineError
from lab.model import Progress
from lab.pins import EngineSpec
from lab.waiting import wait_for

START_SECONDS = 120
HOME = PurePosixPath("/opt/lab/engines")
Docker = tuple[str, ...]  # how its client is called
Answer = tuple[Docker, str]  # a client that reached a daemon, and the versions it printed
OWN: tuple[Docker, ...] = (("docker",), ("sudo", "-n", "docker"))  # as the user, else as root


def ensure(box: Box, spec: EngineSpec, cache: Path, tell: Tell) -> Engine:
    """Make the engine answer on the box and check its version; raise EngineError if it is another one."""
    tell(Progress(box.name, f"Docker {spec.name}: starting"))
    start = {"static": _static, "distro": _service, "installed": _installed}[spec.kind]
    engine = _prove(box, spec, *start(box, spec, cache, tell))
    tell(Progress(box.name, f"Docker {engine.server} proven"))
    return engine


def _prove(box: Box, spec: EngineSpec, docker: Docker, said: str) -> Engine:
    client, server, commit = (*said.split(), "", "", "")[:3]
    if not is_pinned(spec, server):
        raise EngineError(
            f"cannot use {box.name}: its Docker is {server}, pinned is {spec.version}",
            hint=f"change boxes/{box.name}.yaml or boxes/engines.yaml, whichever is wrong",
        )
    return Engine(spec.name, docker, client, server, commit)


def _service(box: Box, spec: EngineSpec, cache: Path, tell: Tell) -> Answer:
    """The box's own package, started by the box's systemd."""
    answer = _reach(box)
    if answer is None:
        box.run(["sudo", "-n", "systemctl", "start", "docker"], timeout=START_SECONDS)
        answer = _wait(box, "docker", OWN)
    return answer


def _installed(box: Box, spec: EngineSpec, cache: Path, tell: Tell) -> Answer:
    """Whatever Docker answers on the box; it is not started or changed."""
    answer = _reach(box)
    if answer is None:
        said = box.run(["docker", "version"], timeout=60)
        raise EngineError(
            f"cannot use the Docker of {box.name}: it does not answer",
            hint="start it, or leave this box out",
            output=said.output,
        )
    return answer


def _reach(box: Box, clients: tuple[Docker, ...] = OWN) -> Answer | None:
    """The first of these ways to call Docker's client that reaches a daemon, with its versions; None if none does."""
    for docker in clients:
        said = box.run([*docker, "version", "--format", VERSIONS], timeout=60)
        if said.ok:
            return docker, said.text
    return None


def _wait(box: Box, unit: str, clients: tuple[Docker, ...]) -> Answer:
    """Wait until the daemon of a systemd unit answers; show its journal's end if it does not."""

    def journal() -> str:
        return box.run(["sudo", "-n", "journalctl", "-u", unit, "-n", "30", "--no-pager"], timeout=60).text

    return wait_for(
        f"the Docker of {box.name}",
        lambda: _reach(box, clients) or "no answer on its socket",
        timeout=START_SECONDS,
        every=1,
        error=EngineError,
        detail=journal,
    )


def _static(box: Box, spec: EngineSpec, cache: Path, tell: Tell) -> Answer:
    """Docker's static archive, in a folder, data-root, socket and unit of its own beside any other Docker."""
    assert spec.sha256
    home = HOME / spec.name
    unit = f"lab-docker-{spec.name}"
    socket = f"unix:///run/{unit}/docker.sock"
    docker = ("sudo", "-n", str(home / "bin" / "docker"), "-H", socket)
    stamp = home / f".{spec.sha256}"
    if not box.run(["test", "-e", str(stamp)]).ok:
        archive = fetch(spec, cache, tell)
        tell(Progress(box.name, f"Docker {spec.name}: copying its archive"))
        remote = PurePosixPath(f"/tmp/{archive.name}")
        box.put(archive, remote)
        _unpack(box, spec, remote, home, stamp)
    answer = _reach(box, (docker,))
    if answer is None:
        _start(box, home, unit, socket)
        answer = _wait(box, unit, (docker,))
    return answer


def _unpack(box: Box, spec: EngineSpec, remote: PurePosixPath, home: PurePosixPath, stamp: PurePosixPath) -> None:
    """Check the archive's sum on the box too, then unpack it; the stamp is written last."""
    sums = box.check(["sha256sum", str(remote)], doing="check the archive's sum").text.split()
    if sums[0] != spec.sha256:
        raise EngineError(
            f"cannot use Docker {spec.name} on {box.name}: "
            f"its archive arrived with sha256 {sums[0]}, pinned is {spec.sha256}"
        )
    sudo = ["sudo", "-n"]
    programs = str(home / "bin")  # by that name SELinux policies take them for programs, wherever they lie
    box.check([*sudo, "mkdir", "-p", programs], doing="make the engine's folder")
    box.check([*sudo, "tar", "-xzf", str(remote), "-C", programs, "--strip-components=1"], doing="unpack the archive")
    relabel = f"! command -v restorecon >/dev/null || restorecon -R {home}"
    box.check([*sudo, "sh", "-c", relabel], doing="label the engine's programs")
    box.check([*sudo, "touch", str(stamp)], doing="mark the archive as unpacked")
    box.check(["rm", "-f", str(remote)], doing="remove the archive")


def _start(box: Box, home: PurePosixPath, unit: str, socket: str) -> None:
    """Start dockerd with its own containerd: without one it would take a containerd that another Docker runs."""
    data, run = f"/var/lib/lab/{home.name}", f"/run/{unit}"
    script = f"""#!/bin/sh
# written by lab: Docker {home.name} beside any other
export PATH={home}/bin:$PATH
mkdir -p {run} {data}
containerd --root {data}/containerd --state {run}/containerd --address {run}/containerd.sock &
exec dockerd --containerd {run}/containerd.sock --data-root {data}/docker --exec-root {run}/exec \\
  --pidfile {run}/docker.pid -H {socket}
"""
    text = shlex.quote(script)
    box.check(
        ["sudo", "-n", "sh", "-c", f"printf %s {text} > {home}/bin/start && chmod +x {home}/bin/start"],
        doing=f"write the start script of Docker {home.name}",
    )
    box.run(["sudo", "-n", "systemctl", "reset-failed", unit], timeout=60)  # fails where there is no such unit
    properties = ["-p", "Delegate=yes", "-p", "KillMode=mixed", "-p", "LimitNOFILE=1048576"]
    box.check(
        ["sudo", "-n", "systemd-run", f"--unit={unit}", *properties, str(home / "bin" / "start")],
        doing=f"start Docker {home.name}",
        timeout=60,
    )
