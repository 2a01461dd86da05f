"""Docker's word expansion: variables, quotes and escapes, as the Dockerfile frontend expands them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from lab.buildkit.cachekeys.frontend import NEW, OLD, Frontend
from lab.buildkit.cachekeys.shell_pattern import replaced, without_end, without_start

TRUE, FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")  # as Go reads them

NEWEST = Frontend(NEW)
SPECIAL_NAMES = "@*#?-$!0"
# Matched at a place of the text: copies of the rest of the text would take time by the square of its length.
BLANKS, DIGITS, LETTERS = re.compile(r"[\t\r ]*"), re.compile(r"\d*"), re.compile(r"\w*")


class Failing(str):
    """The reason why a frontend rejects a Dockerfile, so that the build fails; other reasons say what is not known."""

    __slots__ = ()


class WordError(Exception):
    """A word that cannot be expanded: it is malformed, or lab does not know how this frontend reads it.

    `why` is a `Failing` where the frontend rejects the word for certain.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Lexer:
    """One way to expand words.

    `escape` is the escape character. `raw_quotes` and `raw_escapes` keep quotes and escapes in the result, `no_quotes`
    treats quotes as plain characters, and `keep_unset` leaves a variable without a value as it is written.
    """

    escape: str = "\\"
    frontend: Frontend = NEWEST
    raw_quotes: bool = False
    raw_escapes: bool = False
    no_quotes: bool = False
    keep_unset: bool = False

    def word(self, text: str, env: Mapping[str, str]) -> str:
        """Return the text with its variables expanded; raises WordError."""
        return self._expanded(text, env)[0]

    def words(self, text: str, env: Mapping[str, str]) -> list[str]:
        """Return the words of the expanded text; quoted spaces separate no words. Raises WordError."""
        return self._expanded(text, env)[1]

    def malformed(self, text: str) -> Failing | None:
        """Return why the frontend rejects the text whatever its variables are; None if it may accept it."""
        try:
            replace(self, keep_unset=True).word(text, {})
        except WordError as error:
            return error.why if isinstance(error.why, Failing) else None
        return None

    def _expanded(self, text: str, env: Mapping[str, str]) -> tuple[str, list[str]]:
        try:
            return _Scan(self, text, env, self.raw_escapes).until(None)
        except RecursionError as error:
            raise WordError("a substitution holds too many others, each within the one before") from error


@dataclass(slots=True)
class _Words:
    """Collects words from characters."""

    found: list[str] = field(default_factory=list)
    word: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        for char in text:
            if not char.isspace():
                self.word.append(char)
            else:
                self._end()

    def add_raw(self, text: str) -> None:
        self.word.append(text)

    def _end(self) -> None:
        if word := "".join(self.word):
            self.found.append(word)
        self.word.clear()

    def all(self) -> list[str]:
        self._end()
        return self.found


