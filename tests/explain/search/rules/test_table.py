"""The rules of each kind, and the choices among them."""

from __future__ import annotations

from lab.explain.search.rules.table import choices, kinds_of, names, rank
from lab.explain.search.world import Choice, Rule
from tests.explain.search.trees import LEFTOVERS, PROJECT, R9, USUAL, checkout, ordered, world_of

KINDS = tuple(tuple(Rule(f"{kind}{number}", number) for number in range(3)) for kind in "abcde")


def test_every_choice_comes_once_in_the_order_of_its_rank() -> None:
    found = list(choices(KINDS))
    assert len(set(found)) == len(found) == 3**5
    ranks = [rank(KINDS, choice) for choice in found]
    assert ranks == sorted(ranks) and found[0] == Choice()
    counts = [(rank(KINDS, choice), sum(number > 0 for number in choice)) for choice in found]
    assert counts == sorted(counts)


def test_choices_between_two_ranks() -> None:
    both = [*choices(KINDS, 0, 3), *choices(KINDS, 4)]
    assert both == list(choices(KINDS)) and max(rank(KINDS, choice) for choice in choices(KINDS, 0, 3)) == 3


def test_a_choice_is_named_by_its_rules() -> None:
    assert names(KINDS, Choice(1, 0, 2)) == ["a1", "c2"]


def test_rules_with_the_same_effect_are_one_rule() -> None:
    kinds = kinds_of(world_of(ordered([*PROJECT, *LEFTOVERS]), checkout(PROJECT)), USUAL, R9)
    assert all(rules[0].name == "" and all(rule.name for rule in rules[1:]) for rules in kinds)
    modes = [rule.name for rule in kinds[4]]
    assert "modes of git's index with umask 0002" in modes and "modes with umask 0002" not in modes
    # all leftovers are untracked here, and git's rule is the more likely one
    presence = [rule.name for rule in kinds[0]]
    assert "only what git tracks" in presence and "without any leftovers of programs" not in presence
