"""What a box says of itself: the evidence that stands beside every table."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab.boxes.base import Box
from lab.engines.engine import Engine
from lab.results.facts import BoxFacts

# The kernel in the first line, the name of the system in the second one, as `docker info` has them.
SYSTEM = 'uname -r; . /etc/os-release; echo "$PRETTY_NAME"'
LABEL = re.compile(r"^\s*org\.mobyproject\.buildkit\.worker\.(\S+):\s+(\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Said:
    """What an engine says of itself and of its system; the texts of both its answers, unchanged."""

    version: str
    info: str
    os: str
    kernel: str
    storage: str
    security: tuple[str, ...]


def look(box: Box, engine: Engine, summary: str, kind: str, once: Box | None = None) -> BoxFacts:
    """What the engine says of itself and of its box, and whether the kernel labels its files (getenforce's file).

    `once` may be the same box with answers that it gave before: it is asked for all that stays until the daemon starts
    again.
    """
    with ThreadPoolExecutor(3) as side_by_side:  # each question is a round trip to the box
        asked = side_by_side.submit(box.run, ["cat", "/sys/fs/selinux/enforce"], timeout=20)
        said = (_docker if engine.program == "docker" else _buildkit)(once or box, engine, side_by_side)
    enforce = asked.result()
    selinux = {"1": "enforcing", "0": "permissive"}.get(enforce.text, "off") if enforce.ok else "off"
    return BoxFacts(
        name=box.name,
        summary=summary,
        kind=kind,
        engine=engine.name,
        client=engine.client,
        server=engine.server,
        commit=engine.commit,
        os=said.os,
        kernel=said.kernel,
        storage=said.storage,
        security=said.security,
        selinux=selinux,
        version=said.version,
        info=said.info,
        buildx=engine.buildx,
        rules=engine.rules,
        sums=engine.sums,
        builder=engine.builder,
        cache=engine.cache,
    )


def of_same_daemon(facts: BoxFacts, engine: Engine) -> BoxFacts:
    """The facts of an engine whose daemon has answered under another name: with another builder or kind of cache."""
    own = {"engine": engine.name, "buildx": engine.buildx, "rules": engine.rules}
    return facts.model_copy(update={**own, "builder": engine.builder, "cache": engine.cache})


def _docker(box: Box, engine: Engine, side_by_side: ThreadPoolExecutor) -> _Said:
    """What `docker version` and `docker info` say."""
    words = [*engine.docker, "version"]
    version = side_by_side.submit(box.check, words, doing="ask Docker for its version", timeout=60)
    info = box.check([*engine.docker, "info"], doing="ask Docker for its settings", timeout=60).text
    system, kernel = _field(info, "Operating System"), _field(info, "Kernel Version")
    return _Said(version.result().text, info, system, kernel, _field(info, "Storage Driver"), _security(info))


def _buildkit(box: Box, engine: Engine, side_by_side: ThreadPoolExecutor) -> _Said:
    """What buildctl says of its daemon and of the worker, and what the box says of its system."""
    version = side_by_side.submit(box.check, engine.ping, doing="ask BuildKit for its version", timeout=60)
    of_system = side_by_side.submit(box.run, ["sh", "-c", SYSTEM], timeout=20)
    asked = engine.call(["debug", "workers", "--verbose"])
    info = box.check(asked, doing="ask BuildKit for its settings", timeout=60).text
    system = of_system.result().text.split("\n")
    labels = dict(LABEL.findall(info))
    security = (labels.get("apparmor.profile") and "apparmor", labels.get("selinux.enabled") == "true" and "selinux")
    return _Said(
        version.result().text,
        info,
        system[-1] if len(system) > 1 else "",
        system[0],
        labels.get("snapshotter", ""),
        tuple(name for name in security if name),
    )


def _field(info: str, name: str) -> str:
    """The value of one line of `docker info`."""
    match = re.search(rf"^ *{name}: (.+)$", info, re.MULTILINE)
    return match[1].strip() if match else ""


def _security(info: str) -> tuple[str, ...]:
    """The names below `Security Options:` in `docker info`; a profile's own line is indented further."""
    match = re.search(r"^( *)Security Options:\n((?:\1 .*\n?)+)", info, re.MULTILINE)
    return tuple(re.findall(rf"^{match[1]} (\S+)$", match[2], re.MULTILINE)) if match else ()
