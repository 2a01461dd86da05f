"""A build context as the daemon's record tree holds it: directories, their digests, hard links, the root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lab.contenthash.entry import Entry, Kind, name_bytes
from lab.contenthash.formula import Join, Leaf, Part
from lab.contenthash.header import NOTHING, header, own_digests
from lab.contenthash.rules import Rules
from lab.errors import ContextError

Own = str | ContextError
NO_RECORD = Part(NOTHING)


@dataclass(slots=True, eq=False)
class Node:
    """One path of the tree: `own` is the object's digest, `whole` with all that is below it.

    `kind` is None for a directory that only the paths below it speak of: it has no record, and no digest.
    """

    path: str
    kind: Kind | None = None
    linkname: str = ""
    own: Part = NO_RECORD
    whole: Part = NO_RECORD
    children: dict[str, Node] = field(default_factory=dict)


class Tree:
    """The objects of a context by path; paths here are absolute inside it, "" is its root.

    `root` is the digest of the root's own header: of nothing for a context that a client sent.
    """

    def __init__(self, entries: Iterable[Entry], own: Iterable[Own], root: str = NOTHING) -> None:
        self._nodes = {"": Node("", Kind.DIR, own=Leaf("", root))}
        self.own: dict[str, Own] = {}
        hardlinks: list[tuple[Node, Entry]] = []
        for entry, digest in zip(entries, own, strict=True):
            if entry.path in self.own:
                raise ContextError(f"cannot use the records: {entry.path} stands there twice")
            self.own[entry.path] = digest
            node = self._reach("/" + entry.path)
            node.kind, node.linkname, node.own = entry.kind, entry.linkname, Leaf(node.path, digest)
            if entry.is_hardlink:
                hardlinks.append((node, entry))
        for node, entry in hardlinks:
            first = self.get("/" + entry.linkname)
            if first and first.kind not in (None, Kind.DIR):
                node.own = first.own
        self._sum_up()

    @classmethod
    def read(cls, entries: Iterable[Entry], rules: Rules) -> Tree:
        """The tree under one rule set; every content is streamed once, an object without a digest keeps its error."""
        listed = list(entries)
        return cls(listed, (digest_or_error(entry, rules) for entry in listed))

    def get(self, path: str) -> Node | None:
        """The record at a clean absolute path; None where there is none."""
        node = self._nodes.get(path)
        return node if node and node.kind else None

    def below(self, node: Node) -> Iterator[Node]:
        """A node and all below it, in the order of the daemon's keys: "/" counts as the smallest character."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(list(node.children.values()))

    @property
    def root(self) -> Node:
        """The context itself."""
        return self._nodes[""]

    def _reach(self, path: str) -> Node:
        """The node at a path, with the nodes that lead to it."""
        missing: list[str] = []
        while path not in self._nodes:
            path, _, name = path.rpartition("/")
            missing.append(name)
        node = self._nodes[path]
        for name in reversed(missing):
            child = Node(f"{node.path}/{name}")
            self._nodes[child.path] = node.children[name] = child
            node = child
        return node

    def _sum_up(self) -> None:
        """Order the children of each node and compute the digests of directories, deepest first."""
        for node in sorted(self._nodes.values(), key=lambda node: node.path.count("/"), reverse=True):
            if not node.children and node.kind is not Kind.DIR:
                node.whole = node.own
                continue
            node.children = dict(sorted(node.children.items(), key=lambda item: name_bytes(item[0])))
            node.whole = node.own
            if node.kind is Kind.DIR:
                known = [child for child in node.children.values() if child.kind]
                named = [(b"\0" + name_bytes(child.path.rpartition("/")[2]), child.whole) for child in known]
                node.whole = Join([(b"\0", node.own), *named], directory=True)


def digest_or_error(entry: Entry, rules: Rules) -> Own:
    """The object's own digest, or the error that says why there is none."""
    try:
        return own_digests(entry, [header(entry, rules)])[0]
    except ContextError as error:
        return error


def read_trees(entries: Iterable[Entry], rule_sets: Iterable[Rules]) -> dict[Rules, Tree]:
    """A tree for each rule set, every content being streamed once for all of them."""
    listed, asked = list(entries), list(dict.fromkeys(rule_sets))
    found: dict[Rules, list[Own]] = {rules: [] for rules in asked}
    for entry in listed:
        starts: dict[Rules, bytes] = {}
        for rules in asked:
            try:
                starts[rules] = header(entry, rules)
            except ContextError as error:
                found[rules].append(error)
        distinct = list(dict.fromkeys(starts.values()))
        try:
            digests: dict[bytes, Own] = dict(zip(distinct, own_digests(entry, distinct), strict=True))
        except ContextError as error:
            digests = dict.fromkeys(distinct, error)
        for rules, start in starts.items():
            found[rules].append(digests[start])
    return {rules: Tree(listed, found[rules]) for rules in asked}
