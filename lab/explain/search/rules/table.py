"""All kinds of rules; a choice has one rule of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial

from lab.buildkit.contenthash.rules import Rules
from lab.explain.search.rules import attributes, contents, links, modes, presence
from lab.explain.search.usual import Usual
from lab.explain.search.variants import LABEL
from lab.explain.search.world import Choice, Kinds, Rule, World

KINDS = (presence, links, contents, attributes, modes)  # in the order of the fields of Choice
AS_HERE = Rule("", 0)


def kinds_of(world: World, usual: Usual, rules: Rules) -> Kinds:
    """Return the rules of each kind that change something, each once; the first changes nothing.

    `rules` are those of an engine: labels are of no use where it does not hash them.
    """
    used = frozenset(world.used)
    classes = sorted({world.alike.numbers[number] for number in used})
    found: list[list[Rule]] = []
    if not rules.keeps(LABEL):
        usual = replace(usual, labels=())
    for kind in KINDS:
        effect = partial(_modes, world, classes, found[1]) if kind is modes else partial(_effect, used)
        found.append(_distinct([AS_HERE, *kind.rules(world, usual)], effect))
    return tuple(found)


def _distinct(rules: Sequence[Rule], effect: Callable[[Rule], object]) -> list[Rule]:
    """Return the rules with different effects; of two with the same effect, the one that is more likely."""
    found: dict[object, Rule] = {}
    for rule in sorted(rules, key=lambda rule: rule.rank):
        found.setdefault(effect(rule), rule)
    return list(found.values())


def _effect(used: frozenset[int], rule: Rule) -> object:
    """Return what a rule does to the objects that are used, in a form that can be compared."""
    return (
        rule.absent & used,
        rule.added,
        frozenset(
            (number, item.kind, item.mode, item.linkname, item.content) for number, item in rule.replaced.items()
        ),
        frozenset((number, frozenset(xattrs.items())) for number, xattrs in rule.attributes.items()),
    )


def _modes(world: World, used: Collection[int], links: Sequence[Rule], rule: Rule) -> object:
    """Return the modes of the classes of objects that are used, and of what rules on links put in an object's place."""
    found = world.alike.of_classes(rule.modes)
    more = [(number, entry) for link in links for number, entry in link.replaced.items()]
    return tuple(
        [found[number] for number in used]
        + [world.mode(rule.modes, number, entry) if rule.modes else entry.mode for number, entry in more]
    )


def choices(kinds: Kinds, lowest: int = 0, highest: int | None = None) -> Iterator[Choice]:
    """Yield the choices with a sum of ranks between two values, both included, in the order of this sum.

    Of two with the same sum, the one with fewer rules comes first.
    """
    by_rank: list[dict[int, list[int]]] = []
    for rules in kinds:
        ranked: dict[int, list[int]] = {}
        for number, rule in enumerate(rules):
            ranked.setdefault(rule.rank, []).append(number)
        by_rank.append(ranked)
    most = sum(max(ranked) for ranked in by_rank)
    for total in range(lowest, (most if highest is None else min(most, highest)) + 1):
        for count in range(len(kinds) + 1):
            for numbers in _picked(by_rank, total, count):
                yield Choice(*numbers)


def _picked(by_rank: Sequence[dict[int, list[int]]], total: int, count: int) -> Iterator[tuple[int, ...]]:
    """Yield one number of each kind, so that the ranks have this sum and `count` rules change something."""
    if not by_rank:
        if total == count == 0:
            yield ()
        return
    for rank_, numbers in by_rank[0].items():
        change = rank_ > 0
        if rank_ <= total and change <= count:
            for rest in _picked(by_rank[1:], total - rank_, count - change):
                for number in numbers:
                    yield number, *rest


def rank(kinds: Kinds, choice: Choice) -> int:
    """Return the sum of the ranks of the rules of a choice."""
    return sum(rules[number].rank for rules, number in zip(kinds, choice, strict=True))


def names(kinds: Kinds, choice: Choice) -> list[str]:
    """Return the names of the rules of a choice that change something."""
    return [rules[number].name for rules, number in zip(kinds, choice, strict=True) if number]
