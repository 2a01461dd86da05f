"""The daemon's record tree of a build context: directories with their digests, hard links, and the root."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial

from lab.buildkit.contenthash.entry import Entry, Kind, name_bytes, shown
from lab.buildkit.contenthash.formula import Join, Leaf, Part, Source
from lab.buildkit.contenthash.header import NOTHING, header, own_digests
from lab.buildkit.contenthash.rules import Rules
from lab.errors import ContextError, UnknownContentError

NO_RECORD = Part(NOTHING)
LAST = "\udcff"  # the byte ff as os.fsdecode decodes it
EMPTY = Entry("", Kind.DIR, 0o755)  # the root of an empty context


@dataclass(slots=True, eq=False)
class Node:
    """One path of the tree: `own` is the digest of the object, `whole` the digest including everything below it.

    `kind` is None for a directory that has no entry and exists only as a prefix of other paths. Such a directory has no
    record and no digest.
    """

    path: str
    kind: Kind | None = None
    linkname: str = ""
    own: Part = NO_RECORD
    whole: Part = NO_RECORD
    children: dict[str, Node] = field(default_factory=dict)


class Tree:
    """The objects of a context by path; paths are absolute inside the context, and "" is its root.

    `root` is the digest of the root's own header. It is the digest of no bytes if the client sent any object.
    """

    def __init__(self, entries: Iterable[Entry], own: Iterable[Source], root: str = NOTHING) -> None:
        self._nodes = {"": Node("", Kind.DIR, own=Leaf("", root))}
        self._own: dict[str, Leaf] = {}
        self._narrowed: dict[Hashable, Tree] = {}
        hardlinks: list[tuple[Node, Entry]] = []
        for entry, digest in zip(entries, own, strict=True):
            if entry.path in self._own:
                raise ContextError(f"cannot use the records: {shown(entry.path)} occurs twice")
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
        """Build the tree under one rule set; a content is read when a digest that needs it is computed."""
        return read_trees(entries, [rules])[rules]

    @property
    def own(self) -> dict[str, str | ContextError]:
        """The own digest of each object by path, or the error if it has none; of a directory, that of its header."""
        return {path: leaf.text_or_error for path, leaf in self._own.items()}

    def get(self, path: str) -> Node | None:
        """Return the node at a clean absolute path; None if the path has no record."""
        node = self._nodes.get(path)
        return node if node and node.kind else None

    def below(self, node: Node) -> Iterator[Node]:
        """Yield a node and all nodes below it, in the daemon's key order, in which "/" is the smallest character."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(list(node.children.values()))

    @cached_property
    def has_links(self) -> bool:
        """True if one of the objects is a symbolic link."""
        return any(node.kind is Kind.SYMLINK for node in self._nodes.values())

    def narrowed(self, name: Hashable, chosen: Callable[[], Callable[[str], bool] | None]) -> Tree:
        """Return the tree of the objects that a choice holds, with the folders that contain them.

        `chosen` makes the choice, None for all objects. It is made once for each `name`.
        """
        if name not in self._narrowed:
            holds = chosen()
            self._narrowed[name] = self if holds is None else self._only(holds)
        return self._narrowed[name]

    def _only(self, holds: Callable[[str], bool]) -> Tree:
        kept: set[str] = set()
        for node in self._nodes.values():
            if node.kind and node.path and holds(node.path[1:]):
                names = node.path.split("/")
                kept.update("/".join(names[: count + 1]) for count in range(1, len(names)))
        if len(kept) == len(self._own):
            return self
        made = Tree((), ())
        made.root.own = self.root.own
        for path in (path for path in self._nodes if path in kept):
            node, copy = self._nodes[path], made._reach(path)
            copy.kind, copy.linkname, copy.own = node.kind, node.linkname, node.own
        made._own = {path: leaf for path, leaf in self._own.items() if f"/{path}" in kept}
        made._sum_up()
        return made

    @property
    def root(self) -> Node:
        """The root of the context."""
        return self._nodes[""]

    def _reach(self, path: str) -> Node:
        """Return the node at a path; create it and the nodes above it if they are missing."""
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
        """Sort the children of each node and set the digests of directories, the deepest directories first."""
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
    """Return an error instead of a digest: BuildKit uses this byte to skip the objects inside a directory."""
    why = "lab does not model how BuildKit hashes a directory below which a name begins with the byte ff"
    return Part(UnknownContentError(f"cannot digest the folder that contains {shown(name)}: {why}"))


class _Digests:
    """The own digests of one object under several rule sets; its content is read once for all of them."""

    __slots__ = ("_entry", "_found", "_rule_sets")

    def __init__(self, entry: Entry, rule_sets: list[Rules]) -> None:
        self._entry = entry
        self._rule_sets = rule_sets
        self._found: dict[Rules, str | ContextError] = {}

    def under(self, rules: Rules) -> str:
        """Return the digest under one of the rule sets; ContextError if it has none."""
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
    """Build a tree for each rule set; a content is read once for all of them, when a digest needs it."""
    listed, asked = list(entries), list(dict.fromkeys(rule_sets))
    shared = [_Digests(entry, asked) for entry in listed]
    trees = {}
    for rules in asked:
        own = [partial(digests.under, rules) for digests in shared]
        trees[rules] = Tree(listed, own, root_digest(rules, empty=not listed))
    return trees


def root_digest(rules: Rules, *, empty: bool) -> str:
    """Return the digest of the root's own header.

    If the client sends nothing, the daemon hashes its own folder for the context, which it has just created.
    """
    return own_digests(EMPTY, [header(EMPTY, rules)])[0] if empty else NOTHING
