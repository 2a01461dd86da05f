"""The records of one side: what a client sends of a context, as a file for somebody else, and read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lab import __version__
from lab.buildkit import records
from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.buildkit.contenthash.header import header, own_digests
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree, read_trees
from lab.errors import ContextError, ReadError
from lab.results.contexts import LARGEST_KEPT, StoredContext
from lab.results.secret_names import is_secret, is_store

SCHEMA = 1
KEY = "lab_side"  # the first key of a file of records
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class SentContext(StoredContext):
    """What a client sends of a context. A content is read once for all `rule_sets`, when a digest needs it.

    `attributes_known` is false if the extended attributes of this side could not be read.
    """

    rule_sets: tuple[Rules, ...] = ()
    attributes_known: bool = True
    _made: dict[object, Tree] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def sent_objects(self) -> list[Entry]:
        """All objects: those that the ignore file excludes are not among them."""
        return list(self.objects)

    def tree(self, rules: Rules) -> Tree:
        """The daemon's tree under a rule set, made once for all rule sets that hash these objects alike."""
        key = self.hashed_by(rules)
        if key not in self._made:
            if self.digests:
                self._made[key] = super().tree(rules)
            else:
                distinct = {self.hashed_by(item): item for item in (*self.rule_sets, rules)}
                trees = read_trees(self.objects, distinct.values())
                self._made.update({other: trees[item] for other, item in distinct.items()})
        return self._made[key]

    def hashed_by(self, rules: Rules) -> tuple[object, ...]:
        """What distinguishes a rule set from others for the digest of each of these objects."""
        has_attributes, has_owner, has_socket = self._kinds
        return (
            rules.xattrs if has_attributes else None,
            rules.owner if has_owner else None,
            rules.sockets if has_socket else None,
        )

    @cached_property
    def _kinds(self) -> tuple[bool, bool, bool]:
        """Whether any object has an attribute, an owner other than 0:0, or is a socket."""
        return (
            any(entry.xattrs for entry in self.objects),
            any(entry.uid or entry.gid for entry in self.objects),
            any(entry.kind is Kind.SOCKET for entry in self.objects),
        )


def is_ignore_file(path: str) -> bool:
    """True for .dockerignore and NAME.dockerignore: without their content, nobody can tell what is sent."""
    return path.endswith(".dockerignore")


def side_document(
    entries: Iterable[Entry], rule_sets: Sequence[Rules], *, folder: str, contents: bool = False
) -> dict[str, Any]:
    """The file of records for objects that a client sends: each content is read once, and left out unless asked for.

    `contents` adds the contents of files up to 64 KiB, but not of files with the name of a secret, nor of the same
    content under other names, nor what version control stores. `folder` is the name of the context's folder. A file
    that cannot be read is listed with its `problem`.
    """
    entries = list(entries)
    secrets = {entry.linkname if entry.is_hardlink else entry.path for entry in entries if is_secret(entry.path)}
    secret_sums: set[str | None] = set()
    variants = list({rules.xattrs: rules for rules in rule_sets}.values())
    rows: list[dict[str, Any]] = []
    digests: dict[str, dict[str, str]] = {}
    for entry in entries:
        entry, own = _digested(entry, variants)
        kept = contents and entry.size <= LARGEST_KEPT and entry.path not in secrets and not is_store(entry.path)
        content = _content(entry) if kept or is_ignore_file(entry.path) else None
        row = records.dump(replace(entry, content=content, mtime_ns=None))
        if content is not None:
            row["content_sha256"] = entry.sha256
        rows.append({key: value for key, value in row.items() if value not in ({}, "", 0) or key == "size"})
        if own:
            digests[shown(entry.path)] = own
        if entry.path in secrets and entry.size:
            secret_sums.add(entry.sha256)
    for row in rows:
        if row.get("content_sha256") in secret_sums and not is_ignore_file(row["path"]):
            row.pop("content_b64", None)
    return {KEY: SCHEMA, "lab": __version__, "folder": folder, "entries": rows, "digests": digests}


def _digested(entry: Entry, variants: Sequence[Rules]) -> tuple[Entry, dict[str, str]]:
    """The object with the sha256 of its content, and its digests by the attributes that are hashed."""
    if entry.kind is not Kind.FILE or entry.is_hardlink:
        return entry, {}
    starts = {rules.xattrs.value: header(entry, rules) for rules in variants}
    distinct = [b"", *dict.fromkeys(starts.values())]
    try:
        found = own_digests(replace(entry, problem=None), distinct)
    except ContextError as error:
        return replace(entry, content=None, problem=entry.problem or error.message), {}
    known = dict(zip(distinct, found, strict=True))
    entry = replace(entry, sha256=found[0].removeprefix("sha256:"))
    return entry, {} if entry.problem else {name: known[start] for name, start in starts.items()}


def _content(entry: Entry) -> bytes | None:
    chunks = entry.chunks() if entry.kind is Kind.FILE and not entry.is_hardlink and not entry.problem else None
    return None if chunks is None else b"".join(bytes(chunk) for chunk in chunks)


def load_side(text: str | bytes, where: str, rule_sets: Sequence[Rules]) -> SentContext:
    """Read a file of records; ReadError names `where` and describes the fault."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(
            f"cannot read {where}: it holds no records of a side, and is not JSON: {error}", hint=HINT
        ) from error
    if not isinstance(data, dict) or KEY not in data:
        raise ReadError(f"cannot read {where}: it holds no records of a side", hint=HINT)
    if data[KEY] != SCHEMA:
        raise ReadError(
            f"cannot read {where}: its form is {data[KEY]}, and this version of lab reads {SCHEMA}",
            hint="a newer version of lab wrote it; update lab" if isinstance(data[KEY], int) else HINT,
        )
    entries = records.load(data, where).entries
    twice = next(iter(_repeated(entry.path for entry in entries)), None)
    if twice is not None:
        raise ReadError(f"cannot read {where}: {shown(twice)} occurs twice")
    return SentContext(entries, _digests(data.get("digests"), where), tuple(rule_sets))


HINT = "make it with `python -m lab record DIR > side.json`, or with the script of `python -m lab record --script`"


def _repeated(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)


def _digests(data: object, where: str) -> dict[str, dict[str, str]]:
    """The digests by path and by the attributes that are hashed, checked."""
    found: dict[str, dict[str, str]] = {}
    for path, each in (data if isinstance(data, dict) else {}).items():
        if not isinstance(each, dict) or not all(
            isinstance(text, str) and DIGEST.fullmatch(text) for text in each.values()
        ):
            raise ReadError(f"cannot read {where}: the digests of {shown(path)} are malformed")
        found[path] = each
    return found
