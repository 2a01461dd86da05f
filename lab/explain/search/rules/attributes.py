"""The extended attributes of the producer's objects: none, or some of those of this side."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.explain.search.usual import Usual
from lab.explain.search.variants import LABEL
from lab.explain.search.world import Rule, World


def rules(world: World, usual: Usual) -> Iterator[Rule]:
    """Yield the rules, the likely ones first; values of the other side, except labels, are tried in other stages."""
    for label in usual.labels:
        value = label.encode() + b"\0"
        labelled = {number: {**world.objects[number].xattrs, LABEL: value} for number in world.used}
        yield Rule(f"the SELinux label {label} on everything", 6, attributes=labelled)
    names = sorted({name for number in world.used for name in world.objects[number].xattrs})
    if not names:
        return
    yield Rule("no extended attributes", 1, attributes=_without(world, lambda name: True))
    families = {
        LABEL: "SELinux labels",
        "com.apple.": "attributes of macOS (com.apple.*)",
        "user.": "attributes user.*",
    }
    for start, text in families.items():
        found = [name for name in names if name.startswith(start)]
        if found and len(found) < len(names):
            yield Rule(f"no {text}", 2, attributes=_without(world, lambda name, start=start: name.startswith(start)))  # type: ignore[misc]
    for name in names if len(names) > 1 else []:
        yield Rule(f"no attribute {name}", 2, attributes=_without(world, name.__eq__))


def _without(world: World, gone: Callable[[str], bool]) -> dict[int, dict[str, bytes]]:
    found = {}
    for number in world.used:
        xattrs = world.objects[number].xattrs
        kept = {name: value for name, value in xattrs.items() if not gone(name)}
        if len(kept) < len(xattrs):
            found[number] = kept
    return found
