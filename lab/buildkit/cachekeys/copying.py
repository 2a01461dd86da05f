"""The parts of COPY and ADD that enter their cache keys: sources, destination and flags."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.buildkit.cachekeys.frontend import NEW, Frontend
from lab.buildkit.cachekeys.instruction import SPACE, Instruction, heredoc, json_words
from lab.buildkit.cachekeys.words import Failing, Lexer, WordError
from lab.buildkit.contenthash import gopath
from lab.buildkit.contenthash.query import Query
from lab.buildkit.contenthash.sending import Asked
from lab.errors import did_you_mean

COMMON_FLAGS = {"chown", "chmod", "link", "exclude"}
KNOWN_FLAGS = {
    "COPY": COMMON_FLAGS | {"from", "parents"},
    "ADD": COMMON_FLAGS | {"checksum", "keep-git-dir", "unpack"},
}
FIRST_WITH = {"chmod": 2, "link": 4, "keep-git-dir": 5, "checksum": 6, "unpack": 17}  # releases of the frontend
URL = re.compile(r"https?://")
GIT = re.compile(r"https?://[^?#]*\.git([?#].*)?|git://.*|ssh://.*|git@[^/]+:.*")
UNCERTAIN = re.compile(r"\S+\.git(#.*)?|ftp://.*|github\.com/.*")
QUOTED = re.compile(r"[$\"'\\]")
Expand = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Copy:
    """One COPY or ADD: its sources, destination and flags, with all variables expanded.

    `chmod` is a number, and `symbolic` the text of a symbolic --chmod. `files` are the names and texts of the
    here-documents among its sources. `plain` states that the sources are paths, not patterns, and `urls_only` that the
    frontend knows no repositories as sources. `unclear` is the reason why its files or its definition are not known.
    `asked` are the sources of the whole build, as in `Query`.
    """

    sources: tuple[str, ...]
    dest: str
    add: bool = False
    chown: str = ""
    chmod: int | None = None
    origin: str = ""
    exclude: tuple[str, ...] = ()
    unclear: str | None = None
    symbolic: str = ""
    link: bool = False
    parents: bool = False
    files: tuple[tuple[str, str], ...] = ()
    checksum: str = ""
    keep_git: bool = False
    unpack: bool | None = None
    plain: bool = False
    urls_only: bool = False
    asked: Asked | None = None

    @property
    def from_context(self) -> bool:
        """True if it copies files of the build context."""
        return not self.origin and (bool(self.paths) or bool(self.unclear))

    @property
    def paths(self) -> tuple[str, ...]:
        """The sources that are paths in the context, a stage or an image, without those of a remote server."""
        return tuple(source for source in self.sources if not self.is_remote(source))

    def is_remote(self, source: str) -> bool:
        """True if a source is on a server: a URL, or a repository where the frontend knows it."""
        return self.add and bool(URL.match(source) or (not self.urls_only and GIT.fullmatch(source)))

    @property
    def queries(self) -> tuple[Query, ...]:
        """The queries for its paths."""
        return tuple(self.query(source) for source in self.paths)

    def query(self, source: str) -> Query:
        """Return the query for one path."""
        path, include = pivot(source) if self.parents else (source, ())
        return Query(
            path, wildcard=False if self.plain else None, include=include, exclude=self.exclude, asked=self.asked
        )


def pivot(source: str) -> tuple[str, tuple[str, ...]]:
    """Return the folder and the pattern of a source under --parents; "/./" in the source separates them."""
    parent, found, pattern = source.partition("/./")
    if not found:
        parent, pattern = "/", source
    absolute = pattern if pattern.startswith("/") else gopath.join("/", pattern)
    return parent, (absolute.removeprefix("/"),)


def read_copy(item: Instruction, expand: Expand | None = None, frontend: Frontend | None = None) -> Copy:
    """Read a COPY or ADD; `unclear` names what lab does not support in it, or why the build fails.

    `expand` expands the variables of a word. Without it, a word that contains variables or quotes is unclear.
    """
    frontend = frontend or Frontend(NEW)
    words = _words(item.rest)
    if len(words) < 2:
        return Copy((), "", unclear="it has no source or no destination")
    flags = dict(item.flags)
    unclear = item.strange or unknown_flag(item, frontend) or _unclear_flags(item)
    marks = [(word, heredoc(word, frontend) if item.heredocs else None) for word in words[:-1]]
    try:
        sources = tuple(_expanded(word, expand) for word, mark in marks if mark is None)
        dest, chown = _expanded(words[-1], expand), _expanded(flags.get("chown", ""), expand)
        checksum = _expanded(flags.get("checksum", ""), expand)
        files = _files(item, [mark.name for _, mark in marks if mark], expand)
    except WordError as error:
        return Copy(tuple(words[:-1]), words[-1], item.word == "ADD", unclear=unclear or error.why)
    chmod, symbolic, why = _mode(flags.get("chmod", ""), expand, frontend)
    copy = Copy(
        sources,
        dest,
        add=item.word == "ADD",
        chown=chown,
        chmod=chmod,
        origin=flags.get("from", ""),
        exclude=tuple(value for name, value in item.flags if name == "exclude"),
        symbolic=symbolic,
        link=_is_set(flags, "link") and not _cancels_link(flags, frontend),
        parents=_is_set(flags, "parents"),
        files=files,
        checksum=checksum,
        keep_git=_is_set(flags, "keep-git-dir"),
        unpack=_is_set(flags, "unpack") if "unpack" in flags else None,
        urls_only=frontend.number < FIRST_WITH["keep-git-dir"],
    )
    return copy if not (unclear := unclear or why or _unclear_sources(copy)) else _with(copy, unclear)


def _cancels_link(flags: Mapping[str, str], frontend: Frontend) -> bool:
    """True if --chmod is written: older frontends then ignore --link, whatever the mode is."""
    return bool(flags.get("chmod")) and NEW not in frontend.generations


def _with(copy: Copy, unclear: str) -> Copy:
    values = {name: getattr(copy, name) for name in Copy.__dataclass_fields__}
    return Copy(**{**values, "unclear": unclear})


def _words(rest: str) -> list[str]:
    """Return the words of an instruction in its JSON form or in its plain form."""
    found = json_words(rest)
    return [word for word in SPACE.split(rest) if word] if found is None else found


def _is_set(flags: dict[str, str], name: str) -> bool:
    return name in flags and flags[name].lower() in ("true", "")


def _expanded(word: str, expand: Expand | None) -> str:
    if expand:
        return expand(word)
    if QUOTED.search(word):
        raise WordError(f"{word} contains a variable, quotes or a backslash")
    return word


def _files(item: Instruction, names: list[str], expand: Expand | None) -> tuple[tuple[str, str], ...]:
    """Return the name and the text of each here-document among the sources."""
    found = []
    known = {doc.name: doc for doc in item.heredocs}
    for name in names:
        if name not in known:
            raise WordError(f"the here-document {name} is missing")
        text = known[name].chomped
        found.append((name, _text(text, expand) if known[name].expand else text))
    return tuple(found)


def _text(text: str, expand: Expand | None) -> str:
    """Expand the variables of a here-document; quotes stay as they are."""
    lexer = getattr(expand, "lexer", None)
    if isinstance(lexer, Lexer):
        return Lexer("\\", lexer.frontend, no_quotes=True).word(text, getattr(expand, "env", {}))
    if "$" in text or "\\" in text:
        raise WordError("the here-document contains a variable or a backslash")
    return text


def _mode(text: str, expand: Expand | None, frontend: Frontend) -> tuple[int | None, str, str | None]:
    """Return the number and the symbolic text of --chmod, and the reason why they are not known."""
    if not text:
        return None, "", None
    both = len(frontend.generations) > 1 and NEW in frontend.generations
    if "$" in text and both:
        return None, "", "engines read a variable in --chmod in different ways"
    if "$" in text and NEW in frontend.generations:
        try:
            text = _expanded(text, expand)
        except WordError as error:
            return None, "", error.why
    if not text:
        return None, "", None
    if re.fullmatch(r"[0-7]+", text) and int(text, 8) <= 0o7777:
        return int(text, 8), "", None
    if both:
        return None, "", f"engines read --chmod={text} in different ways"
    if NEW not in frontend.generations:  # older frontends ignore what is no octal number
        return (None, "", None) if not re.fullmatch(r"[0-7]+", text) else (int(text, 8), "", None)
    if re.fullmatch(r"[ugoa]*([-+=]([rwxXstugo]*))+(,[ugoa]*([-+=]([rwxXstugo]*))+)*", text):
        return None, text, None
    return None, "", Failing(f"--chmod={text} is malformed")


def unknown_flag(item: Instruction, frontend: Frontend) -> str | None:
    """Return the reason if a COPY or ADD has a flag that this frontend does not know."""
    for name, _ in item.flags:
        if name not in KNOWN_FLAGS[item.word]:
            return f"unknown flag: {name}{did_you_mean(name, sorted(KNOWN_FLAGS[item.word]))}"
        missing = {"exclude": not frontend.excludes, "parents": not frontend.parents}
        if frontend.number < FIRST_WITH.get(name, 0) or missing.get(name):
            return f"this frontend does not support the flag --{name}"
    return None


def _unclear_flags(item: Instruction) -> str | None:
    for name, value in item.flags:
        if name in ("link", "parents", "keep-git-dir", "unpack") and value.lower() not in ("", "true", "false"):
            return Failing(f"--{name}={value} is neither true nor false")
        if name == "from" and "$" in value:
            return Failing("frontends do not expand the variable in --from")
    return None


def _unclear_sources(copy: Copy) -> str | None:
    for source in copy.sources:
        if copy.add and not copy.urls_only and not copy.is_remote(source) and UNCERTAIN.fullmatch(source):
            return f"engines may take {source} for a repository or for a file"
        if not copy.add and (URL.match(source) or (not copy.urls_only and GIT.fullmatch(source))):
            return Failing(f"COPY cannot copy from {source}")
    return None
