"""The bytes that a client sent: which attributes or contents explain the difference between the two sides."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.cachekeys.transfer import context_bytes, stat_bytes, xattr_bytes
from lab.buildkit.contenthash.entry import Entry, Kind, shown


def arithmetic(
    theirs: int | None, ours: int | None, producer: Sequence[Entry], consumer: Sequence[Entry]
) -> str | None:
    """A line such as "34B + 59B = 93B: one security.selinux of 37 bytes on bar"; None where the bytes are not known.

    The objects are those that the Dockerfile uses. The line says so where they do not explain the difference.
    """
    if theirs is None or ours is None:
        return None
    if theirs == ours:
        return f"{ours}B on both sides"
    parts = _parts({entry.path: entry for entry in producer}, {entry.path: entry for entry in consumer})
    delta = ours - theirs
    total = f"{theirs}B {'+' if delta > 0 else '-'} {abs(delta)}B = {ours}B"
    explained = context_bytes(consumer) - context_bytes(producer)
    if explained == delta and parts:
        return f"{total}: {' and '.join(parts)}"
    return f"{total}; its own files would make {explained:+d}B" if parts else f"{total}, not explained by its files"


def _parts(producer: dict[str, Entry], consumer: dict[str, Entry]) -> list[str]:
    found = []
    for path in sorted({*producer, *consumer}):
        theirs, ours = producer.get(path), consumer.get(path)
        if theirs is None or ours is None:
            found.append(f"{shown(path)} itself")
            continue
        for name in sorted({*theirs.xattrs, *ours.xattrs}):
            values = (theirs.xattrs.get(name), ours.xattrs.get(name))
            if values[0] == values[1]:
                continue
            sizes = [f"{xattr_bytes(name, value)}B" for value in values if value is not None]
            lengths = [f"{len(value)} byte{'s' * (len(value) != 1)}" for value in values if value is not None]
            which = "less" if values[1] is None else "one" if values[0] is None else "another"
            found.append(f"{which} {name} of {' instead of '.join(reversed(lengths))} on {shown(path)} ({sizes[-1]})")
        mode = stat_bytes(theirs.but(mode=ours.mode)) - stat_bytes(theirs)
        if mode:  # setuid, setgid and the sticky bit make a longer number
            found.append(f"the mode of {shown(path)} ({mode:+d}B)")
        if theirs.kind is Kind.FILE and ours.kind is Kind.FILE and theirs.size != ours.size:
            more = ours.size - theirs.size
            found.append(f"{more:+d} byte{'s' * (abs(more) != 1)} of {shown(path)}")
        elif theirs.kind is not ours.kind or theirs.linkname != ours.linkname:
            found.append(f"another kind of {shown(path)}")
    return found
