"""The objects that a wildcard or patterns select, as BuildKit from 0.9 on lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.buildkit.contenthash import globs, gopath
from lab.buildkit.contenthash.entry import Kind
from lab.buildkit.contenthash.formula import Part
from lab.buildkit.contenthash.links import lookup_prefix, target
from lab.buildkit.contenthash.patterns import UNKNOWN, Matched, Matcher
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Node, Tree


@dataclass(slots=True)
class Listed:
    """One object of the list: its path as the source spells it, and its digest; of a directory, that of its header.

    `top` is true if no directory of the list contains the object.
    """

    path: str
    node: Node
    part: Part
    top: bool
    listed: bool = False
    included: Matched = UNKNOWN
    excluded: Matched = UNKNOWN


@dataclass(frozen=True, slots=True)
class Selection:
    """One request: a clean absolute path ("" for the root), whether it is a wildcard, and the patterns.

    `bare` is true for a path that ended in "/", including the root: the header of that directory is not listed.
    """

    path: str
    wildcard: bool
    bare: bool
    include: Matcher | None
    exclude: Matcher | None

    def wants(self, candidate: str, item: Listed, above: Listed | None) -> bool:
        """True if the patterns select the path; stores in `item` the matches that objects below it inherit."""
        if self.include:
            matched, item.included = self.include.match(candidate, above.included if above else UNKNOWN)
            if not matched:
                return False
        if self.exclude:
            matched, item.excluded = self.exclude.match(candidate, above.excluded if above else UNKNOWN)
            return not matched
        return True


def select(tree: Tree, selection: Selection, rules: Rules) -> tuple[str, list[Listed]]:
    """Return the fixed part of the path, and the selected objects in the daemon's order."""
    fixed, start, resolved = _start(tree, selection, rules)
    found: list[Listed] = []
    holders: list[Listed] = []
    top = ""  # the last path that the wildcard matched; objects below it belong to it
    for node in tree.below(start) if start else ():
        if node.kind is None:
            continue
        path = fixed + node.path.removeprefix(resolved)
        while holders and not path.startswith(holders[-1].path + "/"):
            holders.pop()
        if selection.wildcard and selection.path and not (top and path.startswith(top + "/")):
            if not globs.matches(selection.path, path):
                continue
            top = path
        base = top if selection.wildcard else selection.path
        candidate = (path + "/").removeprefix(base + "/").removesuffix("/")
        item = Listed(path, node, node.own, top=not holders)
        wanted = selection.wants(candidate, item, holders[-1] if holders else None)
        if selection.bare and path == selection.path and node.kind is Kind.DIR:
            continue
        if wanted:
            for chosen in (*holders, item):
                if not chosen.listed:
                    chosen.listed = True
                    found.append(chosen)
        if node.kind is Kind.DIR:
            holders.append(item)
    return fixed, found


def _start(tree: Tree, selection: Selection, rules: Rules) -> tuple[str, Node | None, str]:
    """Return the fixed part of the path as written, the node at that path, and the path with links resolved."""
    if not selection.wildcard:
        fixed, rest = selection.path, ""
    else:
        fixed, rest = gopath.split_wildcard(selection.path)
        if fixed == "/":
            return "", tree.root, ""
    if not fixed:
        return "", tree.root, ""
    resolved, node = lookup_prefix(tree, fixed, rules.links, last=bool(rest))
    if resolved == "/":
        globs.matches(selection.path, "")  # BuildKit walks all objects, and none of them can match
    return fixed, node, resolved


def resolved_parts(tree: Tree, items: list[Listed], rules: Rules, *, all_links: bool) -> Iterator[Part]:
    """Yield the digest part of each item; a link is replaced by its target, either every link or only those on top."""
    for item in items:
        if item.node.kind is Kind.SYMLINK and (all_links or item.top):
            yield target(tree, item.path, rules.links).whole
        else:
            yield item.part
