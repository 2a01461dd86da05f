"""Remedies for extended attributes: setfattr, chcon, and xattr of macOS."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.buildkit.contenthash.entry import Entry
from lab.counting import counted
from lab.explain.remedies.chmod import tops
from lab.explain.remedies.remedy import FEW, Place, Sides, Step, each, quoted, words
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
            text = f"{_on(sides, f'setfattr -x {quoted(name)}', paths)}{note}"
            yield Step(text, place, each(_without(name), paths))
        if more and all(name.startswith("com.apple.") for name in more):
            yield Step("xattr -cr .", place, each(_bare))
        for (name, value), paths in other.items():
            yield _set(sides, place, name, value, paths)


def _set(sides: Sides, place: Place, name: str, value: bytes, paths: list[str]) -> Step:
    if name == LABEL and value.endswith(b"\0"):
        command = f"chcon {quoted(value[:-1].decode('utf-8', 'replace'))}"
    else:
        command = f"setfattr -n {quoted(name)} -v 0x{value.hex()}"
    return Step(_on(sides, command, paths), place, each(_with(name, value), paths))


def _on(sides: Sides, command: str, paths: list[str]) -> str:
    """The command with its objects, or in words where these are many."""
    if len(paths) <= FEW:
        return f"{command} {words(paths)}"
    below = words([top or "." for top in tops(sides)])
    return f"run `{command}` on each of {counted(len(paths), 'object')} below {below}"


def _without(name: str) -> Callable[[Entry], Entry]:
    return lambda entry: entry.but(xattrs={key: value for key, value in entry.xattrs.items() if key != name})


def _bare(entry: Entry) -> Entry:
    return entry.but(xattrs={})


def _with(name: str, value: bytes) -> Callable[[Entry], Entry]:
    return lambda entry: entry.but(xattrs={**entry.xattrs, name: value})
