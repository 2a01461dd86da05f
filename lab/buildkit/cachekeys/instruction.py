"""Parses one instruction of a Dockerfile: its keyword, flags, words and here-documents."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from lab.buildkit.cachekeys.frontend import NEW, Frontend
from lab.buildkit.cachekeys.words import Failing, Lexer, WordError
from lab.errors import did_you_mean

SPACE = re.compile(r"[\t\v\f\r ]+")
HEREDOC = re.compile(r"(\d*)<<(-?)(\s*)([^<]*)")
FLAG_SPACES = "\t\n\v\f\r \x85\xa0"  # what Go takes as space in a byte
FLAGGED = ("COPY", "ADD", "RUN", "FROM", "HEALTHCHECK")
KEYWORDS = {
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document: its name, its text, whether variables in it are expanded, and whether tabs are removed."""

    name: str
    content: str = ""
    expand: bool = True
    chomp: bool = False

    @property
    def chomped(self) -> str:
        """The text without the tabs at the start of each line if its mark is `<<-`."""
        return re.sub(r"(?m)^\t+", "", self.content) if self.chomp else self.content


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its keyword in capitals, its flags in written order, and the rest of its text.

    `strange` names a part that this frontend rejects or that lab does not support; its keys are then not known.
    `malformed` is the reason, in BuildKit's words, why this frontend rejects the whole file because of the instruction.
    `original` is the logical line as it is written. `lines` are its first and its last line in the file, counted from
    1; 0 where the instruction comes from no file.
    """

    word: str
    rest: str
    flags: tuple[tuple[str, str], ...] = ()
    strange: str | None = None
    original: str = ""
    heredocs: tuple[Heredoc, ...] = ()
    lines: tuple[int, int] = field(default=(0, 0), compare=False)
    malformed: str | None = None

    @property
    def keyword(self) -> str:
        """The keyword as it is written."""
        return self.original.split(None, 1)[0] if self.original else self.word

    @property
    def text(self) -> str:
        """The instruction in one line, with one space between its parts."""
        return " ".join([self.word, *(f"--{name}={value}" if value else f"--{name}" for name, value in self.flags)]) + (
            f" {self.rest}" if self.rest else ""
        )


def instruction(line: str, escape: str = "\\", frontend: Frontend | None = None) -> Instruction:
    """Parse one instruction from its logical line, such as "COPY --chown=5 a b"."""
    frontend = frontend or Frontend(NEW)
    word, rest = [*SPACE.split(line.strip(), maxsplit=1), "", ""][:2]
    flags: list[tuple[str, str]] = []
    strange = None
    if word.upper() in FLAGGED:
        given, rest = _flags(rest, escape if frontend.generations == (NEW,) else "\\")
        for flag in given:
            name, _, value = flag[2:].partition("=")
            flags.append((name, value))
    rest = rest.strip()
    if json_words(rest, whole=False) is not None and json_words(rest) is None:
        strange = _trailing(frontend)
        if frontend.generations[-1] < NEW:  # older frontends ignore what follows the list
            rest = rest[: json.JSONDecoder().raw_decode(rest)[1]]
    elif word.upper() in FLAGGED and is_json_of_others(rest):
        strange = Failing("its JSON list holds more than strings")
    return Instruction(word.upper(), rest, tuple(flags), strange, line.strip())


def unknown_instruction(word: str) -> str:
    """Say that a frontend knows no instruction of this name."""
    return f"unknown instruction: {word}{did_you_mean(word, sorted(KEYWORDS))}"


def flags_of(item: Instruction, escape: str = "\\") -> tuple[str, ...]:
    """Return the flags of an instruction as they are written; a frontend finds them in every kind of instruction."""
    return tuple(_flags([*SPACE.split(item.original, maxsplit=1), ""][1], escape)[0])


def heredocs_of(line: str, frontend: Frontend) -> list[Heredoc]:
    """Return the here-documents that a line announces, without their texts."""
    lexer = Lexer("\\", frontend, raw_quotes=True, raw_escapes=True, keep_unset=True)
    try:
        found = [heredoc(word, frontend) for word in lexer.words(line, {})]
    except WordError:
        return []
    return [item for item in found if item]


def heredoc(word: str, frontend: Frontend) -> Heredoc | None:
    """Return the here-document that a word announces, without its text; None if it is another word."""
    found = HEREDOC.fullmatch(word)
    if found is None or not found[4] or (found[3] and frontend.generations != (NEW,)):
        return None
    try:
        plain = Lexer("\\", frontend, keep_unset=True).words(found[4], {})
        raw = Lexer("\\", frontend, raw_quotes=True, keep_unset=True).words(found[4], {})
    except WordError:
        return None
    if len(plain) != 1 or len(raw) != 1:
        return None
    expand = _quotes(plain[0]) == _quotes(raw[0])
    return Heredoc(plain[0], expand=expand, chomp=found[2] == "-")


def json_words(text: str, *, whole: bool = True) -> list[str] | None:
    """Return the words of an instruction in its JSON form, a list of strings; None if it is not in this form.

    If `whole` is false, text may follow the list.
    """
    found, rest = _json(text)
    if found is None or (whole and rest.strip()):
        return None
    return found if all(isinstance(word, str) for word in found) else None


def _json(text: str) -> tuple[list[str] | None, str]:
    """Return the JSON list at the start of a text, and the text after it."""
    if not text.startswith("["):
        return None, text
    try:
        found, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None, text
    return (found, text[end:]) if isinstance(found, list) else (None, text)


def is_json_of_others(text: str) -> bool:
    """Return whether a text is a JSON list of more than strings, which frontends reject."""
    found, rest = _json(text)
    return found is not None and not rest.strip() and not all(isinstance(word, str) for word in found)


def _trailing(frontend: Frontend) -> str | None:
    if len(frontend.generations) > 1 and NEW in frontend.generations:
        return "text follows its JSON list, which engines read in different ways"
    return None


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')


def _flags(line: str, escape: str) -> tuple[list[str], str]:
    """Return the flags at the start of a line and the rest; the frontend reads them byte by byte."""
    data = line.encode("utf-8", "surrogateescape").decode("latin-1")
    found: list[str] = []
    place = 0
    while True:
        while place < len(data) and data[place] in FLAG_SPACES:
            place += 1
        if not data.startswith("--", place):
            break
        word, place = _flag(data, place, escape)
        if word == "--":
            break
        found.append(word)
    rest = data[place:].encode("latin-1").decode("utf-8", "surrogateescape")
    return found, rest


def _flag(data: str, place: int, escape: str) -> tuple[str, int]:
    """Return one flag without its quotes and escapes, and the position after it."""
    word, quote = "", ""
    while place < len(data):
        char = data[place]
        if not quote and char in FLAG_SPACES:
            break
        place += 1
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == escape:
            word += data[place : place + 1]
            place += 1
        else:
            word += char
    return word, place
