"""The stages of the search, in order; each yields candidates: a record, and the hypothesis that leads to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from lab.buildkit.contenthash import gopath
from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.header import own_digests
from lab.buildkit.contenthash.rules import Rules
from lab.explain.search.case import Case, own_text
from lab.explain.search.usual import Usual
from lab.explain.search.variants import Change, all_else, all_modes, bare, distinct, line_ends, metadata, modes

PLAIN = 6  # the first stages, in which no engine's rules matter beyond those of the objects as they are
QUICK = 9  # the stages that take time in proportion to the number of objects
Variants = Callable[[Entry], Iterator[Entry]]


class Hypothesis(NamedTuple):
    """One possible difference of the producer's files.

    `changes` maps an object's number to the producer's object, or to None if the producer did not have it. `more` is an
    object that only the producer had. `base` is a hypothesis that this one extends.
    """

    changes: Mapping[int, Entry | None] = {}
    more: Entry | None = None
    base: Hypothesis | None = None

    def all_changes(self) -> dict[int, Entry | None]:
        """Return the changes of this hypothesis and of its bases."""
        return {**(self.base.all_changes() if self.base else {}), **self.changes}

    def applied(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the producer's objects, given those of this side."""
        changes = self.all_changes()
        found = [changes.get(number, entry) for number, entry in enumerate(entries)]
        more = [self.more] if self.more else []
        return [entry for entry in found if entry is not None] + more

    @property
    def names(self) -> tuple[str, ...]:
        """The names of rules on all objects; a change of single objects has none."""
        return ()

    @property
    def whole(self) -> tuple[str, ...]:
        """The same as `names`."""
        return ()


Candidate = tuple[str | None, Hypothesis]  # the record is None if there is no digest
Stage = tuple[str, Iterator[Candidate]]


def stages(case: Case, usual: Usual) -> Iterator[Stage]:
    """Yield all stages for one rule set, the likely ones first; the last stages try pairs of changes."""

    def mode_of(entry: Entry) -> Iterator[Entry]:
        return modes(entry, usual)

    def any_of(entry: Entry) -> Iterator[Entry]:
        return metadata(entry, usual, case.rules)

    yield "the files as they are", iter([(case.record, Hypothesis())])
    used = [case.entries[number] for number in case.used]
    yield "the modes of all objects", (candidate for candidate, _ in at_once(case, all_modes(usual)))
    yield "the mode of one object", singles(case, mode_of)
    yield "one attribute removed from one object", singles(case, bare)
    yield "the line ends of one file", singles(case, line_ends)
    yield "an object that only this side has", only_here(case)
    other = all_else(used, usual, case.rules)  # it tries every label on all objects, which is slow for many objects
    yield "one other change of all objects", (candidate for candidate, _ in at_once(case, other))
    yield "a usual file or empty folder that only the producer had", only_there(case, usual)
    yield "attributes and owner of one object", singles(case, any_of)
    yield "two changes of all objects", all_twice(case, usual)
    yield "all objects, and the mode of one", all_and_one(case, usual, mode_of)
    yield "two changes of one object", one_twice(case, any_of)
    yield "all objects, and one that only this side has", all_and_less(case, usual)
    yield "the modes of two objects", two(case, mode_of, mode_of)
    yield "the mode of one object, an attribute or line ends of another", two(case, mode_of, small)


def small(entry: Entry) -> Iterator[Entry]:
    """Yield the few likely variants that do not change the mode."""
    yield from bare(entry)
    yield from line_ends(entry)


def singles(case: Case, variants: Variants, base: Hypothesis | None = None) -> Iterator[Candidate]:
    """Yield candidates that change one object."""
    for number in case.used:
        for variant, own in with_own(case.entries[number], variants, case.rules):
            yield case.record_with(number, own), Hypothesis({number: variant}, base=base)


def at_once(
    case: Case, changes: Iterable[Change], base: Hypothesis | None = None
) -> Iterator[tuple[Candidate, dict[int, str]]]:
    """Yield candidates that change all objects, only the files, or only the directories; with the own digests."""
    used = [case.entries[number] for number in case.used]
    for change in changes:
        changed: dict[int, Entry] = {}
        owns: dict[int, str] = {}
        for number, entry in zip(case.used, used, strict=True):
            variant = change(entry)
            if variant is not None:
                changed[number] = variant
                owns[number] = own_text(variant, case.rules)
        directories = {number for number in changed if changed[number].kind is Kind.DIR}
        scopes = [set(changed), set(changed) - directories, directories] if directories else [set(changed)]
        for scope in (scope for scope in scopes if scope):
            kept = {number: own for number, own in owns.items() if number in scope}
            hypothesis = Hypothesis({number: changed[number] for number in scope}, base=base)
            yield (case.record_changed(kept), hypothesis), kept


