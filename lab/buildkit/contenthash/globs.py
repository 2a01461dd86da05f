"""Go's `path.Match`, byte by byte: what a wildcard in a source of COPY matches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from lab.buildkit.contenthash.entry import name_bytes, shown
from lab.errors import ContextError

SLASH = ord("/")
NO_CHARACTER = 0xFFFD  # what Go reads where the bytes are no UTF-8; one byte is then one character


@dataclass(frozen=True, slots=True)
class _Class:
    """A character class: ranges of code points, "/" among them too."""

    negated: bool
    ranges: tuple[tuple[int, int], ...]

    def holds(self, character: int) -> bool:
        return any(low <= character <= high for low, high in self.ranges) is not self.negated


Token = bytes | _Class | None  # text, a class, or "?"
Chunk = tuple[bool, tuple[Token, ...], bool]  # whether a "*" stands before it, and whether it is the last


def matches(pattern: str, path: str) -> bool:
    """True if the whole path matches; ContextError for a malformed pattern, wherever the fault is in it.

    As in Go a "*" takes as little as it can and nothing is tried anew once the text up to the next "*" was found.
    """
    return _matches(_chunks(pattern), name_bytes(path))


def check(pattern: str) -> None:
    """The test that the patternmatcher makes of a pattern, matching it with ".": ContextError if that finds a fault.

    What stands behind the first "*" that did not match is not looked at.
    """
    _matches(_read(pattern), b".")


def _matches(chunks: Iterable[Chunk], name: bytes) -> bool:
    at = 0
    for star, tokens, last in chunks:
        if star and not tokens:
            return b"/" not in name[at:]
        found = _find(tokens, name, at, star=star, last=last)
        if found is None:
            return False
        at = found
    return at == len(name)


def malformed(pattern: str) -> ContextError:
    """What is said of a pattern that Go refuses."""
    return ContextError(f'cannot use the pattern "{shown(pattern)}": it is malformed')


def _find(tokens: tuple[Token, ...], name: bytes, at: int, *, star: bool, last: bool) -> int | None:
    """Where the tokens end that begin at a place, or somewhere behind it if a star stands before them."""
    while True:
        end = _end(tokens, name, at)
        if end is not None and (end == len(name) or not last):
            return end
        if not star or at >= len(name) or name[at] == SLASH:
            return None
        at += 1


def _end(tokens: tuple[Token, ...], name: bytes, at: int) -> int | None:
    """Where the tokens end that begin at a place; None if they do not match there."""
    for token in tokens:
        if isinstance(token, bytes):
            if not name.startswith(token, at):
                return None
            at += len(token)
            continue
        if at >= len(name):
            return None
        character, width = _character(name, at)
        if name[at] == SLASH if token is None else not token.holds(character):
            return None
        at += width
    return at


def _character(name: bytes, at: int) -> tuple[int, int]:
    """The character at a place and how many bytes it takes."""
    if name[at] < 0x80:
        return name[at], 1
    for width in (2, 3, 4):
        try:
            return ord(name[at : at + width].decode()), width
        except (UnicodeDecodeError, TypeError):
            continue
    return NO_CHARACTER, 1


@lru_cache(maxsize=256)
def _chunks(pattern: str) -> tuple[Chunk, ...]:
    """The whole pattern, read once."""
    return tuple(_read(pattern))


def _read(pattern: str) -> Iterator[Chunk]:
    """The pattern at its stars; one without anything has no chunk at all."""
    index = 0
    while index < len(pattern):
        star = pattern[index] == "*"
        while pattern[index : index + 1] == "*":
            index += 1
        tokens: list[Token] = []
        while index < len(pattern) and pattern[index] != "*":
            token, index = _token(pattern, index)
            if isinstance(token, bytes) and tokens and isinstance(tokens[-1], bytes):
                tokens[-1] += token
            else:
                tokens.append(token)
        yield star, tuple(tokens), index == len(pattern)


def _token(pattern: str, index: int) -> tuple[Token, int]:
    """What stands at a place that is no "*", and where it ends."""
    char = pattern[index]
    index += 1
    if char == "?":
        return None, index
    if char == "[":
        return _class(pattern, index)
    if char == "\\":
        if index == len(pattern):
            raise malformed(pattern)
        char = pattern[index]
        index += 1
    return name_bytes(char), index


def _class(pattern: str, index: int) -> tuple[_Class, int]:
    """A class that begins after its "[", and where it ends."""
    negated = pattern[index : index + 1] == "^"
    index += negated
    ranges: list[tuple[int, int]] = []
    while pattern[index : index + 1] != "]" or not ranges:
        low, index = _class_character(pattern, index)
        high = low
        if pattern[index] == "-":
            high, index = _class_character(pattern, index + 1)
        ranges.append((low, high))
    return _Class(negated, tuple(ranges)), index + 1


def _class_character(pattern: str, index: int) -> tuple[int, int]:
    """One character of a class, which "-" and "]" are only when escaped, and which never is the pattern's last."""
    if pattern[index : index + 1] in ("", "-", "]"):
        raise malformed(pattern)
    index += pattern[index] == "\\"
    if index + 1 >= len(pattern) or "\udc80" <= pattern[index] <= "\udcff":
        raise malformed(pattern)
    return ord(pattern[index]), index + 1
