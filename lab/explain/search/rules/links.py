"""How the producer's symbolic links were stored: as links, as text files, or with another mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry, Kind, name_bytes
from lab.explain.search.checkout import LINK
from lab.explain.search.usual import Usual
from lab.explain.search.world import Rule, World


def rules(world: World, usual: Usual) -> Iterator[Rule]:
    """Yield the rules, the likely ones first; git stores links as text files where core.symlinks is false."""
    links = [number for number in world.used if world.objects[number].kind is Kind.SYMLINK]
    mode = _usual_mode(world)
    texts = {number: _text(world.objects[number], mode) for number in links}
    yield Rule("symbolic links as text files", 1, replaced=texts)
    tracked = {number: text for number, text in texts.items() if world.tracked[number] is not None}
    if len(tracked) < len(texts):
        yield Rule("tracked symbolic links as text files", 2, replaced=tracked)
    real = {
        number: Entry(entry.path, Kind.SYMLINK, 0o777, linkname=entry.content.decode("utf-8", "surrogateescape"))
        for number in world.used
        if (item := world.tracked[number]) and item.mode == LINK
        for entry in (world.objects[number],)
        if entry.kind is Kind.FILE and isinstance(entry.content, bytes)
    }
    yield Rule("symbolic links where this side has text files", 2, replaced=real)
    other = {number: world.objects[number].but(mode=0o755) for number in links}
    yield Rule("symbolic links with mode 0755, as macOS creates them", 2, replaced=_new(world, other))
    linux = {number: world.objects[number].but(mode=0o777) for number in links}
    yield Rule("symbolic links with mode 0777, as Linux creates them", 2, replaced=_new(world, linux))


def _usual_mode(world: World) -> int:
    """Return the mode that most files have that are not executable: git would give it to a text file."""
    entries = [world.objects[number] for number in world.used]
    found = Counter(entry.mode for entry in entries if entry.kind is Kind.FILE and not entry.mode & 0o7111)
    return found.most_common(1)[0][0] if found else 0o644


def _text(entry: Entry, mode: int) -> Entry:
    content = name_bytes(entry.linkname)
    return replace(entry, kind=Kind.FILE, mode=mode, size=len(content), content=content, linkname="", sha256=None)


def _new(world: World, replaced: dict[int, Entry]) -> dict[int, Entry]:
    return {number: entry for number, entry in replaced.items() if entry.mode != world.objects[number].mode}
