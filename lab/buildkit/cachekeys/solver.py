"""Predicts what BuildKit's solver finds in caches: each step is hit, ran, or unknown if facts are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.graph import Input
from lab.buildkit.cachekeys.matching import Library
from lab.buildkit.cachekeys.simulation import Simulation, simulate
from lab.buildkit.cachekeys.step import Plan, Step
from lab.model import Outcome

DOUBT = "it is not known whether a step on which it depends"  # the start of a reason that is another step's


class Reason(StrEnum):
    """The reason for a step's prediction."""

    LISTED = "listed"  # its record is in a cache, has a result, and is linked to its parent's record
    UNUSED = "unused"  # nothing that runs needs it, so BuildKit neither loads nor runs it
    PARENT = "parent"  # its parent missed
    BASE = "base"  # the base image's record is not in a cache
    DEFINITION = "definition"  # its own definition is not in a cache
    CONTENT = "content"  # the digest of its files is not in a cache
    LINK = "link"  # both are in a cache, but not linked to this parent
    NO_RESULT = "no result"  # its record has no layer that can be loaded, and a step that runs needs its files
    IGNORED = "ignored"  # an option of the build forbids to look it up
    UNCLEAR = "unclear"  # a fact that decides the outcome is not known


@dataclass(frozen=True, slots=True)
class Decision:
    """One step's predicted outcome, its reason, and a sentence that explains the reason.

    `lost_parent` is the number of a step, among those on which it depends directly, that has no record in the caches,
    so that this step cannot have one either; None if there is none.
    """

    step: Step
    outcome: Outcome
    reason: Reason
    sentence: str
    lost_parent: int | None = None


def solve(caches: Sequence[Cache], planned: Plan) -> list[Decision]:
    """Predict each step in order, for a builder that has these caches and no local cache.

    If the build fails, every step is unknown: the output for each depends on how far it was.
    """
    if planned.failing:
        return [_unknown(step, f"the build fails: {planned.failing}") for step in planned.steps]
    best = simulate(caches, planned.vertices, planned.final, hopeful=True)
    worst = simulate(caches, planned.vertices, planned.final, hopeful=False)
    judge = _Judge(planned, Library(caches), best, worst)
    return [judge.decision(number) for number in range(len(planned.steps))]


@dataclass
class _Judge:
    """Decides each step from the two bounds of what the solver may do."""

    planned: Plan
    library: Library
    best: Simulation
    worst: Simulation

    def decision(self, number: int) -> Decision:
        """Decide one step: what runs even in the best case ran, and what runs not even in the worst case is hit."""
        step = self.planned.steps[number]
        if any(vertex in self.best.ran for vertex in step.vertices):
            return self._ran(step)
        if any(vertex in self.worst.ran for vertex in step.vertices):
            return _unknown(step, self._why_unknown(step))
        last = step.vertices[-1]
        found = self.planned.vertices[last].inputs and self.library.has_result(self.worst.keys(last))
        if last in self.worst.loaded or found:
            return Decision(step, Outcome.HIT, Reason.LISTED, "its record is in the cache after this parent")
        if all(not self.planned.vertices[vertex].inputs for vertex in step.vertices):
            return self._without_input(step)
        sentence = "what depends on it is in the cache, so BuildKit does not need it and prints it as cached"
        return Decision(step, Outcome.HIT, Reason.UNUSED, sentence)

    def _without_input(self, step: Step) -> Decision:
        """Decide the first step of an empty stage, for which BuildKit prints DONE once its key is computed."""
        if step.vertices[-1] in self.best.loaded:
            return _unknown(step, self._why_unknown(step))
        sentence = "nothing needs it, so it is not executed; BuildKit prints DONE for it, as it begins an empty stage"
        return Decision(step, Outcome.HIT, Reason.UNUSED, sentence)

    def _ran(self, step: Step) -> Decision:
        number = next(vertex for vertex in step.vertices if vertex in self.best.ran)
        vertex = self.planned.vertices[number]
        if vertex.ignored:
            return Decision(step, Outcome.RAN, Reason.IGNORED, "--no-cache or --no-cache-filter forbids to look it up")
        if not self.library.caches:
            return Decision(step, Outcome.RAN, Reason.DEFINITION, "there is no cache")
        for item in vertex.inputs:
            lost = None if item.hashed or self.best.keys(item.vertex) else self._lost(item)
            if lost:
                return Decision(step, Outcome.RAN, *lost)
        if self.library.has_result(self.best.keys(number)):
            return _unknown(step, "it is found in the cache only after it was begun")
        if self.best.keys(number):
            sentence = "its record is in the cache without a layer, and a step that runs needs its files"
            return Decision(step, Outcome.RAN, Reason.NO_RESULT, sentence)
        if vertex.record is not None and not self.library.numbered(vertex.record):
            return Decision(step, Outcome.RAN, Reason.DEFINITION, "no step with this definition is in the cache")
        contents = [item.content for item in vertex.inputs if item.hashed and item.content]
        if any(not self.library.numbered(content) for content in contents):
            return Decision(step, Outcome.RAN, Reason.CONTENT, "the digest of its files is not in the cache")
        sentence = "the cache has no step with this definition and these files after this parent"
        return Decision(step, Outcome.RAN, Reason.LINK, sentence)

    def _lost(self, item: Input) -> tuple[Reason, str, int | None]:
        """Return why an input without any record makes its step run."""
        number = self.planned.step_of(item.vertex)
        if number is None:
            return Reason.BASE, "the cache does not begin with this base image", None
        return Reason.PARENT, "a step on which it depends has no record in the cache, so its own key is new", number

    def _why_unknown(self, step: Step) -> str:
        if step.unclear:
            return step.unclear
        for number in step.vertices:
            vertex = self.planned.vertices[number]
            if vertex.unclear:
                return vertex.unclear
            for item in vertex.inputs:
                if item.hashed and item.content is None and not self.worst.keys(item.vertex):
                    return "the files that it takes are not known before the step that makes them has run"
        for number in step.vertices:
            if self.best.keys(number) and not self.library.has_result(self.best.keys(number)):
                return "its record is in the cache without a layer, and it is not known whether its files are needed"
        return f"{DOUBT}, or that depends on it, is in the cache"


def _unknown(step: Step, sentence: str) -> Decision:
    return Decision(step, Outcome.UNKNOWN, Reason.UNCLEAR, sentence)


def outcomes(decisions: Iterable[Decision]) -> tuple[Outcome, ...]:
    """Return the outcomes of the decisions, in order."""
    return tuple(decision.outcome for decision in decisions)
