"""Small packs for tests: plain files of known bytes at the places that a pack has."""

from __future__ import annotations

from pathlib import Path

from lab.machines.pack.gathering import Item
from lab.machines.pack.making import About, Plan, make, plan
from lab.machines.pack.manifest import Sort
from lab.model import Progress

FILES = {
    "boxes/one-0123456789ab.box": (Sort.BOX, bytes(range(256)) * 8192),  # 2 MB: two pieces of a copy
    "engines/1.2.3-aaaaaaaaaaaa.tgz": (Sort.ENGINE, b"an engine\n" * 1000),
    "wheels/example-1.0-py3-none-any.whl": (Sort.WHEEL, b"a wheel"),
    "docs/index.html": (Sort.PAGE, b"<p>the documentation"),
    "base/empty": (Sort.BASE, b""),
}
ABOUT = About(("debian",), ("3.11",), ("bookworm",))


def silent(event: Progress) -> None:
    """Report nothing."""


def write_sources(folder: Path) -> list[Item]:
    """Write the files that a small pack is made of, and list them."""
    items = []
    for path, (sort, content) in FILES.items():
        source = folder / path.replace("/", "-")
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(content)
        items.append(Item(source, path, sort, "one"))
    return items


def planned(items: list[Item], folder: Path) -> Plan:
    """The plan of a pack of these files in a folder."""
    return plan(items, folder, ABOUT, silent)


def write_pack(folder: Path) -> Path:
    """A complete small pack in `folder/pack`."""
    make(planned(write_sources(folder / "sources"), folder / "pack"), silent)
    return folder / "pack"
