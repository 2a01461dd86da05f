"""Symbolic links in the path of a source, in both ways in which BuildKit has resolved them."""

from __future__ import annotations

from lab.buildkit.contenthash import gopath
from lab.buildkit.contenthash.entry import Kind, shown
from lab.buildkit.contenthash.rules import Links
from lab.buildkit.contenthash.tree import Node, Tree
from lab.errors import ContextError

LIMIT = 255  # links on one way, in BuildKit
DEEPEST = 255  # elements of a path, ours: the old way goes up them one by one


def lookup(tree: Tree, path: str, links: Links, *, last: bool) -> tuple[str, Node | None]:
    """The path with its links resolved and the record there, None if there is none.

    `path` need not be clean. `last` says whether a link in the last element is resolved too. ContextError if there
    are too many links.
    """
    if links is Links.REAL:
        return _real(tree, gopath.key_path(path), last=last)
    try:
        return _lexical_to_the_end(tree, path, last=last)
    except RecursionError as error:  # links upon links that only ever lead deeper
        raise _too_many(path) from error


def _lexical_to_the_end(tree: Tree, path: str, *, last: bool) -> tuple[str, Node | None]:
    """The deepest known directory first, links joined by their text: up to bk 0.13.

    An absolute link is not cleaned before the next one is joined to its directory: after "/a/." that is "/a", not "/".
    """
    found, node = _lexical(tree, gopath.key_path(path), [0])
    count = 0
    while last and node and node.kind is Kind.SYMLINK:
        count += 1
        if count > LIMIT:
            raise _too_many(path)
        absolute = node.linkname.startswith("/")
        path = node.linkname if absolute else gopath.join(gopath.parent(path), node.linkname)
        found, node = _lexical(tree, gopath.key_path(path), [0])
    return found, node


def lookup_prefix(tree: Tree, path: str, links: Links, *, last: bool) -> tuple[str, Node | None]:
    """As `lookup`, for what stands before a wildcard or is asked with patterns.

    The old way takes a link in the last element from where the first one was found, and each that follows as well,
    and looks up where they lead to without going through other links.
    """
    if links is Links.REAL:
        return _real(tree, path, last=last)
    try:
        count = [0]
        first, node = _lexical(tree, path, count)
    except RecursionError as error:
        raise _too_many(path) from error
    found = first
    while last and node and node.kind is Kind.SYMLINK:
        count[0] += 1
        if count[0] > LIMIT:
            raise _too_many(path)
        found = clean_link(first, node.linkname)
        node = tree.get(found)
    return found, node


def target(tree: Tree, path: str, links: Links) -> Node:
    """The record at a path with all links followed; ContextError if there is none."""
    _, node = lookup(tree, path, links, last=True)
    if node is None:
        raise ContextError(
            f"cannot digest {shown(path.lstrip('/') or path)}: no such path in the context",
            hint="it may be excluded by .dockerignore, or a link on its way may lead out of the context",
        )
    return node


def _real(tree: Tree, path: str, *, last: bool) -> tuple[str, Node | None]:
    """Element by element, as the kernel does: from bk 0.14 on."""
    node = tree.get(path)
    if node and not (last and node.kind is Kind.SYMLINK):
        return path, node
    current, remaining, count = "/", path.removesuffix("/"), 0
    while remaining:
        part, _, remaining = remaining.partition("/")
        following = gopath.key_path(gopath.join("/", current, part))
        node = tree.get(following)
        if node is None or node.kind is not Kind.SYMLINK:
            current = following
            continue
        if not last and not remaining:
            current = following
            break
        count += 1
        if count > LIMIT:
            raise _too_many(path)
        remaining = f"{node.linkname}/{remaining}"
        if node.linkname.startswith("/"):
            current = "/"
    return current, node


def _lexical(tree: Tree, path: str, count: list[int]) -> tuple[str, Node | None]:
    """The record at a path whose last element is taken as it is."""
    if path.count("/") > DEEPEST:
        raise ContextError(f"cannot follow {shown(path)}: it is too deep")
    node = tree.get(path)
    if node or not path:
        return path, node
    above, slash, name = path.rpartition("/")
    found, holder = _lexical(tree, above, count)
    if holder and holder.kind is Kind.SYMLINK:
        count[0] += 1
        if count[0] > LIMIT:
            raise _too_many(path)
        return _lexical(tree, clean_link(above, holder.linkname) + slash + name, count)
    found += slash + name
    return found, tree.get(found)


def clean_link(path: str, linkname: str) -> str:
    """Where a link at a path leads to, by the text alone."""
    place = gopath.clean(path)
    link = gopath.clean(linkname)
    if link.startswith("/"):
        return link
    return gopath.join("/", gopath.parent("" if place in (".", "/") else place), link)


def _too_many(path: str) -> ContextError:
    return ContextError(f"cannot follow {shown(path)}: more than {LIMIT} symbolic links on its way")
