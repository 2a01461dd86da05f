"""All kinds of rules; a choice has one rule of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product

from lab.explain.search.rules import attributes, contents, links, modes, presence
from lab.explain.search.usual import Usual
from lab.explain.search.world import Choice, Kinds, Rule, World

KINDS = (presence, links, contents, attributes, modes)  # in the order of the fields of Choice
AS_HERE = Rule("", 0)
MOST = 100_000  # choices that are tried


def kinds_of(world: World, usual: Usual) -> Kinds:
    """Return the rules of each kind that change something, each once; the first changes nothing."""
    used = frozenset(world.used)
    found = []
    for kind in KINDS:
        effect = partial(_modes, world) if kind is modes else partial(_effect, used)
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


def _modes(world: World, rule: Rule) -> object:
    found = world.modes(rule.modes)
    return tuple([found[number] for number in world.used])


def choices(kinds: Kinds) -> Iterator[Choice]:
    """Yield all choices, those with a lower sum of ranks first; of two with the same sum, the one with fewer rules."""
    ranked = [Choice(*numbers) for numbers in product(*(range(len(rules)) for rules in kinds))][:MOST]
    yield from sorted(ranked, key=lambda choice: _weight(kinds, choice))


def _weight(kinds: Kinds, choice: Choice) -> tuple[int, int]:
    return rank(kinds, choice), sum(number > 0 for number in choice)


def rank(kinds: Kinds, choice: Choice) -> int:
    """Return the sum of the ranks of the rules of a choice."""
    return sum(rules[number].rank for rules, number in zip(kinds, choice, strict=True))


def names(kinds: Kinds, choice: Choice) -> list[str]:
    """Return the names of the rules of a choice that change something."""
    return [rules[number].name for rules, number in zip(kinds, choice, strict=True) if number]
