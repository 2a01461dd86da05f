"""The cause of a first miss: the field of a file, the definition of the step, the base, or the lack of a cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.cachekeys.copying import read_copy
from lab.cachekeys.dockerfile import instruction as parse_instruction
from lab.cachekeys.solver import Decision, Reason
from lab.causes import FieldDifference, Role, StepCause
from lab.contenthash.compare import ABSENT
from lab.contenthash.rules import Rules, Xattrs
from lab.explain.advice import advice
from lab.explain.copies import Side, differences, look, own_digests_of
from lab.explain.sent import arithmetic
from lab.explain.subject import Subject
from lab.model import Outcome
from lab.stored import Kept
from lab.upstream import Bug, Upstream

MOST = 12  # lines of evidence of one kind


class Finder:
    """Finds the cause of the first miss of one trial; `blind` says why nothing could be predicted."""

    def __init__(self, subject: Subject, upstream: Upstream, blind: str | None) -> None:
        self.subject = subject
        self.upstream = upstream
        self.blind = blind

    def cause(self, text: str, decision: Decision | None) -> StepCause:
        """The cause of one step that ran while all before it hit."""
        item = parse_instruction(text)
        copies = item.word in ("COPY", "ADD")
        by_definition = decision is not None and decision.reason in (Reason.DEFINITION, Reason.BASE)
        if copies and not by_definition and read_copy(item).from_context:
            found = self._files(text)
            if found:
                return self._doubted(found, decision)
        if decision is not None and decision.outcome is Outcome.RAN:
            return self._definition(text, decision)
        why = self.blind or (decision.sentence if decision else "it is not among the steps that can be predicted")
        if decision is not None and decision.outcome is Outcome.HIT:
            why = "it was predicted to hit: its key is in the cache, by all that was gathered"
        return StepCause(text, Role.UNKNOWN, f"why it ran is not known: {why}")

    def _doubted(self, found: StepCause, decision: Decision | None) -> StepCause:
        if decision is None or decision.outcome is not Outcome.HIT:
            return found
        line = "the prediction was a hit: either the model of this engine is wrong, or the run is"
        return replace(found, evidence=(line, *found.evidence))

    def _files(self, text: str) -> StepCause | None:
        """A cause in the files of a COPY; None if they do not differ in anything that counts."""
        subject, engine = self.subject, self.subject.engine
        theirs, ours = subject.theirs, subject.ours
        if engine is None or isinstance(theirs, str) or isinstance(ours, str):
            return None
        copy = read_copy(parse_instruction(text))
        sides = (look(theirs, copy, engine.rules), look(ours, copy, engine.rules))
        used = {*sides[0].own, *sides[1].own}
        known = [*subject.book.rule_sets.values()]
        rule_sets = known if engine.rules in known else [*known, engine.rules]
        everything = differences(theirs, ours, used, rule_sets, every=True)
        counting = [item for item in everything if engine.rules.name in item.rules]
        if not counting:
            return None
        evidence = [
            *_listed(counting, everything, engine.rules, len(rule_sets)),
            *_digests(sides, counting, engine.rules),
            *self._records(sides),
            *self._sent(theirs, ours, used),
        ]
        field = counting[0].field
        bug = self._bug(field, engine.rules)
        return StepCause(
            text,
            Role.CAUSE,
            _sentence(counting, engine.rules, self._engine()),
            tuple(counting),
            tuple(evidence),
            issue=bug.url if bug else None,
            fixed=bug.fixed if bug else None,
            advice=bug.advice if bug else advice(field),
        )

    def _bug(self, field: str, rules: Rules) -> Bug | None:
        """The bug upstream by which an attribute counts that should not; capabilities should."""
        if "." not in field or field == "security.capability":
            return None
        server = self.subject.consumer.server if self.subject.consumer else ""
        found = self.upstream.of_field(field, server)
        # an engine with the fix taken back has the bug, whatever its version
        return found or (self.upstream.of_field(field) if rules.xattrs is Xattrs.ALL else None)

    def _records(self, sides: Sequence[Side]) -> list[str]:
        cache = self.subject.cache
        record = sides[1].record
        if record is None or cache is None or isinstance(cache, str):
            return []
        listed = sides[0].record is not None and bool(cache.numbers(sides[0].record))
        lines = [f"this record {'is' if cache.numbers(record) else 'is not'} in the image's inline cache: {record}"]
        if sides[0].record:
            lines.append(f"the producer's record {'is' if listed else 'is not'} in it: {sides[0].record}")
        return lines

    def _sent(self, theirs: Kept, ours: Kept, used: set[str]) -> list[str]:
        made = self.subject.production
        trial = self.subject.trial
        line = arithmetic(
            made.build.context_bytes if made and made.build else None,
            trial.build.context_bytes if trial.build else None,
            [entry for entry in theirs.offered if entry.path in used],
            [entry for entry in ours.offered if entry.path in used],
        )
        return [f"context sent: {line}"] if line else []

    def _definition(self, text: str, decision: Decision) -> StepCause:
        subject = self.subject
        if subject.cache is None:
            return StepCause(
                text,
                Role.CAUSE,
                "the image has no inline cache, so no step can hit",
                advice="build the image with --build-arg BUILDKIT_INLINE_CACHE=1, or --cache-to type=inline",
            )
        ends = (subject.producer_engine, subject.engine)
        names = [facts.server for facts in (subject.producer, subject.consumer) if facts]
        if decision.reason is Reason.DEFINITION and None not in ends and ends[0].dialect != ends[1].dialect:  # type: ignore[union-attr]
            return StepCause(
                text,
                Role.CAUSE,
                f"Docker {names[0]} made the cache and Docker {names[-1]} writes the definition of this step otherwise",
                evidence=_record_line(decision),
                advice="build on both sides with engines of one line: 19.03 to 23, 24 and 25, or 26 and later",
            )
        return StepCause(text, Role.CAUSE, decision.sentence, evidence=_record_line(decision))

    def _engine(self) -> str:
        facts = self.subject.consumer
        return f"Docker {facts.server}" if facts else "this engine"


def _sentence(counting: Sequence[FieldDifference], rules: Rules, engine: str) -> str:
    first = counting[0]
    if first.field == "presence":
        side = "the producer" if first.consumer == "absent" else "the consumer"
        what = f"{first.path} is there on {side}'s side alone"
    else:
        values = [_quoted(first.field, value) for value in (first.producer, first.consumer)]
        what = f"{first.field} of {first.path} is {values[0]} at the producer, {values[1]} here"
    more = f", and {len(counting) - 1} more differ" if len(counting) > 1 else ""
    return f"{what}{more}; {engine} hashes it ({rules.name})"


def _listed(
    counting: Sequence[FieldDifference], everything: Sequence[FieldDifference], rules: Rules, many: int
) -> list[str]:
    lines = [
        f"{item.path}: {item.field}: {item.producer} at the producer, {item.consumer} here; {_under(item, many)}"
        for item in counting[:MOST]
    ]
    if len(counting) > MOST:
        lines.append(f"{len(counting) - MOST} more differences that count")
    idle = [item for item in everything if item not in counting]
    lines += [
        f"{item.path}: {item.field}: {item.producer} at the producer, {item.consumer} here; not hashed by {rules.name}"
        for item in idle[:MOST]
    ]
    return lines


def _digests(sides: Sequence[Side], counting: Sequence[FieldDifference], rules: Rules) -> list[str]:
    wanted = {item.path for item in counting}
    own = [row for row in own_digests_of(sides, {*sides[0].own, *sides[1].own}) if row[0] in wanted]
    lines = []
    for path, digests in own[:MOST]:
        lines.append(f"digest of {path} under {rules.name}: {digests[0] or 'none'} at the producer")
        lines.append(f"digest of {path} under {rules.name}: {digests[1] or 'none'} here")
    for side, where in zip(sides, ("at the producer", "here"), strict=True):
        lines.append(f"digest of all that is copied: {side.digest or side.problem} {where}")
    return lines


def _record_line(decision: Decision) -> tuple[str, ...]:
    record = decision.step.record
    return (f"its definition's record, not in the image's inline cache: {record}",) if record else ()


def _under(item: FieldDifference, many: int) -> str:
    return "hashed under every rule set" if len(item.rules) == many else f"hashed under {', '.join(item.rules)}"


def _quoted(field: str, value: str) -> str:
    """The value of an attribute, whose text may be anything, set apart from the sentence."""
    plain = "." not in field or value == ABSENT or value.startswith(('"', "0x"))
    return value if plain else f'"{value}"'
