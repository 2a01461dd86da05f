"""The contents of the producer's files: other line ends, what git's index has, pointers of git LFS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.explain.search.lines import checked_out, is_binary, wanted, with_crlf, with_lf
from lab.explain.search.usual import Usual
from lab.explain.search.variants import LARGEST_TEXT
from lab.explain.search.world import LFS, Rule, World


def rules(world: World, usual: Usual) -> Iterator[Rule]:
    """Yield the rules, the likely ones first."""
    here = _texts(world)
    crlf, lf = _changed(here, with_crlf), _changed(here, with_lf)
    pointers = _pointers(world)
    yield Rule("pointers in place of the files of git LFS", 2, replaced=pointers)
    if world.blobs:
        for autocrlf in ("false", "true"):
            files = _of_git(world, autocrlf, crlf)
            yield Rule(f"contents as git checks them out with core.autocrlf={autocrlf}", 1, replaced=files)
            both = f"contents as git checks them out with core.autocrlf={autocrlf}, and pointers of git LFS"
            if pointers:
                yield Rule(both, 3, replaced={**files, **pointers})
    for name, files in (("CRLF at the end of every line", crlf), ("LF at the end of every line", lf)):
        yield Rule(name, 2, replaced=files)
        if pointers:
            yield Rule(f"{name}, and pointers of git LFS", 3, replaced={**files, **pointers})


def _texts(world: World) -> dict[int, Entry]:
    """Return the files of this side whose line ends a tool would change."""
    found = {}
    for number in world.used:
        entry = world.objects[number]
        if entry.kind is Kind.FILE and isinstance(entry.content, bytes) and not entry.is_hardlink:
            small = len(entry.content) <= LARGEST_TEXT and b"\n" in entry.content
            if small and number < world.here and not is_binary(entry.content):
                found[number] = entry
    return found


def _changed(entries: dict[int, Entry], change: Callable[[bytes], bytes]) -> dict[int, Entry]:
    found = {}
    for number, entry in entries.items():
        assert isinstance(entry.content, bytes)  # `_texts` returns no others
        content = change(entry.content)
        if content != entry.content:
            found[number] = entry.but(content=content)
    return found


def _of_git(world: World, autocrlf: str, crlf: Mapping[int, Entry]) -> dict[int, Entry]:
    """Return the files whose content is another one in a new checkout with this setting.

    `crlf` are texts of this side with CRLF, which are not made a second time.
    """
    found = {}
    for number, blob in world.blobs.items():
        item, entry = world.tracked[number], world.objects[number]
        assert item is not None  # `blobs` has tracked files only
        if blob is entry.content and b"\r" not in blob and number in crlf:
            if wanted(item.attributes, autocrlf)[1]:
                found[number] = crlf[number]
            continue
        content = checked_out(blob, item.attributes, autocrlf)
        if content != entry.content:
            found[number] = entry.but(content=content)
    return found


def _pointers(world: World) -> dict[int, Entry]:
    """Return the files of git LFS as their pointers, which is what a checkout without git-lfs has."""
    found = {}
    for number in world.used:
        entry, item = world.objects[number], world.tracked[number]
        if item is None or item.attributes.get("filter") != "lfs" or not isinstance(entry.content, bytes):
            continue
        if not entry.content.startswith(LFS):
            found[number] = entry.but(content=pointer(entry.content))
    return found


def pointer(content: bytes) -> bytes:
    """Return the pointer of git LFS to a content."""
    return LFS + b"oid sha256:%s\nsize %d\n" % (sha256(content).hexdigest().encode(), len(content))
