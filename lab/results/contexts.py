"""Packs gathered contexts into the form in which a run stores them, and reads them back."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256

from lab.buildkit import records
from lab.buildkit.contenthash.entry import Entry, Kind, has_links, shown
from lab.buildkit.contenthash.formula import Source
from lab.buildkit.contenthash.header import header, own_digest, own_digests
from lab.buildkit.contenthash.patterns import Matcher, read_ignore_file
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree, root_digest
from lab.buildkit.dockerignore import sent_objects
from lab.errors import ContextError, ReadError
from lab.results.run import GatheredContext, Run

LARGEST_KEPT = 64 << 10  # bytes of the largest file whose content a run stores
KEPT_IN_ALL = 256 << 10  # bytes of contents that a run stores for one context
DAY = 86_400.0  # seconds
_OFTEN_EMPTY = ("uid", "gid", "linkname", "devmajor", "devminor", "xattrs_b64")


@dataclass(frozen=True, slots=True)
class Packed:
    """A context in its stored form: its key, its records, and the contents of its files by sha256."""

    key: str
    context: GatheredContext
    contents: dict[str, str]


Digests = MutableMapping[tuple[bytes, str], str]  # by the header of an object and the sha256 of its content


def pack(
    entries: Sequence[Entry],
    problem: str | None,
    variants: Sequence[Rules],
    made: datetime | None = None,
    known: Digests | None = None,
) -> Packed:
    """Convert a context to its stored form; `variants` are rule sets that differ in the attributes that they hash.

    `made` is the approximate time at which the context was created. A modification time far from it was set on purpose
    and is stored. Other modification times come from the run itself, and are left out: with them, no two contexts would
    be equal. A file whose content is read only on demand is stored by its digests; `known` keeps these between calls.
    """
    known = {} if known is None else known
    rows, digests, contents, room = [], {}, {}, KEPT_IN_ALL
    for entry in entries:
        row = records.dump(entry)
        if not _set_on_purpose(entry, made):
            row.pop("mtime_ns", None)
        content = row.pop("content_b64", None)
        if isinstance(entry.content, bytes) and entry.kind is Kind.FILE and content is not None:
            number = sha256(entry.content).hexdigest()
            row["content_sha256"] = number
            if number in contents or entry.size <= min(LARGEST_KEPT, room):
                room -= 0 if number in contents else entry.size
                contents[number] = packed(entry.content)
            else:
                digests[shown(entry.path)] = _digests(entry, number, variants, known)
        elif entry.kind is Kind.FILE and entry.content is not None and entry.sha256 and not entry.is_hardlink:
            digests[shown(entry.path)] = _digests(entry, entry.sha256, variants, known)
        rows.append({key: value for key, value in row.items() if value or key not in _OFTEN_EMPTY})
    context = GatheredContext(entries=tuple(rows), digests=digests, problem=problem)
    return Packed(_key(context), context, contents)


def _set_on_purpose(entry: Entry, made: datetime | None) -> bool:
    """True if the time differs from the context's creation by more than the clocks of two machines differ."""
    return made is not None and entry.mtime_ns is not None and abs(entry.mtime_ns / 1e9 - made.timestamp()) > DAY


def is_unchanged(run: Run, key: str | None) -> bool:
    """True if the run stores that context as it was gathered; False if it is missing or was redacted.

    The key is a checksum of the context.
    """
    context = run.contexts.get(key) if key else None
    return context is not None and _key(context) == key


def _key(context: GatheredContext) -> str:
    return sha256(json.dumps(context.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:16]


def _digests(entry: Entry, number: str, variants: Sequence[Rules], known: Digests) -> dict[str, str]:
    """The digests of a file whose content has this sha256, by the attributes that are hashed."""
    starts = {rules.xattrs.value: header(entry, rules) for rules in variants}
    missing = [start for start in dict.fromkeys(starts.values()) if (start, number) not in known]
    if missing:
        for start, digest in zip(missing, own_digests(replace(entry, problem=None), missing), strict=True):
            known[start, number] = digest
    return {name: known[start, number] for name, start in starts.items()}


@dataclass(frozen=True)
class StoredContext:
    """A context from a run: its objects, and the digests of files whose content is not stored.

    `ignore` is the text of an ignore file beside the Dockerfile, which takes the place of .dockerignore. Without it,
    such a file is looked for beside `dockerfile` among the objects. `by_name` is true for the client of a side that
    walks as those before BuildKit 0.10: see `sent_objects`.
    """

    objects: tuple[Entry, ...]
    digests: dict[str, dict[str, str]]
    ignore: str | None = field(default=None, kw_only=True)
    by_name: bool = field(default=False, kw_only=True)
    dockerfile: str = field(default="Dockerfile", kw_only=True)

    @property
    def has_links(self) -> bool:
        """True if one of the objects is a symbolic link."""
        return has_links(self.objects)

    @cached_property
    def sent_objects(self) -> list[Entry]:
        """The objects that a client sends; ContextError if .dockerignore cannot be applied."""
        ignore = None if self.ignore is None else Matcher(read_ignore_file(self.ignore))
        return sent_objects(self.objects, self.dockerfile, ignore, by_name=self.by_name)

    def tree(self, rules: Rules) -> Tree:
        """Build the daemon's tree under a rule set; a digest that cannot be computed raises ContextError on use."""
        own: list[Source] = []
        for entry in self.sent_objects:
            known = self.digests.get(shown(entry.path), {}).get(rules.xattrs.value)
            own.append(known if known and not entry.is_hardlink else partial(own_digest, entry, rules))
        return Tree(self.sent_objects, own, root_digest(rules, empty=not own))


def packed(content: bytes) -> str:
    """Return a file's content in the form in which a run stores it: base64 of gzip."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def unpacked(text: str) -> bytes:
    """Return the content from its stored form; ValueError if it is malformed, or larger than a run stores."""
    try:
        reader = zlib.decompressobj(wbits=31)
        content = reader.decompress(base64.b64decode(text, validate=True), LARGEST_KEPT + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(content) > LARGEST_KEPT or not reader.eof:
        raise ValueError("it is incomplete, or larger than the contents that a run stores")
    return content


def load_context(run: Run, key: str | None) -> StoredContext | str:
    """Return the context with that key, or the reason why it is not known or cannot be read."""
    context = run.contexts.get(key) if key else None
    if context is None:
        return "its files were not recorded"
    if context.problem:
        return f"its files could not be listed: {context.problem}"
    try:
        entries = records.load({"entries": list(context.entries)}, f"the context {key}").entries
        ignore = run.project.ignore if run.project else None
        return StoredContext(tuple(_with_content(run, entry) for entry in entries), context.digests, ignore=ignore)
    except (ReadError, ContextError) as error:
        return error.message


def _with_content(run: Run, entry: Entry) -> Entry:
    text = run.contents.get(entry.sha256 or "")
    if text is None or entry.kind is not Kind.FILE:
        return entry
    try:
        content = unpacked(text)
    except ValueError as error:
        raise ReadError(f"cannot read the content of {shown(entry.path)} in the run: {error}") from error
    if sha256(content).hexdigest() != entry.sha256:
        raise ReadError(f"cannot read the content of {shown(entry.path)} in the run: it does not match its sha256")
    return replace(entry, content=content)
