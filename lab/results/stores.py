"""The image store of a Docker engine, as `docker info` shows it: containerd's, or that of a graph driver.

Which one an engine of Docker 24 or later uses depends on its settings and on its history, not on its version alone, so
two machines with the same version can differ. Docker 29 takes containerd's store for a data folder in which no graph
driver was used before (moby, daemon/image_store_choice.go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.results.facts import BoxFacts
from lab.versions import numbers

CONTAINERD, GRAPH = "containerd", "graph driver"
SNAPSHOTTER = "io.containerd.snapshotter"
FIRST_WITH_BOTH, FIRST_BY_DEFAULT = (24,), (29,)


@dataclass(frozen=True, slots=True)
class ImageStore:
    """One store: `kind` is CONTAINERD or GRAPH, `driver` what stores the layers, such as overlay2; `why` is why."""

    kind: str
    driver: str
    why: str

    @property
    def title(self) -> str:
        """The store in a few words, such as "the graph driver overlay2"."""
        return "the containerd image store" if self.kind == CONTAINERD else f"the graph driver {self.driver}"


def store_of(facts: BoxFacts) -> ImageStore | None:
    """The image store of a box's engine; None if `docker info` does not show it."""
    return read_store(facts.info, facts.server)


def read_store(info: str, server: str) -> ImageStore | None:
    """The image store in the text of `docker info`, for a server of that version; None if the text does not show it."""
    found = re.search(r"^( *)Storage Driver: (\S+)\n?((?:\1 .*\n?)*)", info, re.MULTILINE)
    if found is None:
        return None
    version = numbers(re.split(r"[+~-]", server)[0]) or ()
    kind = CONTAINERD if re.search(rf"^ *driver-type: {SNAPSHOTTER}", found[3], re.MULTILINE) else GRAPH
    return ImageStore(kind, found[2], _why(kind, version, info))


def merges_layers(facts: BoxFacts) -> bool | None:
    """True if the engine of a box can merge layers, as `COPY --link` wants; None if its image store is not known."""
    if not facts.is_docker:
        return True
    store = store_of(facts)
    return engine_merges(facts.server) if store is None else store.kind == CONTAINERD


def engine_merges(name: str) -> bool | None:
    """True if every Docker of that name can merge layers, such as 28.5.2+containerd, and false if none can.

    None from Docker 24 on, where a Docker can have either store.
    """
    version = re.match(r"v?([0-9]{1,9})\.[0-9]", name)
    if name.endswith(f"+{CONTAINERD}"):
        return True
    return False if version and int(version[1]) < FIRST_WITH_BOTH[0] else None


def _why(kind: str, version: tuple[int, ...], info: str) -> str:
    if kind == CONTAINERD:
        if version >= FIRST_BY_DEFAULT:
            return "the default since Docker 29 for a data folder that no graph driver used before"
        return "features.containerd-snapshotter is on in daemon.json"
    if version < FIRST_WITH_BOTH:
        return "the only one before Docker 24" if version else "its version is not known"
    if version < FIRST_BY_DEFAULT:
        return "the default before Docker 29"
    if re.search(r"^ *(name=)?userns$", info, re.MULTILINE):
        return "userns-remap is on"
    return (
        "a graph driver used its data folder before, as after an update from Docker 28, or daemon.json names a "
        "storage-driver or turns features.containerd-snapshotter off"
    )
