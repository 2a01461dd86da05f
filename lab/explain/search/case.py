"""One state of a context's objects with the content digest of a COPY, prepared for fast small changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind, name_bytes
from lab.buildkit.contenthash.formula import Formula, Part, leaves_of
from lab.buildkit.contenthash.header import header, own_digests
from lab.buildkit.contenthash.query import Query, content_part, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError
from lab.explain.search.world import above

SMALL = 1 << 20  # bytes of the largest file whose content stays in memory
KEPT = 64 << 20  # bytes of all contents that stay in memory


class Case:
    """Objects, their own digests, and the formula of a COPY's content digest; ContextError if it has no digest."""

    def __init__(self, entries: Sequence[Entry], own: Sequence[str], queries: Sequence[Query], rules: Rules) -> None:
        self.entries = list(entries)
        self.own = list(own)
        self.queries = tuple(queries)
        self.rules = rules
        self.tree = Tree(self.entries, self.own)
        part = content_part(self.tree, self.queries, rules)
        if part is None:
            raise ContextError(f"cannot search: {rules.name} does not support --exclude")
        self.formula = Formula(part)
        self._numbers = {"/" + entry.path: number for number, entry in enumerate(self.entries)}
        self.leaves = {self._numbers[leaf.path]: leaf for leaf in self.formula.leaves if leaf.path}

    @property
    def used(self) -> list[int]:
        """The numbers of the objects that enter the digest, in order."""
        return sorted(self.leaves)

    @property
    def record(self) -> str:
        """The record of the content digest."""
        return content_record(self.formula.text)

    def record_with(self, number: int, own: str) -> str:
        """Return the record with another own digest for one object."""
        return content_record(self.formula.with_leaf(self.leaves[number], own))

    def record_without(self, number: int) -> str | None:
        """Return the record without one object and everything below it; None if there is no digest then."""
        return self.record_without_all([number])

    def record_without_all(self, numbers: Collection[int]) -> str | None:
        """Return the record without some objects and everything below them; None if there is no digest then."""
        paths = {self.entries[number].path for number in numbers}
        tops = [number for number in numbers if not any(path in paths for path in above([self.entries[number].path]))]
        parts = [self._part(number) for number in tops]
        if None not in parts:
            known = [part for part in parts if part]
            text = self.formula.without(known[0]) if len(known) == 1 else self.formula.without_all(known)
            if text:
                return content_record(text)
        starts = tuple(f"{path}/" for path in paths)
        kept = [
            (entry, own)
            for entry, own in zip(self.entries, self.own, strict=True)
            if entry.path not in paths and not entry.path.startswith(starts)
        ]
        return self._record_of([entry for entry, _ in kept], [own for _, own in kept])

    def _part(self, number: int) -> Part | None:
        """Return the part of an object with everything below it; None if the digest does not have it."""
        entry = self.entries[number]
        part: Part | None = self.leaves.get(number)
        if entry.kind is Kind.DIR:
            node = self.tree.get("/" + entry.path)
            part = node.whole if node else None
        return part if part in self.formula else None

    def record_with_more(self, entry: Entry, own: str) -> str | None:
        """Return the record with one more object (a folder is empty); None if there is no digest then."""
        folder, _, name = ("/" + entry.path).rpartition("/")
        holder = self.tree.get(folder)
        whole = "sha256:" + sha256(b"\0" + own.encode()).hexdigest() if entry.kind is Kind.DIR else own
        text = self.formula.with_child(holder.whole, name_bytes(name), whole) if holder else None
        if text:
            return content_record(text)
        return self._record_of([*self.entries, entry], [*self.own, own])

    def changed(self, changes: Mapping[int, tuple[Entry, str]]) -> Case:
        """Return the case with some objects replaced."""
        entries, own = list(self.entries), list(self.own)
        for number, (entry, digest) in changes.items():
            entries[number], own[number] = entry, digest
        return Case(entries, own, self.queries, self.rules)

    def record_changed(self, owns: Mapping[int, str]) -> str:
        """Return the record with other own digests for several objects."""
        if len(owns) == 1:
            return self.record_with(*next(iter(owns.items())))
        texts: dict[Part, str | None] = {
            self.leaves[number]: own for number, own in owns.items() if number in self.leaves
        }
        return content_record(self.formula.with_parts(texts))

    def _record_of(self, entries: list[Entry], own: list[str]) -> str | None:
        try:
            part = content_part(Tree(entries, own), self.queries, self.rules)
            return content_record(part.text) if part else None
        except ContextError:
            return None


def begin(entries: Sequence[Entry], queries: Sequence[Query], rules: Rules) -> Case:
    """Return the unchanged case, with small contents in memory; ContextError if the COPY has no digest."""
    part = content_part(Tree.read(entries, rules), queries, rules)
    if part is None:
        raise ContextError(f"cannot search: {rules.name} does not support --exclude")
    used = {leaf.path for leaf in leaves_of(part)}
    kept, own, room = [], [], KEPT
    for entry in entries:
        if "/" + entry.path in used:
            if entry.size <= min(SMALL, room):
                room -= entry.size
                entry = with_bytes(entry)
            own.append(own_text(entry, rules))
        else:
            own.append("")  # the digest does not use this object
        kept.append(entry)
    return Case(kept, own, queries, rules)


def with_bytes(entry: Entry) -> Entry:
    """Return the entry with its content in memory as bytes, if it has a content that can be read."""
    if entry.kind is not Kind.FILE or entry.is_hardlink or entry.problem or not callable(entry.content):
        return entry
    return replace(entry, content=b"".join(bytes(chunk) for chunk in entry.content()))


def own_text(entry: Entry, rules: Rules) -> str:
    """Return the own digest of one object."""
    if isinstance(entry.content, bytes) and entry.kind is Kind.FILE and not entry.linkname:
        return "sha256:" + sha256(header(entry, rules) + entry.content).hexdigest()
    return own_digests(entry, [header(entry, rules)])[0]
