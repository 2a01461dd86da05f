"""The remedies that give both sides the same digest, alone or one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.explain.remedies import attributes, chmod, contents, ignore
from lab.explain.remedies.remedy import Pair, Place, Remedy, Sides, Step

KINDS = (ignore, contents, attributes, chmod)  # in the order in which they are combined
SAMPLE = 64  # objects of a first trial
MOST_STEPS = 6  # steps of one remedy


def remedies(sides: Sides) -> list[Remedy]:
    """Return the remedies after which both sides have the same digest, at most one for each place; nothing else.

    A single step is preferred. If none is enough, one or two steps are chosen for each kind of difference.
    """
    if sides.alike:
        return []
    sample = sides.sample(SAMPLE)
    found: dict[Place, Remedy] = {}
    for kind in KINDS:
        for step in kind.steps(sides):
            if step.place not in found and not sample.after(step).pairs and sides.after(step).alike:
                found[step.place] = Remedy((step,))
    if found:
        # what one side alone can do need not be done on both
        alone = {remedy.steps[0].text for place, remedy in found.items() if place is not Place.BOTH}
        both = [remedy for place, remedy in found.items() if place is Place.BOTH and remedy.steps[0].text not in alone]
        return [remedy for place, remedy in found.items() if place is not Place.BOTH] + both
    combined = _combined(sides)
    return [combined] if combined else []


def _combined(sides: Sides) -> Remedy | None:
    """Return steps of several kinds, each of which removes differences of its kind; None if they do not suffice."""
    chosen: list[Step] = []
    for kind, differ in zip(KINDS, DIFFER, strict=True):
        while len(chosen) < MOST_STEPS:
            sample = sides.sample(SAMPLE, differ)
            before = _count(sample, differ)
            if not before:
                break
            rest = [(_count(sample.after(step), differ), place, step) for place, step in enumerate(kind.steps(sides))]
            best = min(rest, key=lambda item: item[:2], default=None)
            if best is None or best[0] >= before:
                return None
            sides = sides.after(best[2])
            chosen.append(best[2])
    return Remedy(tuple(chosen)) if len(chosen) > 1 and sides.alike else None


def _count(sides: Sides, differ: Callable[[Pair], bool]) -> int:
    return sum(map(differ, sides.pairs))


def _presence(pair: Pair) -> bool:
    return None in pair


def _contents(pair: Pair) -> bool:
    mine, theirs = pair
    return mine is not None and theirs is not None and contents.differ((mine, theirs))


def _attributes(pair: Pair) -> bool:
    mine, theirs = pair
    return mine is not None and theirs is not None and mine.xattrs != theirs.xattrs


def _modes(pair: Pair) -> bool:
    mine, theirs = pair
    return mine is not None and theirs is not None and mine.mode != theirs.mode


DIFFER: tuple[Callable[[Pair], bool], ...] = (_presence, _contents, _attributes, _modes)  # of the kinds in KINDS


def trials(sides: Sides) -> Iterator[tuple[Step, bool]]:
    """Yield every step that is proposed, and whether it alone gives both sides the same digest."""
    for kind in KINDS:
        for step in kind.steps(sides):
            yield step, sides.after(step).alike
