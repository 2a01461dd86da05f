"""Which objects the producer had: only what git tracks, no leftovers of programs, no .git, a sparse checkout."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import translate
from itertools import combinations

from lab.explain.search.usual import Usual
from lab.explain.search.world import Rule, World

MOST_FAMILIES = 6  # families of leftovers of which every combination is tried
MOST_FOLDERS = 40  # folders of which a sparse checkout is tried
TRACKED = "only what git tracks"


def rules(world: World, usual: Usual) -> Iterator[Rule]:
    """Yield the rules, the likely ones first."""
    git = inside(world, [number for number in range(world.here) if world.objects[number].path == ".git"])
    yield Rule("without .git", 2, git)
    if any(world.tracked):
        yield from _of_git(world)
    yield from _leftovers(world, usual, git)
    if any(world.tracked):
        yield from _sparse(world)


def _of_git(world: World) -> Iterator[Rule]:
    checkout = world.checkout
    missing = frozenset(range(world.here, len(world.objects)))
    kept = _tracked(world)
    yield Rule(TRACKED, 1, _without_all_but(world, kept), missing)
    submodules = [f"{path}/" for path in checkout.submodules]
    if submodules:
        outside = {number for number in kept if not world.objects[number].path.startswith(tuple(submodules))}
        yield Rule(f"{TRACKED}, with empty folders of submodules", 2, _without_all_but(world, outside), missing)
    ignored = {number for number in range(world.here) if world.objects[number].path in checkout.ignored}
    if ignored:
        yield Rule("without what git ignores", 2, _with_emptied(world, ignored))
    yield Rule("with the tracked files that are missing here", 2, frozenset(), missing)
    exported = {number for number in kept if not _is_export_ignored(world, number)}
    if len(exported) < len(kept):
        yield Rule("only what git archive exports", 3, _without_all_but(world, exported), missing)


def _tracked(world: World) -> set[int]:
    """Return the tracked objects of this side, without folders."""
    return {number for number in range(world.here) if world.tracked[number] is not None}


def _is_export_ignored(world: World, number: int) -> bool:
    item = world.tracked[number]
    return item is not None and item.attributes.get("export-ignore") == "set"


def _without_all_but(world: World, kept: Collection[int]) -> frozenset[int]:
    """Return the objects that are absent if only some files are present, with the folders that contain them.

    The folder of a submodule exists in every checkout, even if it is empty.
    """
    modules = set(world.checkout.submodules)
    empty = {number for number in world.folders if modules and world.objects[number].path in modules}
    present = {*kept, *empty, *world.folders_above([*kept, *empty])}
    return frozenset(range(world.here)) - present


def _with_emptied(world: World, gone: Collection[int]) -> frozenset[int]:
    """Return the absent objects and the folders in which nothing else is."""
    rest = [number for number in range(world.here) if number not in gone and number not in world.folders]
    emptied = world.folders_above(gone) - world.folders_above(rest) - {-1}
    return frozenset({*gone, *emptied})


def inside(world: World, tops: Collection[int]) -> frozenset[int]:
    """Return these objects of this side and everything below them."""
    found = set(tops)
    for number in world.outer_first if tops else ():
        if world.parents[number] in found:
            found.add(number)
    return frozenset(found)


def _leftovers(world: World, usual: Usual, git: frozenset[int]) -> Iterator[Rule]:
    """Yield rules on each family of leftovers, on all of them, and on some of them."""
    families = [(name, found) for name, patterns in usual.leftovers if (found := _matching(world, patterns))]
    if not families:
        return
    everything = frozenset[int]().union(*(found for _, found in families))
    for name, found in families:
        yield Rule(f"without {name}", 2, found)
    yield Rule("without any leftovers of programs", 2, everything)
    if git:
        yield Rule("without .git and without any leftovers of programs", 3, everything | git)
    if len(families) > MOST_FAMILIES:
        return
    for count in range(2, len(families)):
        for some in combinations(families, count):
            names = [name for name, _ in some]
            text = f"without {', '.join(names[:-1])} and {names[-1]}"
            yield Rule(text, 3 + count // 3, frozenset[int]().union(*(found for _, found in some)))


def _matching(world: World, patterns: Sequence[str]) -> frozenset[int]:
    """Return the objects with names that match, and everything below them; what git tracks is no leftover."""
    matching = re.compile("|".join(translate(pattern) for pattern in patterns)).match
    kept = world.folders_above(_tracked(world))
    tops = [
        number
        for number in range(world.here)
        if world.tracked[number] is None
        and number not in kept
        and matching(world.objects[number].path.rpartition("/")[2])
    ]
    return inside(world, tops)


def _sparse(world: World) -> Iterator[Rule]:
    """Yield rules on a sparse checkout: the files at the top of the context, and one folder or none."""
    kept = _tracked(world)
    tops = {number for number in kept if "/" not in world.objects[number].path}
    folders: dict[str, list[int]] = {}
    for number in sorted(kept - tops):
        folders.setdefault(world.objects[number].path.partition("/")[0], []).append(number)
    if not folders:
        return
    top = _without_all_but(world, tops)
    yield Rule("a sparse checkout of the files at the top", 4, top)
    for folder, below in list(folders.items())[:MOST_FOLDERS] if len(folders) > 1 else []:
        yield Rule(f"a sparse checkout of {folder}", 4, top.difference(below, world.folders_above(below)))
