"""Candidates in which most objects follow a rule, and one object or a group of objects does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.explain.search.case import Case, own_text
from lab.explain.search.compound import Combination, Compound
from lab.explain.search.rules.presence import TRACKED
from lab.explain.search.stages import Candidate, Hypothesis, only_here, singles
from lab.explain.search.variants import line_ends

MOST_STATES = 24  # combinations of rules to which exceptions are tried
HIGHEST_RANK = 4
ONE = "one exception"
MOST_GROUPS = 200  # the largest groups are tried for the objects as they are
FEW_GROUPS = 24  # and for each combination of rules
GROUP_MODES = (0o644, 0o755, 0o664, 0o775, 0o777, 0o600, 0o700)


@dataclass(frozen=True, slots=True)
class Exceptional:
    """Objects that follow the rules of a combination, with changes of some of them."""

    base: Combination
    change: Hypothesis
    name: str

    def applied(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the producer's objects; those of this side are in the world of the combination."""
        return self.change.applied(self.base.applied(entries))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rules, then what sort of exception there is."""
        return (*self.base.names, self.name)

    @property
    def whole(self) -> tuple[str, ...]:
        """The names of the rules, then the exception; one object is named by its path."""
        if self.name != ONE:
            return self.names
        number, entry = next(iter(self.change.changes.items()))
        path = shown(self.base.applied(())[number].path)
        return (*self.base.names, f"without {path}" if entry is None else f"except for {path}")


Found = tuple[str | None, Exceptional]


def exceptions(compound: Compound) -> Iterator[Found]:
    """Yield candidates for one likely combination of rules after the other: groups first, then single objects.

    A group is absent, or has another mode or other line ends. A single object has the other executable bit, is absent,
    or has other line ends.
    """
    for choice in compound.likely(MOST_STATES, HIGHEST_RANK):
        case = compound.case(choice)
        if case is None:
            continue
        combination = Combination(compound.world, compound.kinds, choice)
        yield from _grouped(combination, case)
        if combination.names:  # single changes of the objects as they are have a stage of their own
            for record, change in _single(case):
                yield record, Exceptional(combination, change, ONE)


def _grouped(combination: Combination, case: Case) -> Iterator[Found]:
    changes = list(_changes(few=bool(combination.names)))
    most = FEW_GROUPS if combination.names else MOST_GROUPS
    for name, numbers in islice(_groups(case).items(), most):
        if TRACKED not in combination.names:
            gone = case.record_without_all(numbers)
            yield gone, Exceptional(combination, _removal(case, numbers), f"without {name}")
        for text, change in changes:
            entries = {n: new for n in numbers if n in case.leaves if (new := change(case.entries[n])) is not None}
            if entries:
                owns = {number: own_text(entry, case.rules) for number, entry in entries.items()}
                yield case.record_changed(owns), Exceptional(combination, Hypothesis(entries), f"{name} {text}")


def _single(case: Case) -> Iterator[Candidate]:
    yield from singles(case, _other_bit)
    yield from only_here(case)
    yield from singles(case, line_ends)


def _other_bit(entry: Entry) -> Iterator[Entry]:
    """Yield a file with the executable bits that it does not have, and a folder or file with the most usual modes."""
    if entry.kind is Kind.FILE:
        if entry.mode & 0o111:
            yield entry.but(mode=entry.mode & ~0o111)
        else:
            yield entry.but(mode=entry.mode | (entry.mode & 0o444) >> 2)
    usual = {Kind.FILE: 0o644, Kind.DIR: 0o755}.get(entry.kind, entry.mode)
    if entry.mode != usual:
        yield entry.but(mode=usual)


def _groups(case: Case) -> Mapping[str, list[int]]:
    """Return groups of at least two objects by what their paths have in common, and the scripts."""
    found: dict[str, list[int]] = {}
    for number in case.used:
        entry = case.entries[number]
        folder, _, name = entry.path.rpartition("/")
        stem, dot, extension = name.rpartition(".")
        if entry.kind is Kind.FILE:
            found.setdefault(f"files *.{extension}" if dot and stem else "files without an extension", []).append(
                number
            )
            if folder:
                found.setdefault(f"files in folders named {folder.rpartition('/')[2]}", []).append(number)
            if isinstance(entry.content, bytes) and entry.content.startswith(b"#!"):
                found.setdefault("scripts that begin with #!", []).append(number)
        what = "folders" if entry.kind is Kind.DIR else "files"
        found.setdefault(f"{what} named {name}", []).append(number)
    listed = [(name, numbers) for name, numbers in found.items() if len(numbers) > 1]
    return dict(sorted(listed, key=lambda item: -len(item[1])))


def _removal(case: Case, numbers: Sequence[int]) -> Hypothesis:
    starts = tuple(f"{case.entries[number].path}/" for number in numbers)
    below = [place for place, entry in enumerate(case.entries) if entry.path.startswith(starts)]
    return Hypothesis(dict.fromkeys([*numbers, *below]))


def _changes(*, few: bool) -> Iterator[tuple[str, Callable[[Entry], Entry | None]]]:
    """Yield changes of a group; `few` leaves out modes that no rule of git gives."""
    yield "with other line ends", lambda entry: next(line_ends(entry), None)
    yield "with executable bits", lambda entry: _with_mode(entry, entry.mode | (entry.mode & 0o444) >> 2)
    yield "without executable bits", lambda entry: _with_mode(entry, entry.mode & ~0o111)
    for mode in () if few else GROUP_MODES:
        yield f"with mode {mode:04o}", lambda entry, mode=mode: _with_mode(entry, mode)  # type: ignore[misc]


def _with_mode(entry: Entry, mode: int) -> Entry | None:
    return None if entry.mode == mode or entry.kind is Kind.SYMLINK else entry.but(mode=mode)
