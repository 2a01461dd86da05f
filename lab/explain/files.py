"""A miss in the files of a COPY: the field that differs, with its evidence."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.cachekeys.copying import Copy, read_copy
from lab.buildkit.cachekeys.dockerfile import instruction as parse_instruction
from lab.buildkit.cachekeys.inline import InlineCache
from lab.buildkit.contenthash.compare import ABSENT, FieldDifference
from lab.buildkit.contenthash.entry import shown
from lab.buildkit.contenthash.rules import Rules, Xattrs
from lab.explain.advice import advice
from lab.explain.copies import Side, differences, followed, look, own_digests_of, used_of
from lab.explain.explanation import Role, StepCause
from lab.explain.sent import arithmetic
from lab.explain.subject import Subject
from lab.explain.upstream import Bug, Upstream
from lab.results.contexts import Kept

MOST = 12  # lines of evidence of one kind


class Files:
    """Finds what makes a COPY of one trial miss in its files."""

    def __init__(self, subject: Subject, upstream: Upstream) -> None:
        self.subject = subject
        self.upstream = upstream

    def cause(self, text: str) -> StepCause | None:
        """A cause in the files of a COPY; None if nothing that counts differs, or if their digest is the same."""
        subject, engine = self.subject, self.subject.engine
        theirs, ours = subject.theirs, subject.ours
        if engine is None or isinstance(theirs, str) or isinstance(ours, str):
            return None
        copy = read_copy(parse_instruction(text))
        sides = (look(theirs, copy, engine.rules), look(ours, copy, engine.rules))
        if sides[0].digest is not None and sides[0].digest == sides[1].digest:
            return None
        known = [*subject.book.rule_sets.values()]
        rule_sets = known if engine.rules in known else [*known, engine.rules]
        everything = differences(theirs, ours, sides, rule_sets, every=True)
        counting = [item for item in everything if engine.rules.name in item.rules]
        if not counting:
            return None
        renamed, ignored = _renamed(theirs, ours, counting), _ignored(theirs, ours, counting)
        evidence = [
            *followed(sides),
            *ignored,
            *_listed(counting, everything, engine.rules, len(rule_sets)),
            *_digests(sides, counting, engine.rules),
            *self._records(copy, sides[1]),
            *self._sent(theirs, ours),
        ]
        return self._told(text, engine.rules, counting, evidence, renamed=renamed, ignored=bool(ignored))

    def _told(
        self,
        text: str,
        rules: Rules,
        counting: Sequence[FieldDifference],
        evidence: list[str],
        *,
        renamed: str | None,
        ignored: bool,
    ) -> StepCause:
        """The cause in a sentence, with what upstream knows of it and what to do."""
        fields = list(dict.fromkeys(item.field for item in counting))
        bugs = [bug for field in fields if (bug := self._bug(field, rules))]
        told_of = next((bug for bug in bugs if bug.url), None)
        evidence += [
            f"upstream on the other difference: {bug.url}, {f'fixed in {bug.fixed}' if bug.fixed else 'open'}"
            for bug in bugs
            if bug.url and bug is not told_of
        ]
        told = [bug.advice if (bug := self._bug(field, rules)) else advice(field) for field in fields]
        told = [advice("name")] if renamed else [advice("ignored"), *told] if ignored else told
        return StepCause(
            text,
            Role.CAUSE,
            f"{renamed or _what(counting)}; {self._engine()} hashes "
            f"{'them' if len(counting) > 1 else 'it'} ({rules.name})",
            tuple(counting),
            tuple(evidence),
            issue=told_of.url if told_of else None,
            fixed=told_of.fixed if told_of else None,
            advice="; ".join(dict.fromkeys(line for line in told if line)) or None,
        )

    def _bug(self, field: str, rules: Rules) -> Bug | None:
        """What upstream knows of a field that counts; a capability should, and so should a name."""
        if field in ("security.capability", "presence"):
            return None
        server = self.subject.consumer.server if self.subject.consumer else ""
        found = self.upstream.of_field(field, server)
        # an engine with the fix taken back has the bug, whatever its version
        return found or (self.upstream.of_field(field) if rules.xattrs is Xattrs.ALL else None)

    def _records(self, copy: Copy, here: Side) -> list[str]:
        """Both sides' records, each as its own engine makes it, and whether the image lists them."""
        subject, cache = self.subject, self.subject.cache
        if here.record is None or not isinstance(cache, InlineCache):
            return []
        lines = [
            f"this record {'is' if cache.numbers(here.record) else 'is not'} in the image's inline cache: {here.record}"
        ]
        maker = subject.producer_engine
        there = look(subject.theirs, copy, maker.rules).record if maker else None
        if there:
            listed = "is" if cache.numbers(there) else "is not"
            lines.append(f"the producer's record {listed} in it: {there}")
        return lines

    def _sent(self, theirs: Kept, ours: Kept) -> list[str]:
        """The bytes that both clients sent, explained by all that the Dockerfile copies."""
        made, trial, engine = self.subject.production, self.subject.trial, self.subject.engine
        assert engine is not None  # the caller has looked
        sent = [
            [entry for entry in side.offered if entry.path in used_of(side, text, engine.rules)]
            for side, text in ((theirs, self.subject.their_dockerfile), (ours, self.subject.dockerfile))
        ]
        line = arithmetic(
            made.build.context_bytes if made and made.build else None,
            trial.build.context_bytes if trial.build else None,
            *sent,
        )
        return [f"context sent: {line}"] if line else []

    def _engine(self) -> str:
        facts = self.subject.consumer
        return f"Docker {facts.server}" if facts else "this engine"


