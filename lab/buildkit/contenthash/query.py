"""The digest of one source of a COPY or ADD, and of all its sources together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from lab.buildkit.contenthash import globs, gopath
from lab.buildkit.contenthash.entry import Kind, name_bytes, shown
from lab.buildkit.contenthash.formula import Join, Part
from lab.buildkit.contenthash.header import NOTHING
from lab.buildkit.contenthash.links import lookup, target
from lab.buildkit.contenthash.listing import Selection, resolved_parts, select
from lab.buildkit.contenthash.patterns import Matcher
from lab.buildkit.contenthash.rules import Rules, Wildcard
from lab.buildkit.contenthash.sending import Asked, sent
from lab.buildkit.contenthash.tree import Node, Tree
from lab.errors import ContextError


@dataclass(frozen=True, slots=True)
class Query:
    """One request for a digest: a path as in COPY, whether a link at its end is followed, and patterns.

    `wildcard` states whether the path is a pattern. If it is None, an unescaped * ? or [ makes the path a pattern.
    `asked` are the sources of the whole build, by which the client chooses what it sends; None for all objects.
    """

    path: str
    follow_links: bool = True
    wildcard: bool | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    asked: Asked | None = None

    @property
    def is_wildcard(self) -> bool:
        """True if the path is a pattern."""
        return gopath.has_wildcard(gopath.join("/", self.path)) if self.wildcard is None else self.wildcard

    @property
    def is_plain(self) -> bool:
        """True if the query is one path without wildcard and without patterns."""
        return not (self.is_wildcard or self.include or self.exclude)


def ask(tree: Tree, query: Query, rules: Rules) -> Part | None:
    """Return the part that computes the digest of one source.

    None if the query has include or exclude patterns and the rule set does not support them. Raises ContextError for
    a missing path, too many links or a malformed pattern. The part's `text` raises it if an object has no digest.
    """
    if (query.include or query.exclude) and not rules.patterns:
        return None
    if query.is_plain:
        return _plain(tree, query, rules)
    path = gopath.key_path(query.path)
    if rules.wildcard.is_flat:
        return _flat(tree, path, query, rules)
    try:
        found = _matched(tree, path)
    except ContextError:  # a malformed pattern; a link that leads nowhere is an error under every rule set
        if rules.wildcard_errors:
            raise
        return Part("")
    return _matches(tree, path, found, query, rules)


def content_part(tree: Tree, queries: Iterable[Query], rules: Rules) -> Part | None:
    """Return the part that computes the content digest of a COPY: its sources' digests, in the order of their paths.

    None if a source has no digest under these rules; ContextError as for `ask`.
    """
    wanted = deduplicated(queries, rules)
    found = [ask(sent(tree, query.asked), query, rules) for query in wanted]
    known = [part for part in found if part is not None]
    if len(known) < len(found):
        return None
    return Join([(b"\0" if number else b"", part) for number, part in enumerate(known)])


def content_record(content: str) -> str:
    """Return the digest of the record that a content digest has in an inline cache."""
    return "sha256:" + sha256(f"{content}@-1".encode()).hexdigest()


def deduplicated(queries: Iterable[Query], rules: Rules) -> list[Query]:
    """Return the sources of one COPY that BuildKit hashes, with clean paths, sorted by path.

    Each plain path occurs once, and a plain path below another one is left out.
    """
    clean = [replace(query, path=gopath.join("/", query.path)) for query in queries]
    plain = {(query.path, query.follow_links): query for query in clean if query.is_plain}
    kept = [query for query in plain.values() if not _is_below_another(query, plain.values(), rules)]
    others = [query for query in clean if not query.is_plain]
    kept += (
        others if rules.wildcard.is_flat else dict.fromkeys(others)
    )  # BuildKit used a set before it supported patterns
    return sorted(kept, key=lambda query: name_bytes(query.path))


def _is_below_another(query: Query, others: Iterable[Query], rules: Rules) -> bool:
    for other in others:
        above = other.path.rstrip("/") if rules.root_swallows else other.path
        if other is not query and other.follow_links == query.follow_links and query.path.startswith(above + "/"):
            return True
    return False


def _plain(tree: Tree, query: Query, rules: Rules) -> Part:
    if query.follow_links:
        return target(tree, query.path, rules.links).whole
    _, node = lookup(tree, query.path, rules.links, last=False)
    if node is None:
        raise ContextError(f"cannot digest {shown(query.path)}: no such path in the context")
    return node.whole


def _matched(tree: Tree, path: str) -> list[Node]:
    """What a wildcard matches, without what is below a folder that it matches; ContextError if it is malformed."""
    found: list[Node] = []
    for node in tree.below(tree.root):
        inside = found and found[-1].kind is Kind.DIR and node.path.startswith(found[-1].path + "/")
        if node.path and node.kind and globs.matches(path, node.path) and not inside:
            found.append(node)
    return found


def _matches(tree: Tree, path: str, found: Sequence[Node], query: Query, rules: Rules) -> Part:
    """Digest a wildcard as BuildKit up to 0.8 does: every matching path; a directory with everything below it."""
    parts = [
        target(tree, node.path, rules.links).whole if query.follow_links and node.kind is Kind.SYMLINK else node.whole
        for node in found
    ]
    if not parts:
        return Part(NOTHING)
    names = [gopath.base(node.path) for node in found]
    if rules.wildcard is Wildcard.DIGESTS:
        return parts[0] if len(parts) == 1 else _separated((b"", part) for part in parts)
    if len(parts) == 1 and names[0] == gopath.base(path):
        return parts[0]
    return _separated((name_bytes(name), part) for name, part in zip(names, parts, strict=True))


def _flat(tree: Tree, path: str, query: Query, rules: Rules) -> Part:
    """Digest wildcards and patterns as BuildKit from 0.9 on does: a list of objects, directories as headers."""
    include = Matcher(query.include) if query.include else None
    exclude = Matcher(query.exclude) if query.exclude else None
    fixed, items = select(tree, Selection(path, query.is_wildcard, query.path.endswith("/"), include, exclude), rules)
    all_links = rules.wildcard is Wildcard.FLAT
    followed = query.follow_links
    parts = list(resolved_parts(tree, items, rules, all_links=all_links)) if followed else [i.part for i in items]
    if not parts:
        return Part(NOTHING)
    if len(parts) == 1 and gopath.base(path) == gopath.base(items[0].path):
        return parts[0]
    if rules.wildcard is Wildcard.PATHS:
        below = (name_bytes(item.path.removeprefix(fixed)).replace(b"/", b"\0") or b"\0" for item in items)
        return Join(zip(below, parts, strict=True))
    return _separated((name_bytes(gopath.base(item.path)), part) for item, part in zip(items, parts, strict=True))


def _separated(pieces: Iterable[tuple[bytes, Part]]) -> Join:
    return Join((b"\0" + prefix if number else prefix, part) for number, (prefix, part) in enumerate(pieces))
