"""What a box says of itself: the evidence that stands beside every table."""

from __future__ import annotations

import re

from lab.boxes.base import Box
from lab.engines.engine import Engine
from lab.results.facts import BoxFacts


def look(box: Box, engine: Engine, summary: str, kind: str) -> BoxFacts:
    """What `docker version` and `docker info` say, and whether the kernel labels its files (getenforce's file)."""
    version = box.check([*engine.docker, "version"], doing="ask Docker for its version", timeout=60)
    info = box.check([*engine.docker, "info"], doing="ask Docker for its settings", timeout=60).text
    enforce = box.run(["cat", "/sys/fs/selinux/enforce"], timeout=20)
    selinux = {"1": "enforcing", "0": "permissive"}.get(enforce.text, "off") if enforce.ok else "off"
    return BoxFacts(
        name=box.name,
        summary=summary,
        kind=kind,
        engine=engine.name,
        client=engine.client,
        server=engine.server,
        commit=engine.commit,
        os=_field(info, "Operating System"),
        kernel=_field(info, "Kernel Version"),
        storage=_field(info, "Storage Driver"),
        security=_security(info),
        selinux=selinux,
        version=version.text,
        info=info,
        buildx=engine.buildx,
        rules=engine.rules,
        sums=engine.sums,
        builder=engine.builder,
    )


def _field(info: str, name: str) -> str:
    """The value of one line of `docker info`."""
    match = re.search(rf"^ *{name}: (.+)$", info, re.MULTILINE)
    return match[1].strip() if match else ""


def _security(info: str) -> tuple[str, ...]:
    """The names below `Security Options:` in `docker info`; a profile's own line is indented further."""
    match = re.search(r"^( *)Security Options:\n((?:\1 .*\n?)+)", info, re.MULTILINE)
    return tuple(re.findall(rf"^{match[1]} (\S+)$", match[2], re.MULTILINE)) if match else ()
