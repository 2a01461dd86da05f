"""Go's regular expressions, limited to the forms that include and exclude patterns can produce."""

from __future__ import annotations

import re
import string
from collections.abc import Callable

from lab.buildkit.contenthash.automaton import Automaton
from lab.buildkit.contenthash.globs import malformed
from lab.counting import whole_number
from lab.errors import UnknownContentError

Ranges = list[tuple[int, int]]
TOP = 0x10FFFF
CONTROL = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
FEW = 2  # wildcards for which Python's expressions need no more steps than the square of the path's length
MOST = 1000  # Go's limit of repetitions
REPEAT = re.compile(r"(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?}")
WRITTEN = {"^": "(?:^)", "$": r"\Z"}
POSIX = {  # ASCII only
    "alnum": "09AZaz",
    "alpha": "AZaz",
    "ascii": "\0\x7f",
    "blank": "\t\t  ",
    "cntrl": "\0\x1f\x7f\x7f",
    "digit": "09",
    "graph": "!~",
    "lower": "az",
    "print": " ~",
    "punct": "!/:@[`{~",
    "space": "\t\r  ",
    "upper": "AZ",
    "word": "09AZaz__",
    "xdigit": "09AFaf",
}
PERL = {"d": "09", "s": "\t\n\f\r  ", "w": "09AZaz__"}


def translate(text: str, pattern: str) -> Callable[[str], bool]:
    """Translate a Go expression into a function that searches a path for it; ContextError if Go rejects it.

    `pattern` is the pattern that an error message names. The text contains literals, escapes, classes, `^`, `|`,
    `+`, parentheses, numbers in braces, and the expressions for `*`, `?` and `**`. ContextError also for an expression
    of many wildcards that contains `|`, numbers in braces or such an escape as \\b: Python's expressions could take
    hours for it.
    """
    pieces = _Reader(text, pattern).pieces()
    if pieces.count("*") + pieces.count("+") <= FEW:
        try:
            found = re.compile("".join(pieces), re.ASCII)
        except re.error as error:  # a parenthesis without its partner
            raise malformed(pattern) from error
        return lambda path: found.search(path) is not None
    try:
        if (pieces[0], pieces[-1]) != (WRITTEN["^"], WRITTEN["$"]):
            raise ValueError("it is not anchored")
        return Automaton(pieces[1:-1]).matches
    except ValueError as error:
        raise UnknownContentError(
            f'cannot use the pattern "{pattern}": lab does not support more than {FEW} wildcards where {error}'
        ) from error


class _Reader:
    """Reads an expression in Go's syntax and writes it in Python's syntax."""

    def __init__(self, text: str, pattern: str) -> None:
        self.text = text
        self.index = 0
        self.pattern = pattern

    def pieces(self) -> list[str]:
        """The parts of the expression in Python's syntax."""
        found: list[str] = []
        operand = False  # whether a repetition can follow
        while self.index < len(self.text):
            char = self.take()
            if char == "{" and (repeated := REPEAT.match(self.text, self.index)):
                if not operand or not self.is_size(repeated):
                    raise malformed(self.pattern)
                self.index = repeated.end()
                found.append(char + repeated[0])
                operand = False
                continue
            if char == "+" and not operand:
                raise malformed(self.pattern)
            operand = char not in "|(*?+"
            if char == "[":
                found.append(self.character_class())
            elif char == "\\":
                found += self.escape()
            else:
                found.append(WRITTEN.get(char) or (char if char in ".()|*?+" else re.escape(char)))
        return found

    @staticmethod
    def is_size(repeated: re.Match[str]) -> bool:
        """True if Go accepts the numbers as a repetition."""
        least, most = whole_number(repeated[1]), whole_number(repeated[3] or repeated[1])
        return least is not None and most is not None and least <= most <= MOST

    def take(self) -> str:
        """Return the next character; ContextError if there is none."""
        if self.index >= len(self.text):
            raise malformed(self.pattern)
        self.index += 1
        return self.text[self.index - 1]

    def peek(self, length: int = 1) -> str:
        return self.text[self.index : self.index + length]

    def escape(self) -> list[str]:
        """Translate the escape after a backslash outside of a class; only quoted text has several parts."""
        char = self.peek()
        if char in ("A", "b", "B", "z"):
            return [f"(?:\\{self.take().replace('z', 'Z')})"]
        if char == "Q":
            quoted, end, _ = self.text[self.index + 1 :].partition("\\E")
            self.index += 1 + len(quoted) + len(end)
            return [re.escape(letter) for letter in quoted]
        ranges = self.perl_class()
        return [re.escape(chr(self.code())) if ranges is None else _written(ranges)]

    def perl_class(self) -> Ranges | None:
        """Read a class such as \\d after its backslash; None if it is another escape."""
        char = self.peek()
        if char in ("p", "P"):
            raise UnknownContentError(f'cannot use the pattern "{self.pattern}": lab does not support \\{char} in it')
        if char.lower() not in PERL or not char:
            return None
        self.take()
        ranges = _pairs(PERL[char.lower()])
        return _complement(ranges) if char.isupper() else ranges

    def code(self) -> int:
        """Read one escaped character after its backslash; return its code point."""
        char = self.take()
        if char in CONTROL:
            return CONTROL[char]
        if char == "x":
            digits = self.take() + self.take()
            if not all(digit in string.hexdigits for digit in digits):
                raise malformed(self.pattern)
            return int(digits, 16)
        if char == "0" or (char in "1234567" and self.peek() in tuple("01234567")):
            digits = char
            while len(digits) < 3 and self.peek() in tuple("01234567"):
                digits += self.take()
            return int(digits, 8)
        if not char.isascii() or char.isalnum():
            raise malformed(self.pattern)
        return ord(char)

    def character_class(self) -> str:
        """Translate a class after its "["."""
        negated = self.peek() == "^"
        self.index += negated
        ranges: Ranges = []
        while self.peek() != "]" or not ranges:
            ranges += self.class_item()
        self.take()
        return _written(ranges, negated=negated)

    def class_item(self) -> Ranges:
        """Read one item of a class: a named class, a class like \\d, a character or a range."""
        if self.peek(2) == "[:" and (end := self.text.find(":]", self.index + 2)) >= 0:
            name = self.text[self.index + 2 : end]
            self.index = end + 2
            if name.removeprefix("^") not in POSIX:
                raise malformed(self.pattern)
            named = _pairs(POSIX[name.removeprefix("^")])
            return _complement(named) if name.startswith("^") else named
        low = self.class_character()
        if isinstance(low, list):
            return low
        high = low
        if self.peek() == "-" and len(self.peek(2)) == 2 and self.peek(2) != "-]":
            self.take()
            char = self.take()
            high = self.code() if char == "\\" else ord(char)
        if high < low:
            raise malformed(self.pattern)
        return [(low, high)]

    def class_character(self) -> int | Ranges:
        char = self.take()
        if char != "\\":
            return ord(char)
        ranges = self.perl_class()
        return self.code() if ranges is None else ranges


def _pairs(text: str) -> Ranges:
    return [(ord(low), ord(high)) for low, high in zip(text[::2], text[1::2], strict=True)]


def _complement(ranges: Ranges) -> Ranges:
    found, start = [], 0
    for low, high in sorted(ranges):
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    return [*found, (start, TOP)]


def _written(ranges: Ranges, *, negated: bool = False) -> str:
    """Return a class in Python's syntax."""
    inside = "".join(f"{re.escape(chr(low))}-{re.escape(chr(high))}" for low, high in ranges)
    return f"[{'^' if negated else ''}{inside}]"