def only_here(case: Case) -> Iterator[Candidate]:
    """Yield candidates without one object and everything below it."""
    for number in case.used:
        path = case.entries[number].path
        below = [place for place, entry in enumerate(case.entries) if entry.path.startswith(path + "/")]
        yield case.record_without(number), Hypothesis(dict.fromkeys([number, *below]))


def only_there(case: Case, usual: Usual) -> Iterator[Candidate]:
    """Yield candidates with one more file or empty folder of a usual name, content and mode."""
    folders = [case.entries[number].path for number in case.used if case.entries[number].kind is Kind.DIR]
    folders += [gopath.split_wildcard(gopath.join("/", query.path))[0].strip("/") for query in case.queries]
    known = {entry.path for entry in case.entries}
    for folder in dict.fromkeys(f"{folder}/" if folder else "" for folder in ["", *folders]):
        for name, content in usual.extras:
            for mode in (0o644, 0o664, 0o600, 0o755) if folder + name not in known else ():
                entry = Entry(folder + name, mode=mode, size=len(content), content=content)
                yield case.record_with_more(entry, own_text(entry, case.rules)), Hypothesis(more=entry)
        for name in usual.folders:
            for mode in (0o755, 0o775, 0o700) if folder + name not in known else ():
                entry = Entry(folder + name, Kind.DIR, mode)
                yield case.record_with_more(entry, own_text(entry, case.rules)), Hypothesis(more=entry)


def all_twice(case: Case, usual: Usual) -> Iterator[Candidate]:
    """Yield candidates with two changes of all objects: of their modes, and of another field, such as a label."""
    for changed, hypothesis in _changed_at_once(case, all_modes(usual)):
        used = [changed.entries[number] for number in changed.used]
        yield from (candidate for candidate, _ in at_once(changed, all_else(used, usual, case.rules), hypothesis))


def all_and_one(case: Case, usual: Usual, variants: Variants) -> Iterator[Candidate]:
    """Yield candidates with one change of all objects and one change of a single object."""
    for changed, hypothesis in _changed_at_once(case, _all(case, usual)):
        yield from singles(changed, variants, hypothesis)


def all_and_less(case: Case, usual: Usual) -> Iterator[Candidate]:
    """Yield candidates with one change of all objects, without one of these objects."""
    for changed, hypothesis in _changed_at_once(case, _all(case, usual)):
        for record, less in only_here(changed):
            yield record, less._replace(base=hypothesis)


def one_twice(case: Case, variants: Variants) -> Iterator[Candidate]:
    """Yield candidates with two changes of one object, such as its label and its mode, or line ends and mode."""
    for number in case.used:
        entry = case.entries[number]
        firsts = [*(variant for variant, _ in distinct(entry, variants(entry), case.rules)), *line_ends(entry)]
        for first in firsts:
            for variant, own in with_own(first, variants, case.rules):
                yield case.record_with(number, own), Hypothesis({number: variant})


def two(case: Case, firsts: Variants, seconds: Variants) -> Iterator[Candidate]:
    """Yield candidates with a change of one object and a change of another."""
    second = {number: list(with_own(case.entries[number], seconds, case.rules)) for number in case.used}
    for one in case.used:
        for variant, own in with_own(case.entries[one], firsts, case.rules):
            changed = case.changed({one: (variant, own)})
            for other in case.used:
                if other == one or (seconds is firsts and other < one):
                    continue
                for another, another_own in second[other]:
                    yield changed.record_with(other, another_own), Hypothesis({one: variant, other: another})


def with_own(entry: Entry, variants: Variants, rules: Rules) -> Iterator[tuple[Entry, str]]:
    """Yield the variants of one object with their own digests; a content on disk is read once for all of them."""
    found = distinct(entry, variants(entry), rules)
    if isinstance(entry.content, bytes) or entry.kind is not Kind.FILE:
        for variant, start in found:
            content = variant.content if isinstance(variant.content, bytes) else b""
            yield variant, "sha256:" + sha256(start + content).hexdigest()
    else:
        listed = list(found)
        digests = own_digests(entry, [start for _, start in listed])
        yield from ((variant, digest) for (variant, _), digest in zip(listed, digests, strict=True))


def _all(case: Case, usual: Usual) -> Iterator[Change]:
    """Yield every change of all objects."""
    yield from all_modes(usual)
    yield from all_else([case.entries[number] for number in case.used], usual, case.rules)


def _changed_at_once(case: Case, wanted: Iterable[Change]) -> Iterator[tuple[Case, Hypothesis]]:
    for (_, hypothesis), owns in at_once(case, wanted):
        changes: dict[int, tuple[Entry, str]] = {}
        for number, entry in hypothesis.changes.items():
            assert entry is not None  # a change of all objects removes none
            changes[number] = (entry, owns[number])
        yield case.changed(changes), hypothesis
