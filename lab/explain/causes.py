"""The cause of a first miss: the field of a file, the rules of an engine, the definition of the step, or no cache."""

from __future__ import annotations

from dataclasses import replace

from lab.buildkit.cachekeys.copying import read_copy
from lab.buildkit.cachekeys.dockerfile import Instruction
from lab.buildkit.cachekeys.dockerfile import instruction as parse_instruction
from lab.buildkit.cachekeys.solver import Decision, Reason
from lab.explain.definitions import definition_cause, without_cache
from lab.explain.explanation import Role, StepCause
from lab.explain.files import Files
from lab.explain.rulesets import hashed_otherwise
from lab.explain.subject import Subject
from lab.explain.upstream import Upstream
from lab.model import Outcome


class Finder:
    """Finds the cause of the first miss of one trial; `blind` says why nothing could be predicted."""

    def __init__(self, subject: Subject, upstream: Upstream, blind: str | None) -> None:
        self.subject = subject
        self.upstream = upstream
        self.blind = blind
        self.files = Files(subject, upstream)

    def cause(self, text: str, decision: Decision | None) -> StepCause:
        """The cause of one step that ran while all before it hit."""
        item = parse_instruction(text)
        copies = item.word in ("COPY", "ADD")
        by_definition = decision is not None and decision.reason in (Reason.DEFINITION, Reason.BASE)
        if copies and not by_definition and read_copy(item).from_context:
            found = self.files.cause(text)
            if found:
                return self._doubted(found, decision)
        if decision is not None and decision.outcome is Outcome.RAN:
            return self._written(text, item, decision)
        why = self.blind or (decision.sentence if decision else "it is not among the steps that can be predicted")
        if decision is not None and decision.outcome is Outcome.HIT:
            why = "it was predicted to hit: its key is in the cache, by all that was gathered"
        return StepCause(text, Role.UNKNOWN, f"why it ran is not known: {why}", evidence=self._suspects())

    def itself(self, text: str) -> tuple[str, ...]:
        """Whether a COPY whose parent missed would miss by its own files too, once the parent hits."""
        item = parse_instruction(text)
        if item.word not in ("COPY", "ADD") or not read_copy(item).from_context:
            return ()
        found = self.files.cause(text) or hashed_otherwise(self.subject, text, read_copy(item))
        return (f"it would miss by itself too: {found.sentence}",) if found else ()

    def _written(self, text: str, item: Instruction, decision: Decision) -> StepCause:
        """A miss that the files' fields do not explain: no cache, other rules, or how the step is written."""
        if self.subject.cache is None:
            return without_cache(self.subject, text)
        if decision.reason is Reason.CONTENT and item.word in ("COPY", "ADD"):
            found = hashed_otherwise(self.subject, text, read_copy(item))
            if found:
                return found
        return definition_cause(self.subject, text, decision)

    def _doubted(self, found: StepCause, decision: Decision | None) -> StepCause:
        if decision is None or decision.outcome is not Outcome.HIT:
            return found
        line = "the prediction was a hit: either the model of this engine is wrong, or the run is"
        return replace(found, evidence=(line, *self._suspects(), *found.evidence))

    def _suspects(self) -> tuple[str, ...]:
        """Known bugs of the consumer's engine by which a step runs although its key is in the cache."""
        bugs = self.upstream.of_engine(self.subject.consumer.server) if self.subject.consumer else []
        return tuple(
            f"a known bug of this engine: {bug.summary} ({bug.url}), {f'fixed in {bug.fixed}' if bug.fixed else 'open'}"
            for bug in bugs
            if bug.misses
        )
