"""The parts of COPY and ADD that enter their cache keys: sources, destination and flags."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.buildkit.cachekeys.dockerfile import Instruction, json_words
from lab.buildkit.contenthash.query import Query

KNOWN_FLAGS = {"chown", "chmod", "from", "link", "exclude", "parents"}
REMOTE = re.compile(r"(https?|ftp|git|ssh)://|git@|\S+\.git(#|$)")
QUOTED = re.compile(r"[$\"'\\]")


@dataclass(frozen=True, slots=True)
class Copy:
    """One COPY or ADD from the context or another stage.

    `chmod` is a number. `unclear` is the reason why its files or its definition are not known.
    """

    sources: tuple[str, ...]
    dest: str
    add: bool = False
    chown: str = ""
    chmod: int | None = None
    origin: str = ""
    exclude: tuple[str, ...] = ()
    unclear: str | None = None

    @property
    def from_context(self) -> bool:
        """True if it copies files of the build context."""
        return not self.origin

    @property
    def queries(self) -> tuple[Query, ...]:
        """The queries for its sources in the context."""
        return tuple(Query(source, exclude=self.exclude) for source in self.sources)


def read_copy(item: Instruction) -> Copy:
    """Read a COPY or ADD; `unclear` names what lab does not support in it."""
    words = _words(item.rest)
    if len(words) < 2:
        return Copy((), "", unclear="it has no source or no destination")
    flags = dict(item.flags)
    unclear = item.strange or _unclear_flags(item) or _unclear_words(words, add=item.word == "ADD")
    chmod = flags.get("chmod")
    if chmod is not None and not re.fullmatch(r"0?[0-7]{1,4}", chmod):
        unclear, chmod = f"--chmod={chmod} is not a plain number", None
    return Copy(
        tuple(words[:-1]),
        words[-1],
        add=item.word == "ADD",
        chown=flags.get("chown", ""),
        chmod=int(chmod, 8) if chmod else None,
        origin=flags.get("from", ""),
        exclude=tuple(value for name, value in item.flags if name == "exclude"),
        unclear=unclear,
    )


def _words(rest: str) -> list[str]:
    """Return the words of an instruction in its JSON form or in its plain form."""
    found = json_words(rest)
    return rest.split() if found is None else found


def _unclear_flags(item: Instruction) -> str | None:
    for name, value in item.flags:
        if name not in KNOWN_FLAGS:
            return f"lab does not support the flag --{name}"
        if name in ("link", "parents") and value.lower() != "false":
            return f"--{name} changes the steps in a way that lab does not support"
        if "$" in value:
            return f"the flag --{name} contains a variable"
        if not value.isascii():  # observed: 28.5.2 reads flags byte by byte, so that such a pattern matches nothing
            return f"the flag --{name} contains characters that are not ASCII, which engines read byte by byte"
    return None


def _unclear_words(words: list[str], *, add: bool) -> str | None:
    for word in words:
        if QUOTED.search(word):
            return f"{word} contains a variable, quotes or a backslash"
        if add and REMOTE.match(word):
            return f"{word} is not in the context"
    return None
