"""What one COPY takes on both sides: the objects that it uses, where they differ, their digests by rule set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.step import Step
from lab.buildkit.contenthash import gopath
from lab.buildkit.contenthash.compare import FieldDifference, compare
from lab.buildkit.contenthash.entry import shown
from lab.buildkit.contenthash.formula import Part, leaves_of
from lab.buildkit.contenthash.links import lookup
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError
from lab.results.contexts import StoredContext


@dataclass(frozen=True, slots=True)
class Side:
    """One side's files of a COPY under one rule set: their digest, or in `problem` why there is none.

    `own` maps the path of each object that is used to the object's own digest. `ends` has for each source that is a
    single path where it leads, links followed.
    """

    digest: str | None
    problem: str | None
    own: dict[str, str]
    ends: tuple[str, ...] = ()

    @property
    def record(self) -> str | None:
        """The digest's record in an inline cache."""
        return content_record(self.digest) if self.digest else None


def look(context: StoredContext | str, copy: Copy, rules: Rules) -> Side:
    """One side of a COPY; raises nothing: what is not known is stated in `problem`."""
    if isinstance(context, str):
        return Side(None, context, {})
    try:
        tree = context.tree(rules)
        part = content_part(tree, copy.queries, rules)
    except ContextError as error:
        return Side(None, error.message, {})
    if part is None:
        return Side(None, f"{rules.name} has no digest for --exclude", {})
    own = {leaf.path[1:]: str(leaf.text_or_error) for leaf in leaves_of(part) if leaf.path}
    plain = [gopath.key_path(query.path) for query in copy.queries if query.is_plain]
    ends = tuple(lookup(tree, path, rules.links, last=True)[0][1:] for path in plain)
    try:
        return Side(part.text, None, {**own, **_aliases(tree, own)}, ends)
    except ContextError as error:
        return Side(None, error.message, own, ends)


def used_of(context: StoredContext, steps: Iterable[Step], rules: Rules) -> set[str]:
    """The paths of all objects that steps use, the links among their sources included."""
    copies = [step.taken for step in steps if step.taken]
    links = {gopath.key_path(query.path)[1:] for copy in copies for query in copy.queries if query.is_plain}
    return {path for copy in copies for path in look(context, copy, rules).own} | links


def _aliases(tree: Tree, own: Iterable[str]) -> dict[str, str]:
    """Second names of files that are used by their first name: a hard link has the first name's digest."""
    leaves: dict[Part, str] = {}
    for path in own:
        node = tree.get("/" + path)
        if node:
            leaves[node.own] = path
    used = set(leaves.values())
    return {
        node.path[1:]: str(node.own.text_or_error)
        for node in tree.below(tree.root)
        if node.path and node.own in leaves and node.path[1:] not in used
    }


def differences(
    theirs: StoredContext,
    ours: StoredContext,
    sides: Sequence[Side],
    rule_sets: Sequence[Rules],
    *,
    every: bool = False,
) -> list[FieldDifference]:
    """The fields in which the used objects differ, producer first.

    Where a source is a link here, or leads elsewhere, its target is compared with the target at the producer.
    """
    paths = {path for side in sides for path in side.own}
    moved = _moves(sides)
    one = [entry for entry in theirs.sent_objects if entry.path in paths]
    other = [replace(entry, path=_moved(entry.path, moved)) for entry in ours.sent_objects if entry.path in paths]
    return compare(one, other, rule_sets, every=every)


def _moves(sides: Sequence[Side]) -> dict[str, str]:
    """For each source that leads to different places: where it leads here, and where it led at the producer."""
    return {ours: theirs for theirs, ours in zip(sides[0].ends, sides[1].ends, strict=False) if theirs != ours}


def _moved(path: str, moved: dict[str, str]) -> str:
    for start, end in moved.items():
        if path == start or (start and path.startswith(f"{start}/")):
            return (end + path[len(start) :]).lstrip("/")
    return path


def followed(sides: Sequence[Side]) -> list[str]:
    """A line for each source that leads elsewhere here than at the producer."""
    return [
        f"the source leads to {shown(theirs) or '.'} at the producer, to {shown(ours) or '.'} here"
        for theirs, ours in zip(sides[0].ends, sides[1].ends, strict=False)
        if theirs != ours
    ]


def own_digests_of(sides: Sequence[Side]) -> list[tuple[str, tuple[str | None, ...]]]:
    """The own digests on both sides of those objects whose digests differ, by path."""
    moved = _moves(sides)
    own = (sides[0].own, {_moved(path, moved): digest for path, digest in sides[1].own.items()})
    found = []
    for path in sorted({*own[0], *own[1]}):
        digests = tuple(side.get(path) for side in own)
        if len(set(digests)) > 1:
            found.append((shown(path), digests))
    return found
