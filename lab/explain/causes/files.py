"""A field of a file that a COPY takes differs, with the evidence for it."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.solver import Reason
from lab.buildkit.contenthash.compare import ABSENT, FieldDifference
from lab.buildkit.contenthash.entry import shown
from lab.buildkit.contenthash.rules import Rules, Xattrs
from lab.explain.advice import advice
from lab.explain.copies import Side, differences, followed, look, own_digests_of, used_of
from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss
from lab.explain.plans import steps_here, steps_there
from lab.explain.remedies.offer import remedies
from lab.explain.remedies.remedy import Remedy, sides
from lab.explain.sent import arithmetic
from lab.explain.subject import Subject
from lab.explain.upstream import Bug, Upstream
from lab.results.contexts import StoredContext

MOST = 12  # lines of evidence of one kind


def cause(miss: Miss) -> StepCause | None:
    """The cause where a field that the consumer's engine hashes differs; None if another reason was predicted."""
    if miss.copy is None or miss.reason in (Reason.DEFINITION, Reason.BASE):
        return None
    return _Files(miss.subject, miss.upstream).cause(miss.text, miss.copy)


class _Files:
    """The files of one trial on both sides."""

    def __init__(self, subject: Subject, upstream: Upstream) -> None:
        self.subject = subject
        self.upstream = upstream

    def cause(self, text: str, copy: Copy) -> StepCause | None:
        """A cause in the files of a COPY; None if no hashed field differs, or if their digests are the same."""
        subject, engine = self.subject, self.subject.engine
        theirs, ours = subject.theirs, subject.ours
        if engine is None or isinstance(theirs, str) or isinstance(ours, str):
            return None
        looked = (look(theirs, copy, engine.rules), look(ours, copy, engine.rules))
        if looked[0].digest is not None and looked[0].digest == looked[1].digest:
            return None
        known = [*subject.book.rule_sets.values()]
        rule_sets = known if engine.rules in known else [*known, engine.rules]
        everything = differences(theirs, ours, looked, rule_sets, every=True)
        counting = [item for item in everything if engine.rules.name in item.rules]
        if not counting:
            return None
        renamed, ignored = _renamed(theirs, ours, counting), _ignored(theirs, ours, counting)
        evidence = [
            *followed(looked),
            *ignored,
            *_listed(counting, everything, engine.rules, len(rule_sets)),
            *_digests(looked, counting, engine.rules),
            *self._records(copy, looked[1]),
            *self._sent(theirs, ours),
        ]
        to_do = [item.text for item in self._remedies(copy, engine.rules)]
        return self._step_cause(text, engine.rules, counting, evidence, to_do, renamed=renamed, ignored=bool(ignored))

    def _remedies(self, copy: Copy, rules: Rules) -> list[Remedy]:
        """The remedies that give both sides the same digest, tried on the records of both contexts."""
        theirs, ours = self.subject.theirs, self.subject.ours
        if isinstance(theirs, str) or isinstance(ours, str):
            return []
        maker = self.subject.producer_engine
        one, other = ours.sent_objects, theirs.sent_objects
        return remedies(sides(one, other, copy.queries, rules, maker.rules if maker else rules))

    def _step_cause(
        self,
        text: str,
        rules: Rules,
        counting: Sequence[FieldDifference],
        evidence: list[str],
        tried: list[str],
        *,
        renamed: str | None,
        ignored: bool,
    ) -> StepCause:
        """The cause in a sentence, with the known bug upstream and what to do."""
        fields = list(dict.fromkeys(item.field for item in counting))
        bugs = [bug for field in fields if (bug := self._bug(field, rules))]
        named = next((bug for bug in bugs if bug.url), None)
        evidence += [
            f"upstream on the other difference: {bug.url}, {f'fixed in {bug.fixed}' if bug.fixed else 'open'}"
            for bug in bugs
            if bug.url and bug is not named
        ]
        to_do = [bug.advice if (bug := self._bug(field, rules)) else advice(field) for field in fields]
        to_do = [advice("name")] if renamed else [advice("ignored"), *to_do] if ignored else to_do
        first = bool(renamed or ignored or (named and named.fixed))  # what the cause itself says to do
        to_do = [*to_do, *tried] if first else [*tried, *to_do]
        return StepCause(
            text,
            Role.CAUSE,
            f"{renamed or _what(counting)}; {self._engine()} hashes "
            f"{'them' if len(counting) > 1 else 'it'} ({rules.name})",
            tuple(counting),
            tuple(evidence),
            issue=named.url if named else None,
            fixed=named.fixed if named else None,
            advice="; ".join(dict.fromkeys(line for line in to_do if line)) or None,
        )

    def _bug(self, field: str, rules: Rules) -> Bug | None:
        """The known bug by which a field is hashed; None for capabilities and names, which are hashed rightly."""
        if field in ("security.capability", "presence"):
            return None
        server = self.subject.consumer.server if self.subject.consumer else ""
        found = self.upstream.of_field(field, server)
        # an engine with the fix taken back has the bug, whatever its version
        return found or (self.upstream.of_field(field) if rules.xattrs is Xattrs.ALL else None)

    def _records(self, copy: Copy, here: Side) -> list[str]:
        """A line on each side's record, as its own engine makes it, and whether the image lists it."""
        subject, cache = self.subject, self.subject.cache
        if here.record is None or not isinstance(cache, Cache):
            return []
        lines = [f"this record {'is' if cache.numbers(here.record) else 'is not'} in {subject.where}: {here.record}"]
        maker = subject.producer_engine
        there = look(subject.theirs, copy, maker.rules).record if maker else None
        if there:
            listed = "is" if cache.numbers(there) else "is not"
            lines.append(f"the producer's record {listed} in it: {there}")
        return lines

    def _sent(self, theirs: StoredContext, ours: StoredContext) -> list[str]:
        """The bytes that both clients sent, explained by all that the Dockerfile copies."""
        made, trial, engine = self.subject.production, self.subject.trial, self.subject.engine
        assert engine is not None  # `cause` returns early without one
        sent = [
            [entry for entry in side.sent_objects if entry.path in used_of(side, steps, engine.rules)]
            for side, steps in ((theirs, steps_there(self.subject)), (ours, steps_here(self.subject)))
        ]
        line = arithmetic(
            made.build.context_bytes if made and made.build else None,
            trial.build.context_bytes if trial.build else None,
            *sent,
        )
        return [f"context sent: {line}"] if line else []

    def _engine(self) -> str:
        facts = self.subject.consumer
        return facts.title if facts else "this engine"


