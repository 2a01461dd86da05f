"""Looks for the cause of a step that missed: tries the kinds of `lab/explain/kinds.py` in their order."""

from __future__ import annotations

from dataclasses import replace

from lab.buildkit.cachekeys.solver import Decision
from lab.buildkit.cachekeys.step import Step
from lab.explain.explanation import Role, StepCause
from lab.explain.kinds import CAUSES
from lab.explain.miss import Miss
from lab.explain.plans import records
from lab.explain.predict import NOT_AMONG
from lab.explain.store import store_lines, two_stores
from lab.explain.subject import Subject
from lab.explain.upstream import Upstream
from lab.model import Outcome


class Finder:
    """Finds the cause of the first miss of one trial; `unpredicted` is the reason why nothing could be predicted."""

    def __init__(self, subject: Subject, upstream: Upstream, unpredicted: str | None) -> None:
        self.subject = subject
        self.upstream = upstream
        self.unpredicted = unpredicted

    def cause(self, text: str, decision: Decision | None, step: Step | None = None) -> StepCause:
        """The cause of one step that ran while all before it hit."""
        miss = Miss(self.subject, self.upstream, text, decision, step)
        found = _first(miss)
        if found and found.role is Role.UNKNOWN:
            more = (*two_stores(self.subject), *self._suspects())
            return replace(found, evidence=(*found.evidence, *more))
        if found:
            return self._with_doubt(self._with_stores(found), decision)
        if miss.predicted:
            evidence = records(self.subject, miss.predicted)
            return StepCause(text, Role.CAUSE, miss.predicted.sentence, evidence=evidence)
        why = self.unpredicted or (decision.sentence if decision else NOT_AMONG)
        if decision is not None and decision.outcome is Outcome.HIT:
            why = "a hit was predicted, because its key is in the cache according to all that was gathered"
        return StepCause(
            text,
            Role.UNKNOWN,
            f"why it ran is not known: {why}",
            evidence=(*two_stores(self.subject), *self._suspects()),
        )

    def own_cause(self, text: str, step: Step | None) -> tuple[str, ...]:
        """A line on why a step whose parent missed would miss by itself too; nothing if it would not."""
        found = _first(Miss(self.subject, self.upstream, text, step=step, after_miss=True))
        return (f"it would miss by itself too: {found.sentence}",) if found else ()

    def _with_stores(self, found: StepCause) -> StepCause:
        """The cause with a line on each side's image store, where these differ or may differ between two machines."""
        lines = [line for line in store_lines(self.subject) if line not in found.evidence]
        return replace(found, evidence=(*found.evidence, *lines))

    def _with_doubt(self, found: StepCause, decision: Decision | None) -> StepCause:
        if decision is None or decision.outcome is not Outcome.HIT:
            return found
        line = "a hit was predicted: either lab's model of this engine is wrong, or the run is"
        return replace(found, evidence=(line, *found.evidence))

    def _suspects(self) -> tuple[str, ...]:
        """Known bugs of the consumer's engine by which a step runs although its key is in the cache.

        They are named only where no cause is found, and after all else. A run of lab meets no condition such as a
        second build at the same time. The classic builder has none: all known bugs are those of BuildKit.
        """
        facts = self.subject.consumer
        bugs = self.upstream.of_engine(facts.server) if facts and facts.builder != "classic" else []
        return tuple(
            f"a known bug of this engine: {bug.summary} ({bug.url}), {f'fixed in {bug.fixed}' if bug.fixed else 'open'}"
            for bug in bugs
            if bug.misses and not bug.when
        )


def _first(miss: Miss) -> StepCause | None:
    """The first cause that a kind finds."""
    for find in CAUSES.values():
        found = find(miss)
        if found:
            return found
    return None
