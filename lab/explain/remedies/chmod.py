"""Remedies for modes: chmod, another umask at the next checkout, and the executable bits of git's index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.explain.remedies.remedy import FEW, Place, Sides, Step, each, words

UMASKS = (0o022, 0o002, 0o077, 0o027, 0o007, 0o000)
SPECIAL = 0o6000  # setuid and setgid, which chmod keeps on folders unless it is told otherwise


def steps(sides: Sides) -> Iterator[Step]:
    """Yield what may give both sides the same modes; those that change the fewest objects come first."""
    yield from _named(sides)
    for place, entries in ((Place.HERE, sides.ours), (Place.THERE, sides.theirs)):
        yield from _recursive(sides, place, entries)
    if sides.tracked:
        yield from _of_index(sides)
    for umask in UMASKS:
        yield Step(f"umask {umask:04o} before git clone", Place.THERE, each(_with_umask(umask)))
    # the key contains the modes of the sources, whatever modes the copies get
    yield Step("COPY --chmod=0644", Place.BOTH, list)
    yield Step("git config core.fileMode true", Place.BOTH, list)


def _named(sides: Sides) -> Iterator[Step]:
    """Yield chmod with the producer's modes for a few objects."""
    for place, own in ((Place.HERE, 0), (Place.THERE, 1)):
        wanted: dict[int, list[str]] = {}
        for pair in sides.common:
            if pair[0].mode != pair[1].mode and pair[0].kind is not Kind.SYMLINK:
                wanted.setdefault(pair[1 - own].mode, []).append(pair[own].path)
        if wanted and sum(len(paths) for paths in wanted.values()) <= FEW:
            modes = {path: mode for mode, paths in wanted.items() for path in paths}
            folders = {pair[own].path for pair in sides.common if pair[own].kind is Kind.DIR}
            text = " && ".join(
                f"chmod {_octal(mode) if folders & set(paths) else f'{mode:04o}'} {words(paths)}"
                for mode, paths in wanted.items()
            )
            yield Step(text, place, each(lambda entry, modes=modes: entry.but(mode=modes[entry.path]), modes))  # type: ignore[misc]


def _octal(mode: int) -> str:
    """Return a mode for chmod: five digits, which GNU's chmod needs to clear the setgid bit of a folder."""
    return f"{mode:05o}"


def _recursive(sides: Sides, place: Place, entries: Sequence[Entry]) -> Iterator[Step]:
    """Yield chmod of everything below the sources."""
    for top in tops(sides):
        word = words([top or "."])
        for expression in _expressions():
            yield Step(f"chmod -R {expression} {word}", place, each(_symbolic(expression), _below(entries, top)))
        for files, folders in ((0o644, 0o755), (0o664, 0o775), (0o755, 0o755), (0o777, 0o777), (0o600, 0o700)):
            text = f"find {word} -type f -exec chmod {files:04o} {{}} + -o -type d -exec chmod {_octal(folders)} {{}} +"
            yield Step(text, place, each(_fixed(files, folders), _below(entries, top)))
        yield Step(f"find {word} -type d -exec chmod g-s {{}} +", place, each(_without_setgid, _below(entries, top)))


def tops(sides: Sides) -> list[str]:
    """Return the folders and files that the sources name; "" is the context. A pattern stands for its fixed part."""
    found = []
    for query in sides.queries:
        path = re.split(r"[*?\[]", query.path, maxsplit=1)[0]
        path = path if path == query.path else path.rpartition("/")[0]
        found.append(path.strip("/").removeprefix("./").removesuffix("."))
    return list(dict.fromkeys(found))


def _below(entries: Sequence[Entry], top: str) -> frozenset[str]:
    return frozenset(
        entry.path for entry in entries if not top or entry.path == top or entry.path.startswith(f"{top}/")
    )


def _expressions() -> Iterator[str]:
    yield from (
        "u=rwX,go=rX",
        "ug=rwX,o=rX",
        "u=rwX,go=",
        "u=rwX,g=rX,o=",
        "ug=rwX,o=",
        "a=rwX",
        "go-w",
        "g+w",
        "o-rwx",
    )
    yield from ("a-x,u=rwX,go=rX", "a+rX")


