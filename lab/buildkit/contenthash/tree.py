"""A build context as the daemon's record tree holds it: directories, their digests, hard links, the root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from lab.buildkit.contenthash.entry import Entry, Kind, name_bytes, shown
from lab.buildkit.contenthash.formula import Join, Leaf, Part, Source
from lab.buildkit.contenthash.header import NOTHING, header, own_digests
from lab.buildkit.contenthash.rules import Rules
from lab.errors import ContextError

NO_RECORD = Part(NOTHING)
LAST = "\udcff"  # the byte ff as os.fsdecode gives it
EMPTY = Entry("", Kind.DIR, 0o755)  # the root of a context with nothing in it


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

    `root` is the digest of the root's own header: of nothing for a context of which a client sent something.
    """

    def __init__(self, entries: Iterable[Entry], own: Iterable[Source], root: str = NOTHING) -> None:
        self._nodes = {"": Node("", Kind.DIR, own=Leaf("", root))}
        self._own: dict[str, Leaf] = {}
        hardlinks: list[tuple[Node, Entry]] = []
        for entry, digest in zip(entries, own, strict=True):
            if entry.path in self._own:
                raise ContextError(f"cannot use the records: {shown(entry.path)} stands there twice")
            node = self._reach("/" + entry.path)
            node.kind, node.linkname = entry.kind, entry.linkname
            node.own = self._own[entry.path] = Leaf(node.path, digest)
            if entry.is_hardlink:
                hardlinks.append((node, entry))
        for node, entry in hardlinks:
            first = self.get("/" + entry.linkname)
            if first and first.kind not in (None, Kind.DIR):
                node.own = first.own
        self._sum_up()

    @classmethod
    def read(cls, entries: Iterable[Entry], rules: Rules) -> Tree:
        """The tree under one rule set; a content is streamed when a digest that needs it is asked for."""
        return read_trees(entries, [rules])[rules]

    @property
    def own(self) -> dict[str, str | ContextError]:
        """Each object's own digest by its path, or why it has none: of a directory its header's."""
        return {path: leaf.text_or_error for path, leaf in self._own.items()}

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
                odd = next((below for child in known for below in child.children if below.startswith(LAST)), None)
                node.whole = Join([(b"\0", node.own), *named], directory=True) if odd is None else _strange(odd)


def _strange(name: str) -> Part:
    """In place of a digest: BuildKit skips what a directory holds by looking behind its name and this byte."""
    why = "a name that begins with the byte ff enters the digests of the folders above in a way that is not covered"
    return Part(ContextError(f"cannot digest what holds {shown(name)}: {why}"))


class _Digests:
    """One object's own digests under several rule sets, computed together: its content is streamed once."""

    __slots__ = ("_entry", "_found", "_rule_sets")

    def __init__(self, entry: Entry, rule_sets: list[Rules]) -> None:
        self._entry = entry
        self._rule_sets = rule_sets
        self._found: dict[Rules, str | ContextError] = {}

    def under(self, rules: Rules) -> str:
        """The digest under one of the rule sets; ContextError if it has none."""
        if not self._found:
            self._compute()
        found = self._found[rules]
        if isinstance(found, ContextError):
            raise found
        return found

    def _compute(self) -> None:
        starts: dict[Rules, bytes] = {}
        for rules in self._rule_sets:
            try:
                starts[rules] = header(self._entry, rules)
            except ContextError as error:
                self._found[rules] = error
        distinct = list(dict.fromkeys(starts.values()))
        try:
            digests = dict(zip(distinct, own_digests(self._entry, distinct), strict=True))
        except ContextError as error:
            self._found |= dict.fromkeys(starts, error)
        else:
            self._found |= {rules: digests[start] for rules, start in starts.items()}


def read_trees(entries: Iterable[Entry], rule_sets: Iterable[Rules]) -> dict[Rules, Tree]:
    """A tree for each rule set; a content is streamed once for all of them, when a digest needs it."""
    listed, asked = list(entries), list(dict.fromkeys(rule_sets))
    shared = [_Digests(entry, asked) for entry in listed]
    # a daemon that was sent nothing looks at its own folder instead, which is new
    roots = {rules: NOTHING if listed else own_digests(EMPTY, [header(EMPTY, rules)])[0] for rules in asked}
    return {rules: Tree(listed, [partial(digests.under, rules) for digests in shared], roots[rules]) for rules in asked}
