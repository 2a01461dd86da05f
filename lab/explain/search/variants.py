"""The variants of one object: what it may be on another machine, with other values in one or two fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.header import header
from lab.buildkit.contenthash.rules import Rules
from lab.explain.search.usual import Usual

LABEL = "security.selinux"
LARGEST_TEXT = 4 << 20  # bytes of a file whose line ends are tried
Change = Callable[[Entry], Entry | None]  # None if the change does not affect the object


def modes(entry: Entry, usual: Usual) -> Iterator[Entry]:
    """Yield the object with each other usual mode, and with its setgid bit inverted."""
    if entry.kind is Kind.SYMLINK:
        return
    listed = usual.dir_modes if entry.kind is Kind.DIR else usual.file_modes
    for mode in dict.fromkeys((*listed, entry.mode ^ 0o2000)):
        if mode != entry.mode:
            yield entry.but(mode=mode)


def bare(entry: Entry) -> Iterator[Entry]:
    """Yield the object without each one of its attributes, and without all of them."""
    for name in entry.xattrs:
        yield entry.but(xattrs={key: value for key, value in entry.xattrs.items() if key != name})
    if len(entry.xattrs) > 1:
        yield entry.but(xattrs={})


def labelled(entry: Entry, usual: Usual) -> Iterator[Entry]:
    """Yield the object with other labels, each with and without the final NUL."""
    own = entry.xattrs.get(LABEL)
    if own is not None:
        other = own.removesuffix(b"\0") if own.endswith(b"\0") else own + b"\0"
        yield entry.but(xattrs={**entry.xattrs, LABEL: other})
    for label in usual.labels:
        for value in (label.encode() + b"\0", label.encode()):
            if value != own:
                yield entry.but(xattrs={**entry.xattrs, LABEL: value})


def attributed(entry: Entry, usual: Usual) -> Iterator[Entry]:
    """Yield the object with one more attribute, or with another value of one."""
    for name, value in usual.attributes:
        if entry.xattrs.get(name) != value:
            yield entry.but(xattrs={**entry.xattrs, name: value})


def owned(entry: Entry, usual: Usual) -> Iterator[Entry]:
    """Yield the object with other owners."""
    for uid, gid in usual.owners:
        if (uid, gid) != (entry.uid, entry.gid):
            yield entry.but(owner=(uid, gid))


def line_ends(entry: Entry) -> Iterator[Entry]:
    """Yield a text with other line ends; its content must be in memory as bytes."""
    content = entry.content
    if entry.kind is not Kind.FILE or not isinstance(content, bytes) or len(content) > LARGEST_TEXT:
        return
    if b"\n" not in content or b"\0" in content:
        return
    unix = content.replace(b"\r\n", b"\n")
    for text in (unix, unix.replace(b"\n", b"\r\n")):
        if text != content:
            yield entry.but(content=text)


def distinct(entry: Entry, variants: Iterator[Entry], rules: Rules) -> Iterator[tuple[Entry, bytes]]:
    """Yield the variants with a new header or a new content, each with its header."""
    seen = {header(entry, rules)}
    for variant in variants:
        start = header(variant, rules)
        if start not in seen or variant.content is not entry.content:
            seen.add(start)
            yield variant, start


def metadata(entry: Entry, usual: Usual, rules: Rules) -> Iterator[Entry]:
    """Yield all variants of one object that have the same content, the usual ones first."""
    yield from modes(entry, usual)
    yield from bare(entry)
    yield from attributed(entry, usual)
    if rules.owner:
        yield from owned(entry, usual)
    if rules.keeps(LABEL):
        yield from labelled(entry, usual)


def all_modes(usual: Usual) -> Iterator[Change]:
    """Yield changes of the modes of all objects: those of other umasks, and those of a client on Windows."""
    for umask in usual.umasks:
        yield partial(_masked, umask=umask)
    yield _from_windows


def all_else(entries: list[Entry], usual: Usual, rules: Rules) -> Iterator[Change]:
    """Yield other changes of all objects: attributes removed or added, line ends, owners."""
    for name in sorted({name for entry in entries for name in entry.xattrs}):
        yield partial(_without, name=name)
    yield _bared
    yield _other_line_ends
    for name, value in usual.attributes:
        yield partial(_with, name=name, value=value)
    for owner in usual.owners if rules.owner else ():
        yield partial(_owned_by, owner=owner)
    for label in usual.labels if rules.keeps(LABEL) else ():
        for value in (label.encode() + b"\0", label.encode()):
            yield partial(_with, name=LABEL, value=value)


def _masked(entry: Entry, umask: int) -> Entry | None:
    if entry.kind not in (Kind.FILE, Kind.DIR):
        return None
    full = 0o777 if entry.kind is Kind.DIR or entry.mode & 0o100 else 0o666
    mode = entry.mode & 0o7000 | full & ~umask
    return None if mode == entry.mode else entry.but(mode=mode)


def _from_windows(entry: Entry) -> Entry | None:
    """Return the object as Windows clients send it: all may execute, only the owner may write, no attributes."""
    mode = (entry.mode & 0o777 | 0o111) & 0o755
    return None if entry.kind is Kind.SYMLINK else entry.but(mode=mode, xattrs={})


def _without(entry: Entry, name: str) -> Entry | None:
    if name not in entry.xattrs:
        return None
    return entry.but(xattrs={key: value for key, value in entry.xattrs.items() if key != name})


def _with(entry: Entry, name: str, value: bytes) -> Entry | None:
    return None if entry.xattrs.get(name) == value else entry.but(xattrs={**entry.xattrs, name: value})


def _bared(entry: Entry) -> Entry | None:
    return entry.but(xattrs={}) if entry.xattrs else None


def _owned_by(entry: Entry, owner: tuple[int, int]) -> Entry | None:
    return None if (entry.uid, entry.gid) == owner else entry.but(owner=owner)


def _other_line_ends(entry: Entry) -> Entry | None:
    return next(line_ends(entry), None)
