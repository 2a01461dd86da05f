"""Go's `path.Match`, which decides what a wildcard in a source of COPY matches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from lab.buildkit.contenthash.entry import name_bytes, shown
from lab.errors import ContextError

SLASH = ord("/")
NO_CHARACTER = 0xFFFD  # Go decodes each byte that is not UTF-8 as this character


@dataclass(frozen=True, slots=True)
class _Class:
    """A character class: ranges of code points, which may include "/"."""

    negated: bool
    ranges: tuple[tuple[int, int], ...]

    def holds(self, character: int) -> bool:
        return any(low <= character <= high for low, high in self.ranges) is not self.negated


Token = bytes | _Class | None  # text, a class, or "?"
Chunk = tuple[bool, tuple[Token, ...], bool]  # whether a "*" precedes it, its tokens, and whether it is the last one


def matches(pattern: str, path: str) -> bool:
    """True if the pattern matches the whole path; ContextError if any part of the pattern is malformed.

    As in Go, a "*" matches as few characters as possible, and there is no backtracking across a later "*".
    """
    return _matches(_chunks(pattern), name_bytes(path))


def check(pattern: str) -> None:
    """Check a pattern as the patternmatcher does, by matching it with "."; ContextError if that finds an error.

    The part after the first "*" whose chunk does not match is not checked.
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
    """Return the error for a pattern that Go rejects."""
    return ContextError(f'cannot use the pattern "{shown(pattern)}": it is malformed')


def _find(tokens: tuple[Token, ...], name: bytes, at: int, *, star: bool, last: bool) -> int | None:
    """Return where the tokens end if they match at `at`, or at a later position if a star precedes them."""
    while True:
        end = _end(tokens, name, at)
        if end is not None and (end == len(name) or not last):
            return end
        if not star or at >= len(name) or name[at] == SLASH:
            return None
        at += 1


def _end(tokens: tuple[Token, ...], name: bytes, at: int) -> int | None:
    """Return where the tokens end if they match at `at`; None if they do not match."""
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
    """Return the character at a position, and its length in bytes."""
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
    """Return all chunks of a pattern; the result is cached."""
    return tuple(_read(pattern))


def _read(pattern: str) -> Iterator[Chunk]:
    """Split the pattern at its stars; an empty pattern has no chunks."""
    index = 0
    while index < len(pattern):
        star = pattern[index] == "*"
        while pattern[index : index + 1] == "*":
            index += 1
        tokens: list[Token] = []
        while index < len(pattern) and pattern[index] != "*":
            token, index = _token(pattern, index)
            tokens.append(token)
        yield star, tuple(_joined(tokens)), index == len(pattern)


def _joined(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens, with texts that follow each other made one."""
    for is_text, run in groupby(tokens, key=lambda token: isinstance(token, bytes)):
        found = list(run)
        yield from (b"".join(token for token in found if isinstance(token, bytes)),) if is_text else found


def _token(pattern: str, index: int) -> tuple[Token, int]:
    """Read the token at a position that is not a "*"; return it and the position after it."""
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
    """Read a class from the position after its "["; return it and the position after it."""
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
    """Read one character of a class; return it and the position after it.

    "-" and "]" must be escaped, and the character must not be the last one of the pattern.
    """
    if pattern[index : index + 1] in ("", "-", "]"):
        raise malformed(pattern)
    index += pattern[index] == "\\"
    if index + 1 >= len(pattern) or "\udc80" <= pattern[index] <= "\udcff":
        raise malformed(pattern)
    return ord(pattern[index]), index + 1