def _symbolic(expression: str) -> Callable[[Entry], Entry]:
    """Return a change that does what chmod does for a symbolic mode."""

    def change(entry: Entry) -> Entry:
        return entry if entry.kind is Kind.SYMLINK else entry.but(mode=symbolic(entry, expression))

    return change


def symbolic(entry: Entry, expression: str) -> int:
    """Return the mode after chmod with an expression such as `u=rwX,go=rX`.

    A folder keeps setuid and setgid, but not the sticky bit. `X` is the executable bit for folders and for what has one
    already. Source: chmod(1) of GNU coreutils.
    """
    mode = entry.mode
    for clause in expression.split(","):
        who, operator, permissions = re.fullmatch("([ugoa]+)([=+-])([rwxXs]*)", clause).groups()  # type: ignore[union-attr]
        shifts = [{"u": 6, "g": 3, "o": 0}[letter] for letter in who.replace("a", "ugo")]
        bits = 4 * ("r" in permissions) | 2 * ("w" in permissions) | ("x" in permissions)
        bits |= "X" in permissions and (entry.kind is Kind.DIR or mode & 0o111 != 0)
        special = 0o2000 if "s" in permissions and "g" in who else 0
        for shift in shifts:
            if operator == "=":
                mode = mode & ~(7 << shift) | bits << shift
            else:
                mode = mode | bits << shift if operator == "+" else mode & ~(bits << shift)
        if operator == "=":
            bits_of = {6: 0o4000, 3: 0o2000, 0: 0o1000}
            cleared = sum(bits_of[shift] for shift in shifts)
            mode &= ~(cleared & 0o1000 if entry.kind is Kind.DIR else cleared)
        mode = mode | special if operator == "+" else mode & ~special
    return mode


def _fixed(files: int, folders: int) -> Callable[[Entry], Entry]:
    def change(entry: Entry) -> Entry:
        wanted = {Kind.FILE: files, Kind.DIR: folders}.get(entry.kind)
        return entry if wanted is None else entry.but(mode=wanted)

    return change


def _without_setgid(entry: Entry) -> Entry:
    return entry.but(mode=entry.mode & ~0o2000) if entry.kind is Kind.DIR else entry


def _with_umask(umask: int) -> Callable[[Entry], Entry]:
    def change(entry: Entry) -> Entry:
        if entry.kind not in (Kind.FILE, Kind.DIR):
            return entry
        full = 0o777 if entry.kind is Kind.DIR or entry.mode & 0o100 else 0o666
        return entry.but(mode=entry.mode & SPECIAL | full & ~umask if entry.kind is Kind.DIR else full & ~umask)

    return change


LISTED = "git ls-files -z --stage | grep -z ^100755 | cut -z -f2 | xargs -0 chmod"


def _of_index(sides: Sides) -> Iterator[Step]:
    """Yield commands that use the executable bits of git's index, then changes of the index for a new checkout."""
    tracked = sides.tracked or {}
    for files, executable in ((0o644, 0o755), (0o664, 0o775)):
        text = f"find . -type f -exec chmod {files:04o} {{}} + && {LISTED} {executable:04o}"
        for place in (Place.HERE, Place.THERE):
            yield Step(text, place, each(_indexed(tracked, files, executable)))
    on = [mine for mine, _ in sides.common if mine.mode & 0o100 and tracked.get(mine.path) is False]
    off = [mine for mine, _ in sides.common if not mine.mode & 0o100 and tracked.get(mine.path) is True]
    for entries, sign in ((on, "+"), (off, "-")):
        paths = [entry.path for entry in entries if entry.kind is Kind.FILE]
        if 0 < len(paths) <= FEW:
            text = f"git update-index --chmod={sign}x {words(paths)}, a commit, and a new checkout"
            yield Step(text, Place.THERE, each(_executable(sign == "+"), paths))


def _indexed(tracked: Mapping[str, bool], files: int, executable: int) -> Callable[[Entry], Entry]:
    def change(entry: Entry) -> Entry:
        return entry.but(mode=executable if tracked.get(entry.path) else files) if entry.kind is Kind.FILE else entry

    return change


def _executable(on: bool) -> Callable[[Entry], Entry]:
    def change(entry: Entry) -> Entry:
        mode = entry.mode
        return entry.but(mode=mode | (mode & 0o444) >> 2 if on else mode & ~0o111)

    return change
