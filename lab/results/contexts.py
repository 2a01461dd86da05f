"""What was gathered of contexts, as a run stores it and gives it back; pure."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256

from lab.buildkit import records
from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.buildkit.contenthash.formula import Source
from lab.buildkit.contenthash.header import header, own_digest, own_digests
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.dockerignore import offered
from lab.errors import ContextError, ReadError
from lab.results.run import GatheredContext, Run

LARGEST_KEPT = 64 << 10  # bytes of a file whose content a run keeps
KEPT_IN_ALL = 256 << 10  # bytes of contents that are kept of one context
DAY = 86_400.0  # seconds
_OFTEN_EMPTY = ("uid", "gid", "linkname", "devmajor", "devminor", "xattrs_b64")


@dataclass(frozen=True, slots=True)
class Packed:
    """A context as it is stored: its key, its records, and the contents that belong to it by sha256."""

    key: str
    context: GatheredContext
    contents: dict[str, str]


def pack(
    entries: Sequence[Entry], problem: str | None, variants: Sequence[Rules], made: datetime | None = None
) -> Packed:
    """Put a context into the form of a run; `variants` are rule sets that differ in which attributes count.

    `made` is about when the context was made: of times that are far from it, someone has set them, and they are kept.
    The others are the run's own, and with them no two contexts would be the same.
    """
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
                digests[shown(entry.path)] = _digests(entry, variants)
        rows.append({key: value for key, value in row.items() if value or key not in _OFTEN_EMPTY})
    context = GatheredContext(entries=tuple(rows), digests=digests, problem=problem)
    return Packed(_key(context), context, contents)


def _set_on_purpose(entry: Entry, made: datetime | None) -> bool:
    """True for a time further from the context's making than any two machines' clocks are apart."""
    return made is not None and entry.mtime_ns is not None and abs(entry.mtime_ns / 1e9 - made.timestamp()) > DAY


def as_gathered(run: Run, key: str | None) -> bool:
    """False where the run does not keep that context, or redaction took something out of it: its key is its sum."""
    context = run.contexts.get(key) if key else None
    return context is not None and _key(context) == key


def _key(context: GatheredContext) -> str:
    return sha256(json.dumps(context.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:16]


def _digests(entry: Entry, variants: Sequence[Rules]) -> dict[str, str]:
    starts = {rules.xattrs.value: header(entry, rules) for rules in variants}
    return dict(zip(starts, own_digests(replace(entry, problem=None), starts.values()), strict=True))


@dataclass(frozen=True)
class Kept:
    """A context that a run kept: what a client offered of it, and the digests of files whose content was not kept."""

    objects: tuple[Entry, ...]
    digests: dict[str, dict[str, str]]

    @cached_property
    def offered(self) -> list[Entry]:
        """What the client offers; ContextError if .dockerignore cannot be obeyed."""
        return offered(self.objects)

    def tree(self, rules: Rules) -> Tree:
        """The daemon's tree under a rule set; what has no digest raises ContextError when it is asked for."""
        own: list[Source] = []
        for entry in self.offered:
            known = self.digests.get(shown(entry.path), {}).get(rules.xattrs.value)
            own.append(known if known and not entry.is_hardlink else partial(own_digest, entry, rules))
        return Tree(self.offered, own)


def packed(content: bytes) -> str:
    """A file's content as a run keeps it."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def unpacked(text: str) -> bytes:
    """The content that a run keeps; ValueError if it is none, or larger than any that a run keeps."""
    try:
        reader = zlib.decompressobj(wbits=31)
        content = reader.decompress(base64.b64decode(text, validate=True), LARGEST_KEPT + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(content) > LARGEST_KEPT or not reader.eof:
        raise ValueError("cut short, or larger than what a run keeps")
    return content


def kept(run: Run, key: str | None) -> Kept | str:
    """The context of that key, or why it is not known; what cannot be read is a reason too."""
    context = run.contexts.get(key) if key else None
    if context is None:
        return "its files were not recorded"
    if context.problem:
        return f"its files could not be listed: {context.problem}"
    try:
        entries = records.load({"entries": list(context.entries)}, f"the context {key}").entries
        return Kept(tuple(_with_content(run, entry) for entry in entries), context.digests)
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
        raise ReadError(f"cannot read the content of {shown(entry.path)} in the run: it has another sha256")
    return replace(entry, content=content)
