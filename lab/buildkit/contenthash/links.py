"""Symbolic links in the path of a source, resolved as old and as new BuildKit versions do."""

from __future__ import annotations

from lab.buildkit.contenthash import gopath
from lab.buildkit.contenthash.entry import Kind, shown
from lab.buildkit.contenthash.rules import Links
from lab.buildkit.contenthash.tree import Node, Tree
from lab.errors import ContextError

LIMIT = 255  # links in one path; BuildKit's limit
DEEPEST = 255  # elements of a path; lab's limit, because the lexical resolution recurses once for each


def lookup(tree: Tree, path: str, links: Links, *, last: bool) -> tuple[str, Node | None]:
    """Return the path with its links resolved, and the node at that path or None.

    `path` need not be clean. `last` states whether a link in the last element is resolved too. ContextError if there
    are too many links.
    """
    if links is Links.REAL:
        return _real(tree, gopath.key_path(path), last=last)
    try:
        return _lexical_to_the_end(tree, path, last=last)
    except RecursionError as error:  # each link leads to a deeper one
        raise _too_many(path) from error


def _lexical_to_the_end(tree: Tree, path: str, *, last: bool) -> tuple[str, Node | None]:
    """Resolve links as BuildKit up to 0.13 does: from the deepest known directory, by the text of the links.

    An absolute link is not cleaned before the next link is joined to its directory: the directory of "/a/." is "/a"
    and not "/".
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
    """Resolve a path as `lookup` does, but for the part before a wildcard, or for a path with patterns.

    The lexical resolution joins every link in the last element to the path at which the first link was found. It does
    not resolve links inside the paths to which these links lead.
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
    """Return the node at a path with all links followed; ContextError if there is none."""
    _, node = lookup(tree, path, links, last=True)
    if node is None:
        raise ContextError(
            f"cannot digest {shown(path.lstrip('/') or path)}: no such path in the context",
            hint=".dockerignore may exclude it, or a link in its path may lead out of the context",
        )
    return node


def _real(tree: Tree, path: str, *, last: bool) -> tuple[str, Node | None]:
    """Resolve links as BuildKit from 0.14 on does: element by element, like the kernel."""
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
    """Return the resolved path and its node; a link in the last element is not followed."""
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
    """Return the target of a link at a path, computed from the text alone."""
    place = gopath.clean(path)
    link = gopath.clean(linkname)
    if link.startswith("/"):
        return link
    return gopath.join("/", gopath.parent("" if place in (".", "/") else place), link)


def _too_many(path: str) -> ContextError:
    return ContextError(f"cannot follow {shown(path)}: it leads through more than {LIMIT} symbolic links")
