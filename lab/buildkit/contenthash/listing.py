"""The objects that a wildcard or patterns select, as BuildKit lists them from 0.9 on."""

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
    """One object of the list: its path as the source spells it, and its digest; a directory stands for its header.

    `top` is true where no directory of the list holds it.
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
    """What is asked for: a clean absolute path ("" for the root), whether it is a pattern, and the patterns.

    `bare` is true for a path that ended in "/", the root's too: the header of that directory itself is not listed.
    """

    path: str
    wildcard: bool
    bare: bool
    include: Matcher | None
    exclude: Matcher | None

    def wants(self, candidate: str, item: Listed, above: Listed | None) -> bool:
        """True if the patterns let the path through; notes in `item` what is below inherits."""
        if self.include:
            matched, item.included = self.include.match(candidate, above.included if above else UNKNOWN)
            if not matched:
                return False
        if self.exclude:
            matched, item.excluded = self.exclude.match(candidate, above.excluded if above else UNKNOWN)
            return not matched
        return True


def select(tree: Tree, selection: Selection, rules: Rules) -> tuple[str, list[Listed]]:
    """The fixed part of the path, and the selected objects in the daemon's order."""
    fixed, start, resolved = _start(tree, selection, rules)
    found: list[Listed] = []
    holders: list[Listed] = []
    top = ""  # the last path that the wildcard matched; what is below it is part of it
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
    """The fixed part of the path as it is spelled, the record it leads to, and its path with links resolved."""
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
        globs.matches(selection.path, "")  # BuildKit goes through all there is, none of which can match
    return fixed, node, resolved


def followed(tree: Tree, items: list[Listed], rules: Rules, *, all_links: bool) -> Iterator[Part]:
    """The digest of each item, links replaced by what they lead to: all of them, or those at the top alone."""
    for item in items:
        if item.node.kind is Kind.SYMLINK and (all_links or item.top):
            yield target(tree, item.path, rules.links).whole
        else:
            yield item.part