def _what(counting: Sequence[FieldDifference]) -> str:
    """The first field that counts, with both values."""
    first = counting[0]
    if first.field == "presence":
        side = "the producer" if first.consumer == ABSENT else "the consumer"
        what = f"{first.path} is there on {side}'s side alone"
    elif first.field == "content":
        what = f"content of {first.path} is another: {first.producer} at the producer, {first.consumer} here"
    else:
        values = [_quoted(first.field, value) for value in (first.producer, first.consumer)]
        verb = "are" if first.field == "line ends" else "is"
        what = f"{first.field} of {first.path} {verb} {values[0]} at the producer, {values[1]} here"
    others = len(counting) - 1
    return what + (f", and {others} more {'differ' if others > 1 else 'differs'}" if others else "")


def _renamed(theirs: Kept, ours: Kept, counting: Sequence[FieldDifference]) -> str | None:
    """That one object has another name here, where nothing else differs."""
    if [item.field for item in counting] != ["presence", "presence"]:
        return None
    gone, new = sorted(counting, key=lambda item: item.consumer != ABSENT)
    sides = [{shown(entry.path): entry for entry in side.offered} for side in (theirs, ours)]
    one, other = sides[0].get(gone.path), sides[1].get(new.path)
    if one is None or other is None or not one.sha256 or one.sha256 != other.sha256:
        return None
    return f"{gone.path} of the producer is {new.path} here, with the same content"


def _ignored(theirs: Kept, ours: Kept, counting: Sequence[FieldDifference]) -> list[str]:
    """A line for each side on which .dockerignore leaves out what the other side sends."""
    lines = []
    for side, where in ((theirs, "at the producer"), (ours, "here")):
        there = {shown(entry.path) for entry in side.objects} - {shown(entry.path) for entry in side.offered}
        left_out = [item.path for item in counting if item.field == "presence" and item.path in there]
        if left_out:
            more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
            lines.append(f"{left_out[0]}{more} lies there too, but .dockerignore leaves it out {where}")
    return lines


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
    """The value of an attribute, whose text may be anything, set apart from the sentence."""
    plain = "." not in field or value == ABSENT or value.startswith(('"', "0x"))
    return value if plain else f'"{value}"'
