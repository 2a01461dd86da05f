"""Include and exclude patterns, and .dockerignore, as moby's patternmatcher matches them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

from lab.buildkit.contenthash import globs, gopath, goregexp
from lab.errors import ContextError

Matched = tuple[bool, ...]  # for each pattern, whether a directory matches it; objects below inherit that
UNKNOWN: Matched = ()
BLANKS = (  # the characters that Go's strings.TrimSpace removes
    "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
)

ESCAPED, OLD_ESCAPED = ".+()$", ".$"  # what the patternmatcher escapes in expressions, and what it did before 2021


class Pattern:
    """One cleaned pattern; `exception` is true if it began with "!"."""

    def __init__(self, text: str) -> None:
        self.exception = text.startswith("!")
        self.text = text[1:] if self.exception else text
        if not self.text:
            raise ContextError('cannot use the pattern "!": no path follows the "!"')
        globs.check(self.text)
        self._kind, self._expression = _expression(self.text)

    def matches(self, path: str) -> bool:
        """True if the pattern matches the path itself; parent directories are not considered.

        ContextError if the pattern gives an expression that Go cannot compile. The error is raised here and not
        earlier, because BuildKit also compiles a pattern only when it matches a path with it.
        """
        if self._kind == "plain":
            return path == self.text
        if self._kind == "beginning":
            rest = self.text[2:]
            return path.endswith(rest) or (rest.startswith("/") and path == rest[1:])
        if self._kind == "ending":
            return path.startswith(self.text[:-2])
        return self._search(_characters(path))

    def matched_before(self, path: str) -> bool:
        """True if the pattern matches the path itself for clients before BuildKit 0.10.

        They make an expression of each pattern, in which `+`, `(`, `)`, `|` and braces have a meaning too. ContextError
        as for `matches`.
        """
        return self._old_search(_characters(path))

    @cached_property
    def _search(self) -> Callable[[str], bool]:
        return goregexp.translate(self._expression, self.text)

    @cached_property
    def _old_search(self) -> Callable[[str], bool]:
        return goregexp.translate(_expression(self.text, OLD_ESCAPED)[1], self.text)


class Matcher:
    """An ordered list of patterns; the last pattern that matches decides. ContextError for a malformed pattern."""

    def __init__(self, patterns: Iterable[str]) -> None:
        stripped = (pattern.strip(BLANKS) for pattern in patterns)
        self.patterns = [Pattern(gopath.clean(pattern)) for pattern in stripped if pattern]

    def match(self, path: str, above: Matched = UNKNOWN) -> tuple[bool, Matched]:
        """Return whether a path matches, and the matches that the objects below it inherit.

        `above` is the second value that `match` returned for the path's directory.
        """
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

    def match_by_depth(self, path: str) -> bool:
        """Whether a path matches for clients before BuildKit 0.10.

        They also match a pattern with the directory above the path that is as deep as the pattern, and with no other.
        """
        matched, names = False, path.split("/")[:-1]
        for pattern in self.patterns:
            depth = pattern.text.count("/") + 1
            above = "/".join(names[:depth]) if depth <= len(names) else None
            if pattern.matched_before(path) or (above is not None and pattern.matched_before(above)):
                matched = not pattern.exception
        return matched

    @staticmethod
    def _parent_matches(pattern: Pattern, path: str) -> bool:
        names = path.split("/")[:-1]
        return any(pattern.matches("/".join(names[: count + 1])) for count in range(len(names)))


def read_ignore_file(text: str) -> list[str]:
    """Return the patterns of a .dockerignore.

    Comments and blank lines are left out, paths are cleaned, and a leading "/" is removed.
    """
    patterns = []
    for raw in text.removeprefix("\ufeff").split("\n"):
        line = raw.strip(BLANKS)
        if raw.startswith("#") or not line:
            continue
        mark, line = ("!", line[1:].strip(BLANKS)) if line.startswith("!") else ("", line)
        if line:
            line = gopath.clean(line)
            line = line[1:] if len(line) > 1 and line.startswith("/") else line
        patterns.append(mark + line)
    return patterns


def _characters(text: str) -> str:
    """Return a text as Go decodes it: each byte that is not UTF-8 becomes the character U+FFFD."""
    return text if text.isascii() else re.sub("[\udc80-\udcff]", "\ufffd", text)


def _expression(pattern: str, escaped: str = ESCAPED) -> tuple[str, str]:
    """Return the kind of a pattern and its regular expression.

    The kinds are "plain" (a path), "beginning" and "ending" (`**` at the start or at the end) and "regex". The
    expression is the one that the patternmatcher builds. `^`, `|`, braces, classes and escaped characters are copied
    into it unchanged. The patternmatcher intends to escape `|` and braces, but its code does not do it.
    """
    text = _characters(pattern).removeprefix("\ufeff")
    index, kind = 0, "plain"
    found = ["^"]  # pieces, because a text that grows by characters takes time by the square of its length
    while index < len(text):
        start, char = index, text[index]
        index += 1
        if text.startswith("**", start):
            index += 1
            index += text[index : index + 1] == "/"
            if index < len(text):
                kind = "regex"
                found.append("(.*/)?")
            else:
                kind = "ending" if kind == "plain" else "regex"
                found.append(".*")
            kind = "beginning" if start == 0 else kind
        elif char in "*?":
            kind = "regex"
            found.append("[^/]*" if char == "*" else "[^/]")
        elif char in escaped:
            found.append("\\" + char)
        elif char == "\\" and index < len(text):
            kind = "regex"
            found.append(char + text[index])
            index += 1
        else:
            kind = "regex" if char in "[]" else kind
            found.append(char)
    return kind, "".join((*found, "$"))
