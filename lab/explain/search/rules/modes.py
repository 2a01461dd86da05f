"""The modes of the producer's objects: those of an umask, or one mode for everything."""

from __future__ import annotations

from collections.abc import Iterator

from lab.explain.search.sorts import Modes
from lab.explain.search.usual import Usual
from lab.explain.search.world import Rule, World

RANKS = {0o022: 1, 0o002: 1, 0o000: 2}  # 022 and 002 on most systems, 000 in GitLab's runners; others are rare
RARE = 3
SETGID = 0o2000


def rules(world: World, usual: Usual) -> Iterator[Rule]:
    """Yield the rules, the likely ones first."""
    known = any(item is not None for item in world.tracked)
    for umask in usual.umasks:
        rank = RANKS.get(umask, RARE)
        if known:
            yield Rule(f"modes of git's index with umask {umask:04o}", rank, modes=of_umask(umask, by_index=True))
        yield Rule(f"modes with umask {umask:04o}", rank, modes=of_umask(umask))
    for item in usual.whole_modes:
        yield Rule(item.name, item.rank, modes=Modes(item.file, item.executable, item.folder, item.link))
    if known:
        yield Rule("executable bits of git's index", 2, modes=Modes(0o644, 0o755, None, by_index=True))
    for umask in usual.umasks:
        folder = 0o777 & ~umask
        setgid = of_umask(umask, by_index=known)
        rank = RARE + 1
        name = f"modes with umask {umask:04o} and setgid on all folders"
        yield Rule(name, rank, modes=Modes(setgid.file, setgid.executable, folder | SETGID, by_index=known))
        yield Rule(f"files with umask {umask:04o}", rank, modes=Modes(setgid.file, setgid.executable, None))
        yield Rule(f"folders with umask {umask:04o}", rank, modes=Modes(None, None, folder))
        yield Rule(f"folders with umask {umask:04o} and setgid", rank, modes=Modes(None, None, folder | SETGID))


def of_umask(umask: int, *, by_index: bool = False) -> Modes:
    """Return the modes that programs give to new files and folders under a umask."""
    return Modes(0o666 & ~umask, 0o777 & ~umask, 0o777 & ~umask, by_index=by_index)
