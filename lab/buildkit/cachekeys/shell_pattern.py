"""The patterns in a substitution such as ${NAME#*/}: text with * and ?, and what they remove or replace."""

from __future__ import annotations

import re

LONGEST = 1 << 14  # characters of a value in which a pattern is looked for: each place of it may be its beginning


def without_start(pattern: str, value: str, *, greedy: bool) -> str:
    """Return the value without what the pattern matches at its start: as little, or if `greedy` as much as possible.

    Raises ValueError for a pattern that is malformed, as the other functions do.
    """
    found = re.match(_regex(pattern, greedy=greedy), value)
    return value[found.end() :] if found else value


def without_end(pattern: str, value: str, *, greedy: bool) -> str:
    """Return the value without what the pattern matches at its end."""
    return without_start(_reversed(pattern), value[::-1], greedy=greedy)[::-1]


def replaced(pattern: str, replacement: str, value: str, *, everywhere: bool) -> str:
    """Return the value with the replacement in the place of the first match, or of every one.

    ValueError also for a value of more than LONGEST characters.
    """
    if len(value) > LONGEST:
        raise ValueError(f"lab does not support a substitution in a value of more than {LONGEST} characters")
    found = re.compile(_regex(pattern, greedy=True))
    return found.sub(lambda _: replacement, value, count=0 if everywhere else 1)


def _reversed(pattern: str) -> str:
    """Return the pattern from its end to its start, without separating an escape from its character."""
    return "".join(reversed(re.findall(r"\\.|.", pattern, re.DOTALL)))


def _regex(pattern: str, *, greedy: bool) -> str:
    """Return the regular expression of a shell pattern with * and ?; ValueError for a malformed escape.

    What follows a * is looked for where it comes first, and only after the last * of a greedy pattern where it comes
    last. No other place could lead to another result, and to try them all takes time by the power of the stars.
    """
    first, *others = _pieces(pattern)
    last = others.pop() if others and greedy else None
    return first + "".join(f"(?>.*?{piece})" for piece in others if piece) + ("" if last is None else f".*{last}")


def _pieces(pattern: str) -> list[str]:
    """Return the regular expressions of the parts of a pattern between its stars; ValueError for a malformed escape."""
    pieces: list[list[str]] = [[]]
    place = 0
    while place < len(pattern):
        char = pattern[place]
        place += 1
        if char == "*":
            pieces.append([])
        elif char == "?":
            pieces[-1].append(".")
        elif char == "\\":
            following = pattern[place : place + 1]
            if following in ("}", "/"):
                continue
            if following not in ("*", "?", "\\"):
                raise ValueError(f"the escape \\{following} in a substitution's pattern is malformed")
            pieces[-1].append(re.escape(following))
            place += 1
        else:
            pieces[-1].append(re.escape(char))
    return ["".join(piece) for piece in pieces]
