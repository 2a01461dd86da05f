"""The files are the same, and the producer's engine made their digest by other rules than the consumer's does."""

from __future__ import annotations

from collections.abc import Iterable

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.solver import Reason
from lab.buildkit.contenthash.entry import Entry, shown
from lab.buildkit.contenthash.rules import Rules
from lab.explain.copies import look
from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss

ADVICE = "build on both sides with engines of one rule set; `python -m lab explain --engines` lists them"


def cause(miss: Miss) -> StepCause | None:
    """The cause where both sides' files are alike for either engine, and only the engines' rules differ.

    None where they follow the same rules, or where these make the same digest of the files.
    """
    copy, subject = miss.copy, miss.subject
    if copy is None or not (miss.after_miss or (miss.predicted and miss.reason is Reason.CONTENT)):
        return None
    ours, theirs = subject.engine, subject.producer_engine
    if ours is None or theirs is None or ours.rules == theirs.rules:
        return None
    sides = look(subject.theirs, copy, theirs.rules), look(subject.ours, copy, ours.rules)
    if None in (sides[0].digest, sides[1].digest) or sides[0].digest == sides[1].digest:
        return None
    names = [facts.title if facts else "?" for facts in (subject.producer, subject.consumer)]
    rules = (theirs.rules, ours.rules)
    used = {*sides[0].own, *sides[1].own}
    files = (
        [] if isinstance(subject.theirs, str) else [item for item in subject.theirs.sent_objects if item.path in used]
    )
    listed = isinstance(subject.cache, Cache) and bool(subject.cache.numbers(sides[0].record or ""))
    evidence = (
        f"digest of all that is copied: {sides[0].digest} under {rules[0].name}, which made the cache",
        f"digest of all that is copied: {sides[1].digest} under {rules[1].name}, here",
        f"the producer's record {'is' if listed else 'is not'} in {subject.where}: {sides[0].record}",
    )
    return StepCause(miss.text, Role.CAUSE, _sentence(names, rules, files), evidence=evidence, advice=ADVICE)


def _sentence(names: list[str], rules: tuple[Rules, Rules], files: Iterable[Entry]) -> str:
    for entry in files:
        for name in sorted(entry.xattrs):
            counts = [item.keeps(name) for item in rules]
            if counts[0] != counts[1]:
                does, does_not = (names[0], names[1]) if counts[0] else (names[1], names[0])
                return f"{does} hashes {shown(name)} of {shown(entry.path)} and {does_not} does not"
    what = "the matches of a wildcard" if rules[0].wildcard != rules[1].wildcard else "the same files"
    return f"{names[0]} made the digest of {what} by other rules ({rules[0].name}) than {names[1]} ({rules[1].name})"
