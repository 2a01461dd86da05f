"""Remedies for contents: other line ends, a line in .gitattributes, files of git LFS, links that are text files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from lab.buildkit.contenthash.entry import Entry, Kind, file, walk_key
from lab.explain.remedies.remedy import FEW, Place, Sides, Step, by_path, each, words
from lab.explain.search.lines import is_binary, with_crlf, with_lf
from lab.explain.search.world import LFS

ATTRIBUTES = ".gitattributes"
LINE = b"* text=auto eol=lf\n"


def steps(sides: Sides) -> Iterator[Step]:
    """Yield what may give both sides the same contents."""
    different = [pair for pair in sides.common if differ(pair)]
    if not different:
        return
    text = f"the line `{LINE.decode().strip()}` in {ATTRIBUTES}, git add --renormalize ., a commit, and new checkouts"
    if sides.tracked is not None:
        yield Step(text, Place.BOTH, _renormalized)
    yield from _converted(sides, different)
    yield from _fetched(sides, different)


def differ(pair: tuple[Entry, Entry]) -> bool:
    """Return whether two objects of the same path have another type, link text or content."""
    one, other = pair
    if one.kind is not other.kind or one.linkname != other.linkname:
        return True
    return one.content is not other.content and one.content != other.content


def _converted(sides: Sides, different: Sequence[tuple[Entry, Entry]]) -> Iterator[Step]:
    for place, own in ((Place.HERE, 0), (Place.THERE, 1)):
        paths = [pair[own].path for pair in different]
        for program, change in (("dos2unix", with_lf), ("unix2dos", with_crlf)):
            few = len(paths) <= FEW
            text = f"{program} {words(paths)}" if few else f"run {program} on every file that differs"
            yield Step(text, place, each(_text(change), frozenset(paths)))


def _text(change: Callable[[bytes], bytes]) -> Callable[[Entry], Entry]:
    def changed(entry: Entry) -> Entry:
        if entry.kind is not Kind.FILE or not isinstance(entry.content, bytes) or is_binary(entry.content):
            return entry
        content = change(entry.content)
        return entry if content == entry.content else entry.but(content=content)

    return changed


def _renormalized(entries: Sequence[Entry]) -> list[Entry]:
    """Return what a new checkout has after the line was added to .gitattributes and the index was made again."""
    found = [_text(with_lf)(entry) for entry in entries if entry.path != ATTRIBUTES]
    old = by_path(entries).get(ATTRIBUTES)
    if old is not None and isinstance(old.content, bytes):
        # a line at the beginning leaves the lines after it in force
        return sorted([*found, old.but(content=LINE + with_lf(old.content))], key=walk_key)
    modes = Counter(entry.mode for entry in entries if entry.kind is Kind.FILE and not entry.mode & 0o111)
    return sorted([*found, file(ATTRIBUTES, LINE, modes.most_common(1)[0][0] if modes else 0o644)], key=walk_key)


def _fetched(sides: Sides, different: Sequence[tuple[Entry, Entry]]) -> Iterator[Step]:
    """Yield commands by which the producer's checkout gets the objects of this side."""
    ours = by_path(sides.ours)
    pointers = [
        theirs.path for _, theirs in different if isinstance(theirs.content, bytes) and theirs.content[:43] == LFS
    ]
    if pointers:
        yield Step("git lfs pull", Place.THERE, each(lambda entry: _content_of(entry, ours), frozenset(pointers)))
    links = [theirs.path for mine, theirs in different if mine.kind is Kind.SYMLINK and theirs.kind is Kind.FILE]
    if links:
        text = "git config core.symlinks true, and a new checkout"
        yield Step(text, Place.THERE, each(lambda entry: ours[entry.path], frozenset(links)))


def _content_of(entry: Entry, ours: dict[str, Entry]) -> Entry:
    content = ours[entry.path].content
    return entry.but(content=content) if isinstance(content, bytes) else entry
