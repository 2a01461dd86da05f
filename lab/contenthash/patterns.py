"""Include and exclude patterns, and .dockerignore, as moby's patternmatcher takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lab.contenthash import gopath
from lab.errors import ContextError

Matched = tuple[bool, ...]  # for each pattern whether a directory matched it: what is below inherits that
UNKNOWN: Matched = ()


class Pattern:
    """One cleaned pattern; `exception` is true for one that began with "!"."""

    def __init__(self, text: str) -> None:
        self.exception = text.startswith("!")
        self.text = text[1:] if self.exception else text
        if not self.text:
            raise ContextError('cannot use the pattern "!": it excepts nothing')
        gopath.matches(self.text, ".")  # for its syntax
        self._regex = _compile(self.text)

    def matches(self, path: str) -> bool:
        """True if it matches the path itself, parents not considered."""
        if self._regex is not None:
            return self._regex.fullmatch(path) is not None
        if self.text.startswith("**"):
            rest = self.text[2:]
            return path.endswith(rest) or (rest.startswith("/") and path == rest[1:])
        if self.text.endswith("**"):
            return path.startswith(self.text[:-2])
        return path == self.text


class Matcher:
    """An ordered list of patterns; the last one that matches decides. ContextError for a malformed pattern."""

    def __init__(self, patterns: Iterable[str]) -> None:
        stripped = (pattern.strip() for pattern in patterns)
        self.patterns = [Pattern(gopath.clean(pattern)) for pattern in stripped if pattern]

    @property
    def has_exceptions(self) -> bool:
        """True if a pattern begins with "!"."""
        return any(pattern.exception for pattern in self.patterns)

    def match(self, path: str, above: Matched = UNKNOWN) -> tuple[bool, Matched]:
        """Whether a path matches, and what is below it inherits; `above` is what its directory gave."""
        matched = False
        inherited: list[bool] = []
        for number, pattern in enumerate(self.patterns):
            hit = above[number] if above else False
            if not hit and pattern.exception == matched:
                hit = pattern.matches(path) or (not above and self._parent_matches(pattern, path))
            inherited.append(hit)
            if hit:
                matched = not pattern.exception
        return matched, tuple(inherited)

    @staticmethod
    def _parent_matches(pattern: Pattern, path: str) -> bool:
        names = path.split("/")[:-1]
        return any(pattern.matches("/".join(names[: count + 1])) for count in range(len(names)))


def read_ignore_file(text: str) -> list[str]:
    """The patterns of a .dockerignore: comments and blank lines left out, paths cleaned, a leading "/" dropped."""
    patterns = []
    for raw in text.removeprefix("\ufeff").split("\n"):
        line = raw.strip()
        if raw.startswith("#") or not line:
            continue
        mark, line = ("!", line[1:].strip()) if line.startswith("!") else ("", line)
        if line:
            line = gopath.clean(line)
            line = line[1:] if len(line) > 1 and line.startswith("/") else line
        patterns.append(mark + line)
    return patterns


def _compile(pattern: str) -> re.Pattern[str] | None:
    """A regular expression; None for a plain path, `**` before one, or `**` after one, which need none."""
    found, index, first, kind = "", 0, True, "plain"
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if pattern.startswith("**", index - 1):
            index += 1
            index += pattern[index : index + 1] == "/"
            if index == len(pattern):
                kind, found = ("ending", found) if kind == "plain" else ("regex", found + ".*")
            else:
                kind, found = "regex", found + "(.*/)?"
            kind = "beginning" if first else kind
        elif char in "*?":
            kind, found = "regex", found + ("[^/]*" if char == "*" else "[^/]")
        elif char == "\\" and index < len(pattern):
            kind, found = "regex", found + re.escape(pattern[index])
            index += 1
        elif char == "[":
            text, index = gopath.character_class(pattern, index)
            kind, found = "regex", found + text
        else:
            found += re.escape(char)
        first = False
    return re.compile(found) if kind == "regex" else None
