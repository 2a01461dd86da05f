"""Matches an expression of many wildcards in one pass over a path, as Go's regular expressions do.

Python's try one way through the wildcards after another, of which there are more with each wildcard: a pattern of eight
stars can take hours for one name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

GAP = ("(", ".", "*", "/", ")", "?")  # what `**/` becomes: nothing, or any folders


class Automaton:
    """An expression that is a row of characters, classes, stars and gaps, and matches whole paths.

    `pieces` are the parts of the expression in Python's syntax, each of which matches one character, is a star after
    such a part, or belongs to a gap. ValueError for any other part.

    State `n` is bit `n` of a number: the parts before the n-th have matched. A gap has two states: at the first one it
    may be left out, and the second one is left with a slash only.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self._parts: list[re.Pattern[str] | None] = []
        self._once = self._stars = self._forks = self._gaps = 0
        self._accepted: dict[str, int] = {}
        place = 0
        while place < len(pieces):
            if tuple(pieces[place : place + len(GAP)]) == GAP:
                self._forks |= self._add(None)
                self._gaps |= self._add(None)
                place += len(GAP)
                continue
            bit = self._add(_one_character(pieces[place]))
            star = pieces[place + 1 : place + 2] == ["*"]
            self._stars |= bit if star else 0
            self._once |= 0 if star else bit
            place += 1 + star

    def _add(self, part: re.Pattern[str] | None) -> int:
        self._parts.append(part)
        return 1 << (len(self._parts) - 1)

    def matches(self, text: str) -> bool:
        """True if the expression matches the whole text."""
        states = self._with_left_out(1)
        for char in text:
            taken = states & self._accepts(char)
            open_gaps = 0 if char == "\n" else states & self._gaps  # a dot matches no line feed
            states = (taken & self._once) << 1 | taken & self._stars | open_gaps
            if char == "/":
                states |= open_gaps << 1
            if not states:
                return False
            states = self._with_left_out(states)
        return bool(states >> len(self._parts) & 1)

    def _with_left_out(self, states: int) -> int:
        """The states, and those that are reached from them without a character."""
        while True:
            forks = states & self._forks
            more = states | (states & self._stars) << 1 | forks << 1 | forks << 2
            if more == states:
                return states
            states = more

    def _accepts(self, char: str) -> int:
        """The states at which the character can be taken."""
        found = self._accepted.get(char)
        if found is None:
            fits = (1 << number for number, part in enumerate(self._parts) if part and part.match(char))
            found = self._accepted[char] = sum(fits)
        return found


def _one_character(piece: str) -> re.Pattern[str]:
    """The pattern of one part; ValueError for a part that is no single character."""
    if piece in ("(", ")", "|", "*", "?", "+") or piece.startswith(("{", "(?")) or piece == r"\Z":
        raise ValueError(f"{piece} stands in it")
    return re.compile(piece, re.ASCII)
