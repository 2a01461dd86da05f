"""What one COPY takes on both sides: the objects it uses, where they differ, what each rule set makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.cachekeys.copying import Copy
from lab.causes import FieldDifference
from lab.contenthash.compare import compare
from lab.contenthash.entry import Entry, shown
from lab.contenthash.formula import Part, leaves_of
from lab.contenthash.query import content_part, content_record
from lab.contenthash.rules import Rules
from lab.contenthash.tree import Tree
from lab.errors import ContextError
from lab.stored import Kept


@dataclass(frozen=True, slots=True)
class Side:
    """One side's files of a COPY under one rule set: its digest (or why it has none), the objects it is made of."""

    digest: str | None
    problem: str | None
    own: dict[str, str]

    @property
    def record(self) -> str | None:
        """The digest's record in an inline cache."""
        return content_record(self.digest) if self.digest else None


def look(context: Kept | str, copy: Copy, rules: Rules) -> Side:
    """One side of a COPY; nothing raises: what is not known is its problem."""
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
    try:
        return Side(part.text, None, {**own, **_aliases(tree, own)})
    except ContextError as error:
        return Side(None, error.message, own)


def _aliases(tree: Tree, own: Iterable[str]) -> dict[str, str]:
    """Second names of files that are used by their first name: a hard link's digest is that of the first."""
    leaves: dict[Part, str] = {}
    for path in own:
        node = tree.get("/" + path)
        if node:
            leaves[node.own] = path
    return {
        node.path[1:]: str(node.own.text_or_error)
        for node in tree.below(tree.root)
        if node.path and node.own in leaves and node.path[1:] not in leaves.values()
    }


def differences(
    theirs: Kept, ours: Kept, used: Iterable[str], rule_sets: Sequence[Rules], *, every: bool = False
) -> list[FieldDifference]:
    """The fields in which the used objects differ, producer first."""
    paths = set(used)

    def of(side: Kept) -> list[Entry]:
        return [entry for entry in side.offered if entry.path in paths]

    return compare(of(theirs), of(ours), rule_sets, every=every)


def own_digests_of(sides: Sequence[Side], paths: Iterable[str]) -> list[tuple[str, tuple[str | None, ...]]]:
    """The own digests, one a side, of those objects whose digests differ."""
    found = []
    for path in paths:
        digests = tuple(side.own.get(path) for side in sides)
        if len(set(digests)) > 1:
            found.append((shown(path), digests))
    return found
