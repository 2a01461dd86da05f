"""What a client sends of a context: the objects to which the sources of a build lead, as fsutil follows links."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lab.buildkit.contenthash import globs, gopath
from lab.buildkit.contenthash.entry import Kind, name_bytes, shown
from lab.buildkit.contenthash.patterns import BLANKS, Matcher
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError

ANY_DEPTH = "**"
ODD = re.compile(r"[\x00-\x1f\x7f\\[\]^{|]|^!")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
OLD_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Asked:
    """The sources of all instructions of a build that take something of the context.

    `patterns` is true of a client since Docker 23 and BuildKit 0.10, which takes each source for an include pattern.
    """

    sources: tuple[str, ...]
    patterns: bool = True


def sent(tree: Tree, asked: Asked | None) -> Tree:
    """Return the objects that a client sends for these sources, or all where it sends no fewer than a source needs.

    None for `asked` stands for the whole context. ContextError if the client fails for a source.
    """
    if asked is None or not (tree.has_links or any(map(is_odd, asked.sources))):
        return tree
    return tree.narrowed(asked, lambda: _chosen(tree, asked))


def is_odd(source: str) -> bool:
    """True if a client may take a source for something else than a path or a wildcard of BuildKit."""
    text = _name(source)
    return bool(ODD.search(text)) or text != text.strip(BLANKS)


def _name(source: str) -> str:
    """The source as a client looks for it: from the root of the context, without a slash at its beginning."""
    return gopath.join("/", source)[1:]


def _chosen(tree: Tree, asked: Asked) -> Callable[[str], bool] | None:
    found = followed(tree, asked.sources)
    if found is None:
        return None
    _check_printable(asked)
    if asked.patterns and any(map(is_odd, found)):
        # sorted as a client does: what begins with "!" comes first, so it takes nothing away from the others
        matcher = Matcher(sorted(found, key=name_bytes))
        return lambda path: matcher.match(path)[0]
    return _Covered(found).__contains__


def _check_printable(asked: Asked) -> None:
    """Raise ContextError for a source that cannot stand in a header.

    A new client encodes all of them if one is not ASCII; an older one sends a tab as it is.
    """
    if asked.patterns and not all(map(str.isascii, asked.sources)):
        return
    control = CONTROL if asked.patterns else OLD_CONTROL
    odd = next((path for path in asked.sources if control.search(path)), None)
    if odd is not None:
        raise ContextError(f"cannot ask a client for {shown(odd)}: it takes no control character in a source's name")


def followed(tree: Tree, asked: Iterable[str]) -> list[str] | None:
    """Return the paths and patterns that a client includes for the sources; None if it includes everything.

    A link is followed once, with what follows it in the source that comes first. So a link that one source follows to
    a single file is not followed again for a later source that takes the whole folder: the client leaves out the rest.
    """
    found: dict[str, None] = {}
    waiting = sorted(set(map(_name, asked)), reverse=True)
    while waiting:
        path = waiting.pop()
        if not path:
            return None
        waiting += reversed(list(_follow(tree, path, found)))
    return list(found)


def _follow(tree: Tree, path: str, found: dict[str, None]) -> Iterator[str]:
    """Yield the paths to which the first link of a path leads; note the link, or the path if no link is in it."""
    current = ""
    while path:
        name, _, path = path.partition("/")
        current = f"{current}/{name}".lstrip("/")
        targets = _targets(tree, current)
        if targets or not path:
            if current not in found:
                found[current] = None
                yield from (gopath.join("/", target, path)[1:] for target in targets)
            return


def _targets(tree: Tree, path: str) -> list[str]:
    """Return where a path leads if it is a link; if its last element is a wildcard, where all matching links lead."""
    above, _, name = path.rpartition("/")
    if not gopath.has_wildcard(name):
        node = tree.get(f"/{path}")
        return [_target(above, node.linkname)] if node and node.kind is Kind.SYMLINK else []
    holder = tree.get(f"/{above}" if above else "")
    children = holder.children.items() if holder else ()
    links = [(word, child.linkname) for word, child in children if child.kind is Kind.SYMLINK]
    return [_target(above, linkname) for word, linkname in links if _matches(name, word)]


def _target(above: str, linkname: str) -> str:
    return gopath.clean(linkname) if linkname.startswith("/") else gopath.join("/", above, linkname)


def _matches(pattern: str, name: str) -> bool:
    try:
        return globs.matches(pattern, name)
    except ContextError:
        return False


class _Covered:
    """The paths that a list of paths and patterns covers: those that match, and all below them."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._plain = {item for item in patterns if not (gopath.has_wildcard(item) or "\\" in item)}
        self._others = [item.split("/") for item in patterns if item not in self._plain]

    def __contains__(self, path: str) -> bool:
        names = path.split("/")
        if any("/".join(names[: count + 1]) in self._plain for count in range(len(names))):
            return True
        return any(_covers(elements, names) for elements in self._others)


def _covers(elements: Sequence[str], names: Sequence[str]) -> bool:
    for number, element in enumerate(elements):
        if ANY_DEPTH in element:
            return True  # such patterns may cover more than they match, and never less
        if number >= len(names) or not _matches(element, names[number]):
            return False
    return True
