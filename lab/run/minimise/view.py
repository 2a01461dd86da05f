"""The files of one side of a candidate, made of the records of the start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.rulebook import Known
from lab.explain.subject import Subject
from lab.results.contexts import StoredContext
from lab.results.facts import Given
from lab.run.changes.table import NamedChange
from lab.run.minimise.candidate import Candidate
from lab.run.minimise.parts import paths_of, value_of

PLAIN, EXECUTABLE = 0o644, 0o755
ON_ONE_PATH = ("mode", "owner", "attribute", "acl", "capability", "time", "link", "hard_link", "text", "append", "add")
NO_CONTENT = ("append", "replace", "line_ends")  # changes whose result depends on the content before


class UnknownError(Exception):
    """lab's model does not say what happens; the engine decides."""


@dataclass(frozen=True)
class Side:
    """One build of the start: its subject, its files, and the options that it was given."""

    subject: Subject
    engine: Known | None
    objects: Mapping[str, Entry]
    digests: Mapping[str, dict[str, str]]
    given: Given
    varied: bool


def side_of(found: Subject, engine: Known | None, context: StoredContext | str, given: Given, *, varied: bool) -> Side:
    """The side of a subject with that context, which has no objects if it is not known."""
    if isinstance(context, str):
        return Side(found, engine, {}, {}, given, varied)
    return Side(found, engine, {entry.path: entry for entry in context.objects}, context.digests, given, varied)


@dataclass(frozen=True)
class View:
    """The files of one side of a candidate, made of those of the start."""

    side: Side
    start: Candidate
    candidate: Candidate

    def objects(self) -> Iterator[Entry]:
        """The objects; UnknownError if they are not known."""
        if not self.side.objects:
            raise UnknownError
        gone = self._gone()
        reset = self._reset()
        kept = [entry for path, entry in self.side.objects.items() if path not in gone]
        emptied = _filled(self.side.objects.values()) - _filled(kept)
        for entry in kept:
            if entry.path not in emptied:
                yield self._now(entry, reset.get(entry.path, ()))

    def _gone(self) -> set[str]:
        """The paths that the candidate does not have."""
        gone = {path for path in self.start.files if path not in self.candidate.files}
        for item in self._missing_parts:
            if item.kind in ("link", "hard_link", "add"):
                gone |= paths_of(item)
            elif item.kind == "text":
                gone |= {path for path in paths_of(item) if path not in self.start.files}
        return gone

    def _reset(self) -> dict[str, list[str]]:
        """By path, the kinds of change that the candidate leaves out there."""
        found: dict[str, list[str]] = {}
        for item in self._missing_parts:
            paths = paths_of(item)
            if item.kind in ("argument", "flag"):
                continue
            if item.kind not in (*ON_ONE_PATH, *NO_CONTENT, "remove", "commands"):
                raise UnknownError
            if not paths & self._present:
                continue
            if item.kind in ("remove", "commands", "acl", "capability", "hard_link"):
                raise UnknownError
            for path in paths:
                names = value_of(item)[path] if item.kind == "attribute" else ()
                found.setdefault(path, []).extend([item.kind, *(f"attribute {name}" for name in names)])
        return found

    @cached_property
    def _missing_parts(self) -> list[NamedChange]:
        """The parts of this side's changes that the candidate leaves out."""
        found = left_out(self.start.build.prepare, self.candidate.build.prepare)
        if self.side.varied:
            found += left_out(self.start.build.change, self.candidate.build.change)
        return found

    @cached_property
    def _present(self) -> set[str]:
        """The paths of the start's context that the candidate still has, folders too."""
        gone = {path for path in self.start.files if path not in self.candidate.files}
        return {path for path in self.side.objects if path not in gone}

    def _now(self, entry: Entry, reset: Sequence[str]) -> Entry:
        """The object as the candidate has it, without the kinds of change in `reset`."""
        file, before = self.candidate.files.get(entry.path), self.start.files.get(entry.path)
        kinds = {item for item in reset if not item.startswith("attribute")}
        names = {item.partition(" ")[2] for item in reset if item.startswith("attribute ")}
        if names:
            entry = entry.but(xattrs={name: value for name, value in entry.xattrs.items() if name not in names})
        if "mode" in kinds:
            entry = entry.but(mode=self._mode(entry))
        if entry.kind is not Kind.FILE or entry.is_hardlink or file is None or before is None:
            return entry
        if file.executable != before.executable and entry.path not in self._with_mode:
            entry = entry.but(mode=entry.mode & ~0o111)
        changed = entry.path in self._with_content and entry.sha256 != sha256(before.content).hexdigest()
        if changed and (file.content != before.content or kinds & {"text", *NO_CONTENT}):
            return replace(entry, content=None, sha256=None)
        return entry if changed else entry.but(content=file.content)

    def _mode(self, entry: Entry) -> int:
        """The mode that an object has where no change sets it."""
        file = self.candidate.files.get(entry.path)
        if entry.kind is Kind.DIR or (file and file.executable):
            return EXECUTABLE
        return PLAIN

    @cached_property
    def _with_mode(self) -> set[str]:
        """The paths whose mode a change of the candidate sets on this side."""
        items = (*self.candidate.build.prepare, *(self.candidate.build.change if self.side.varied else ()))
        return {path for item in items if item.kind in ("mode", "acl") for path in paths_of(item)}

    @cached_property
    def _with_content(self) -> set[str]:
        """The paths whose content a change of the start writes on this side; a checkout writes every file."""
        items = (*self.start.build.prepare, *(self.start.build.change if self.side.varied else ()))
        if any(item.kind == "checkout" for item in items):
            return set(self.start.files)
        kinds = ("text", *NO_CONTENT, "rename", "commands")
        return {path for item in items if item.kind in kinds for path in paths_of(item)}


def left_out(before: Sequence[NamedChange], now: Sequence[NamedChange]) -> list[NamedChange]:
    """The parts that a candidate does not have any more, in their order."""
    left = list(now)
    found = []
    for item in before:
        if item in left:
            left.remove(item)
        else:
            found.append(item)
    return found


def _filled(objects: Iterable[Entry]) -> set[str]:
    """The folders that hold an object which is no folder, at any depth."""
    found: set[str] = set()
    for entry in objects:
        parts = entry.path.split("/") if entry.kind is not Kind.DIR else []
        found.update("/".join(parts[:number]) for number in range(1, len(parts)))
    return found
