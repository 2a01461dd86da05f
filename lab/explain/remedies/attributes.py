"""Remedies for extended attributes: setfattr, chcon, and xattr of macOS."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from lab.buildkit.contenthash.entry import Entry
from lab.counting import counted
from lab.explain.remedies.chmod import tops
from lab.explain.remedies.remedy import FEW, Place, Sides, Step, each
from lab.explain.search.variants import LABEL


def steps(sides: Sides) -> Iterator[Step]:
    """Yield what may give both sides the same attributes."""
    for place, own in ((Place.HERE, 0), (Place.THERE, 1)):
        more: dict[str, list[str]] = {}
        other: dict[tuple[str, bytes], list[str]] = {}
        for pair in sides.common:
            mine, wanted = pair[own].xattrs, pair[1 - own].xattrs
            for name in mine.keys() - wanted.keys():
                more.setdefault(name, []).append(pair[own].path)
            for name, value in wanted.items():
                if mine.get(name) != value:
                    other.setdefault((name, value), []).append(pair[own].path)
        for name, paths in more.items():
            note = ", which a kernel with SELinux refuses" if name == LABEL else ""
            text = f"setfattr -x {shlex.quote(name)} {_where(sides, paths)}{note}"
            yield Step(text, place, each(_without(name), paths))
        if more and all(name.startswith("com.apple.") for name in more):
            yield Step("xattr -cr .", place, each(_bare))
        for (name, value), paths in other.items():
            yield _set(sides, place, name, value, paths)


def _set(sides: Sides, place: Place, name: str, value: bytes, paths: list[str]) -> Step:
    where = _where(sides, paths)
    if name == LABEL and value.endswith(b"\0"):
        text = f"chcon {shlex.quote(value[:-1].decode('utf-8', 'replace'))} {where}"
    else:
        text = f"setfattr -n {shlex.quote(name)} -v 0x{value.hex()} {where}"
    return Step(text, place, each(_with(name, value), paths))


def _where(sides: Sides, paths: list[str]) -> str:
    if len(paths) <= FEW:
        return shlex.join(sorted(paths))
    words = shlex.join(top or "." for top in tops(sides))
    return f"on each of {counted(len(paths), 'object')} below {words}"


def _without(name: str) -> Callable[[Entry], Entry]:
    return lambda entry: entry.but(xattrs={key: value for key, value in entry.xattrs.items() if key != name})


def _bare(entry: Entry) -> Entry:
    return entry.but(xattrs={})


def _with(name: str, value: bytes) -> Callable[[Entry], Entry]:
    return lambda entry: entry.but(xattrs={**entry.xattrs, name: value})