def _what(counting: Sequence[FieldDifference]) -> str:
    """The first field that counts, with both values."""
    first = counting[0]
    if first.field == "presence":
        side = "at the producer" if first.consumer == ABSENT else "here"
        what = f"{first.path} exists only {side}"
    elif first.field == "content":
        what = f"content of {first.path} differs: {first.producer} at the producer, {first.consumer} here"
    else:
        values = [_quoted(first.field, value) for value in (first.producer, first.consumer)]
        verb = "are" if first.field == "line ends" else "is"
        what = f"{first.field} of {first.path} {verb} {values[0]} at the producer, {values[1]} here"
    others = len(counting) - 1
    return what + (f", and {others} more {'differ' if others > 1 else 'differs'}" if others else "")


def _renamed(theirs: StoredContext, ours: StoredContext, counting: Sequence[FieldDifference]) -> str | None:
    """A sentence if the only difference is that one object has another name here; else None."""
    if [item.field for item in counting] != ["presence", "presence"]:
        return None
    gone, new = sorted(counting, key=lambda item: item.consumer != ABSENT)
    sides = [{shown(entry.path): entry for entry in side.sent_objects} for side in (theirs, ours)]
    one, other = sides[0].get(gone.path), sides[1].get(new.path)
    if one is None or other is None or not one.sha256 or one.sha256 != other.sha256:
        return None
    return f"{gone.path} of the producer is {new.path} here, with the same content"


def _ignored(theirs: StoredContext, ours: StoredContext, counting: Sequence[FieldDifference]) -> list[str]:
    """A line for each side on which .dockerignore excludes what the other side sends."""
    lines = []
    for side, where in ((theirs, "at the producer"), (ours, "here")):
        there = {shown(entry.path) for entry in side.objects} - {shown(entry.path) for entry in side.sent_objects}
        left_out = [item.path for item in counting if item.field == "presence" and item.path in there]
        if left_out:
            more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
            lines.append(f"{left_out[0]}{more} exists there too, but .dockerignore excludes it {where}")
    return lines


def _listed(
    counting: Sequence[FieldDifference], everything: Sequence[FieldDifference], rules: Rules, many: int
) -> list[str]:
    lines = [
        f"{item.path}: {item.field}: {item.producer} at the producer, {item.consumer} here; {_under(item, many)}"
        for item in counting[:MOST]
    ]
    if len(counting) > MOST:
        lines.append(f"{len(counting) - MOST} more hashed fields differ")
    idle = [item for item in everything if item not in counting]
    lines += [
        f"{item.path}: {item.field}: {item.producer} at the producer, {item.consumer} here; not hashed by {rules.name}"
        for item in idle[:MOST]
    ]
    return lines


def _digests(sides: Sequence[Side], counting: Sequence[FieldDifference], rules: Rules) -> list[str]:
    wanted = {item.path for item in counting}
    own = [row for row in own_digests_of(sides) if row[0] in wanted]
    lines = []
    for path, digests in own[:MOST]:
        lines.append(f"digest of {path} under {rules.name}: {digests[0] or 'none'} at the producer")
        lines.append(f"digest of {path} under {rules.name}: {digests[1] or 'none'} here")
    for side, where in zip(sides, ("at the producer", "here"), strict=True):
        lines.append(f"digest of all that is copied: {side.digest or side.problem} {where}")
    return lines


def _under(item: FieldDifference, many: int) -> str:
    return "hashed under every rule set" if len(item.rules) == many else f"hashed under {', '.join(item.rules)}"


def _quoted(field: str, value: str) -> str:
    """The value of an attribute in quotation marks, because its text may be anything."""
    plain = "." not in field or value == ABSENT or value.startswith(('"', "0x"))
    return value if plain else f'"{value}"'