@dataclass(slots=True)
class _Scan:
    """A position in a text that is being expanded."""

    lexer: Lexer
    text: str
    env: Mapping[str, str]
    raw_escapes: bool
    place: int = 0

    def peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def next(self) -> str:
        char = self.peek()
        self.place += 1
        return char

    def until(self, stop: str | None, *, raw_escapes: bool | None = None) -> tuple[str, list[str]]:
        """Expand up to and including the character `stop`, or to the end."""
        before, self.raw_escapes = self.raw_escapes, self.raw_escapes if raw_escapes is None else raw_escapes
        try:
            return self._until(stop)
        finally:
            self.raw_escapes = before

    def _until(self, stop: str | None) -> tuple[str, list[str]]:
        result, words = "", _Words()
        while char := self.peek():
            if char == stop:
                self.next()
                return result, words.all()
            if char == "$":
                value = self._dollar()
                words.add(value)
            elif char in "'\"" and not self.lexer.no_quotes:
                value = self._single() if char == "'" else self._double()
                words.add_raw(value)
            elif char == "<":
                value = self._less()
                words.add_raw(value)
            elif char == self.lexer.escape:
                value = self._escaped()
                words.add_raw(value)
            else:
                value = self.next()
                words.add(value)
            result += value
        if stop is not None:
            raise WordError(Failing(f"cannot expand {self.text}: {stop} is missing"))
        return result, words.all()

    def _escaped(self) -> str:
        char = self.next()
        return (char if self.raw_escapes else "") + self.next()

    def _less(self) -> str:
        """Read "<", which newer frontends read together with the spaces of a here-document's mark."""
        self.next()
        if self.peek() != "<":
            return "<"
        if not self.text.startswith(("<\t", "<\r", "< "), self.place):
            return "<"
        if self.lexer.frontend.generations == (NEW,):
            self.next()
            return "<<" + self._taken(BLANKS)
        if NEW in self.lexer.frontend.generations:
            raise WordError(f"frontends read {self.text} in different ways")
        return "<"

    def _single(self) -> str:
        quote = self.next()
        end = self.text.find(quote, self.place)
        if end < 0:
            raise WordError(Failing(f"cannot expand {self.text}: a single quote is missing"))
        inner, self.place = self.text[self.place : end], end + 1
        return f"'{inner}'" if self.lexer.raw_quotes else inner

    def _double(self) -> str:
        quote = self.next()
        result = quote if self.lexer.raw_quotes else ""
        while char := self.peek():
            if char == quote:
                self.next()
                return result + quote if self.lexer.raw_quotes else result
            if char == "$":
                result += self._dollar()
                continue
            self.next()
            if char == self.lexer.escape:
                result += char if self.raw_escapes else ""
                if not self.peek():
                    continue
                if self.peek() in ('"', "$", self.lexer.escape):
                    char = self.next()
            result += char
        raise WordError(Failing(f"cannot expand {self.text}: a double quote is missing"))

    def _name(self) -> str:
        char = self.peek()
        if char.isdigit():
            return self._taken(DIGITS)
        return self.next() if char and char in SPECIAL_NAMES else self._taken(LETTERS)

    def _taken(self, pattern: re.Pattern[str]) -> str:
        """Take what the pattern matches at the place, which may be nothing."""
        found = pattern.match(self.text, self.place)
        self.place = found.end() if found else self.place
        return found[0] if found else ""

    def _dollar(self) -> str:
        self.next()
        if self.peek() != "{":
            name = self._name()
            if not name:
                return "$"
            return f"${name}" if self.lexer.keep_unset and name not in self.env else self.env.get(name, "")
        self.next()
        if not self.peek() or self.peek() in "{}:":
            raise WordError(Failing(f"cannot expand {self.text}: it is a malformed substitution"))
        name = self._name()
        char = self.next()
        if char == "}":
            return f"${{{name}}}" if self.lexer.keep_unset and name not in self.env else self.env.get(name, "")
        if char == "/":
            return self._replaced(name)
        colon = char == ":"
        char = self.next() if colon else char
        self._check(char, colon=colon)
        word, _ = self.until("}", raw_escapes=char in "#%" and char != "")
        if self.lexer.keep_unset and name not in self.env:
            return f"${{{name}{':' if colon else ''}{char}{word}}}"
        return self._modified(name, char, word, colon=colon)

    def _check(self, char: str, *, colon: bool) -> None:
        """Raise WordError if this frontend has no such modifier, or if it is not known whether it has."""
        if not char or char not in "-+?#%":
            raise WordError(Failing(f"cannot expand {self.text}: it is a malformed substitution"))
        older = (colon and char in "-+?") or (not colon and char == "?")
        generations = self.lexer.frontend.generations
        if OLD in generations and not older:
            raise self._unsupported(OLD)
        if NEW in generations and colon and char in "#%":
            raise self._unsupported(NEW)

    def _unsupported(self, generation: int) -> WordError:
        """Return the error for a substitution that a checked release rejects, between two of which this one may lie."""
        if self.lexer.frontend.generations == (generation,):
            return WordError(Failing(f"this frontend does not support the substitution in {self.text}"))
        return WordError(f"this frontend may not support the substitution in {self.text}")

    def _modified(self, name: str, char: str, word: str, *, colon: bool) -> str:
        value = self.env.get(name)
        missing = value is None or (colon and not value)
        # Frontends up to 1.2 know the forms with a colon alone, for which an empty value is like none.
        if char == "-":
            return word if missing else value or ""
        if char == "+":
            return "" if missing else word
        if char == "?":
            if missing:
                raise WordError(Failing(f"{name} has no value: {word}"))
            return value or ""
        greedy = word.startswith(char)
        pattern = word[1:] if greedy else word
        if char == "#":
            return _checked(lambda: without_start(pattern, value or "", greedy=greedy))
        return _checked(lambda: without_end(pattern, value or "", greedy=greedy))

    def _replaced(self, name: str) -> str:
        if OLD in self.lexer.frontend.generations:
            raise self._unsupported(OLD)
        everywhere = self.peek() == "/"
        if everywhere:
            self.next()
        pattern, _ = self.until("/", raw_escapes=True)
        replacement, _ = self.until("}", raw_escapes=True)
        if self.lexer.keep_unset and name not in self.env:
            return f"${{{name}/{pattern}/{replacement}}}"
        if everywhere and "$" in replacement:
            raise WordError(f"lab does not support the substitution in {self.text}")
        value = self.env.get(name, "")
        return _checked(lambda: replaced(pattern, replacement, value, everywhere=everywhere))


def _checked(expand: Callable[[], str]) -> str:
    try:
        return expand()
    except ValueError as error:
        raise WordError(str(error)) from error
