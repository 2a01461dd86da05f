"""The content digest of a whole COPY by its sources, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.contenthash.query import Query, content_part
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree


def content_digest(tree: Tree, sources: Sequence[str], rules: Rules) -> str:
    """The content digest of COPY with these sources; ContextError if it has none."""
    part = content_part(tree, [Query(source) for source in sources], rules)
    assert part is not None  # plain sources and wildcards have a digest under every rule set
    return part.text
