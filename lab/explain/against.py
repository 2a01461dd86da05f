"""Each COPY and mount of a Dockerfile with the files of two sides: the same digest, or the fields that differ; pure.

With both sides at hand no cache and no search is needed: `compare_copies` is what `lab diff -f` and `lab why --against`
print. The first side is called the producer in `FieldDifference`, the second one the consumer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import Options
from lab.buildkit.cachekeys.step import Step
from lab.buildkit.contenthash.compare import FieldDifference, content_sum
from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.buildkit.contenthash.rules import Rules
from lab.explain.copies import Side, differences, look
from lab.results.sides import SentContext

ATTRIBUTES = "the extended attributes of one side are not known"
WHOLE = Copy(("/",), "/")  # as COPY . / takes the whole context


class Sameness(StrEnum):
    """Whether both sides have one digest."""

    SAME = "same"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UnderRules:
    """Both sides of one COPY under one rule set: their digests (None if not known) and whether they are the same.

    `why` is the reason where that is not known.
    """

    rules: str
    first: str | None
    second: str | None
    sameness: Sameness
    why: str | None = None


@dataclass(frozen=True, slots=True)
class CopyComparison:
    """One COPY, ADD or RUN that mounts files: an answer for each rule set, and the fields of its files that differ.

    `stage` is the stage as BuildKit prints it. `unclear` is the reason if its files are not known at all; then there
    are no answers. `leads` has for each source that leads to different objects where it leads on either side.
    """

    instruction: str
    stage: str = ""
    answers: tuple[UnderRules, ...] = ()
    differences: tuple[FieldDifference, ...] = ()
    leads: tuple[tuple[str, str], ...] = ()
    unclear: str | None = None

    def sameness(self, rules: str | None = None) -> Sameness:
        """The answer under one rule set; without one, `differs` if it is that under any, else `unknown` if any is."""
        if self.unclear:
            return Sameness.UNKNOWN
        found = {item.sameness for item in self.answers if rules in (None, item.rules)}
        return next(item for item in (Sameness.DIFFERS, Sameness.UNKNOWN, Sameness.SAME) if item in found)


def compare_copies(
    dockerfile: str,
    first: SentContext,
    second: SentContext,
    rule_sets: Sequence[Rules],
    options: Options | None = None,
    target: str | None = None,
) -> list[CopyComparison]:
    """A comparison for each COPY and ADD from the context and each RUN that mounts a part of it, in all needed stages.

    ReadError for a malformed Dockerfile or a target that it has not.
    """
    linked = first.has_links or second.has_links
    planned = plan(dockerfiles.parse(dockerfile), {}, None, lambda copy: None, options, target, linked=linked)
    first, second = comparable(first, second)
    return [_compared(step, step.taken, first, second, rule_sets) for step in planned.steps if step.taken is not None]


def compare_whole(first: SentContext, second: SentContext, rule_sets: Sequence[Rules]) -> CopyComparison:
    """A comparison of all that the clients send, as `COPY . /` would take it."""
    first, second = comparable(first, second)
    sides = _looked(WHOLE, first, second, rule_sets)
    known = first.attributes_known and second.attributes_known
    found = differences(first, second, sides[0][1:], rule_sets, every=True) if sides else []
    answers = tuple(_answer(rules, one, other, found, known) for rules, one, other in sides)
    return CopyComparison("COPY . /", "", answers, tuple(found))


def comparable(first: SentContext, second: SentContext) -> tuple[SentContext, SentContext]:
    """Both sides so that what is known of one serves the other.

    A content that only one side has is that of each file with the same sha256. Where the extended attributes of one
    side are not known, both are compared without them.
    """
    if not (first.attributes_known and second.attributes_known):
        first, second = _without_attributes(first), _without_attributes(second)
    return _completed(first, second), _completed(second, first)


def _without_attributes(side: SentContext) -> SentContext:
    """The side as if no object had an attribute; the digests of those that have some are not known then."""
    bare = tuple(replace(entry, xattrs={}) if entry.xattrs else entry for entry in side.objects)
    having = {entry.path for entry in side.objects if entry.xattrs}
    digests = {path: each for path, each in side.digests.items() if path not in having}
    return replace(side, objects=bare, digests=digests, attributes_known=False, _made={})


def _completed(side: SentContext, other: SentContext) -> SentContext:
    if not any(_needs_content(side, entry) for entry in side.objects):
        return side
    known = {entry.sha256: entry.content for entry in other.objects if entry.sha256 and entry.content is not None}
    by_path = {entry.path: entry for entry in other.objects if entry.kind is Kind.FILE and entry.content is not None}

    def filled(entry: Entry) -> Entry:
        if not _needs_content(side, entry):
            return entry
        twin = by_path.get(entry.path)
        if entry.sha256 in known:
            return replace(entry, content=known[entry.sha256])
        if twin and twin.size == entry.size and content_sum(twin) == entry.sha256:
            return replace(entry, content=twin.content)
        return entry

    return replace(side, objects=tuple(map(filled, side.objects)), _made={})


def _needs_content(side: SentContext, entry: Entry) -> bool:
    known = bool(entry.content is not None or entry.problem or shown(entry.path) in side.digests)
    return entry.kind is Kind.FILE and not entry.is_hardlink and entry.sha256 is not None and not known


def _compared(
    step: Step, copy: Copy, first: SentContext, second: SentContext, rule_sets: Sequence[Rules]
) -> CopyComparison:
    """One COPY with the files of both sides under each rule set."""
    if copy.unclear:
        return CopyComparison(step.text, step.stage, unclear=copy.unclear)
    sides = _looked(copy, first, second, rule_sets)
    known = first.attributes_known and second.attributes_known
    found: dict[FieldDifference, None] = {}
    leads: dict[tuple[str, str], None] = {}
    for pair in _distinct((one, other) for _, one, other in sides):
        found |= dict.fromkeys(differences(first, second, pair, rule_sets))
        ends = zip(pair[0].ends, pair[1].ends, strict=False)
        leads |= dict.fromkeys((shown(one), shown(other)) for one, other in ends if one != other)
    answers = tuple(_answer(rules, one, other, list(found), known) for rules, one, other in sides)
    return CopyComparison(step.text, step.stage, answers, tuple(found), tuple(leads))


def _looked(
    copy: Copy, first: SentContext, second: SentContext, rule_sets: Sequence[Rules]
) -> list[tuple[Rules, Side, Side]]:
    """Both sides of a COPY under each rule set; rule sets that cannot differ for these sources share one look."""
    plain = all(query.is_plain for query in copy.queries)
    seen: dict[object, tuple[Side, Side]] = {}
    found = []
    for rules in rule_sets:
        lists = None if plain else (rules.wildcard, rules.wildcard_errors, rules.patterns)
        key = (first.hashed_by(rules), second.hashed_by(rules), rules.links, rules.root_swallows, lists)
        if key not in seen:
            seen[key] = look(first, copy, rules), look(second, copy, rules)
        found.append((rules, *seen[key]))
    return found


def _distinct(pairs: Iterable[tuple[Side, Side]]) -> list[tuple[Side, Side]]:
    """Those pairs that use other objects, or links to other places, than the pairs before them."""
    seen: dict[object, tuple[Side, Side]] = {}
    for pair in pairs:
        seen.setdefault(tuple((frozenset(side.own), side.ends) for side in pair), pair)
    return list(seen.values())


def _answer(
    rules: Rules, one: Side, other: Side, found: Sequence[FieldDifference], attributes_known: bool
) -> UnderRules:
    """Whether both sides have one digest; a hashed field that differs decides where a digest is not known."""
    if one.digest and other.digest and not attributes_known:  # what was computed are no digests of the real files
        differs = one.digest != other.digest
        return UnderRules(rules.name, None, None, Sameness.DIFFERS if differs else Sameness.UNKNOWN, ATTRIBUTES)
    if one.digest and other.digest:
        sameness = Sameness.SAME if one.digest == other.digest else Sameness.DIFFERS
        return UnderRules(rules.name, one.digest, other.digest, sameness)
    why = one.problem or other.problem
    hashed = any(rules.name in item.rules and item.path in {*map(shown, (*one.own, *other.own))} for item in found)
    sameness = Sameness.DIFFERS if hashed else Sameness.UNKNOWN
    return UnderRules(rules.name, one.digest, other.digest, sameness, why)
