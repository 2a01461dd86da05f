"""Why each step of a trial did what it did: a step is a consequence only of a step on which it depends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.needs import needed
from lab.buildkit.cachekeys.solver import Decision, Reason
from lab.buildkit.cachekeys.step import Step
from lab.errors import ReadError
from lab.explain.explanation import Explanation, Role, StepCause
from lab.explain.finder import Finder
from lab.explain.graph import ancestors, dependents, nearest, numbers_of
from lab.explain.plans import steps_here
from lab.explain.predict import decisions
from lab.explain.subject import Subject
from lab.explain.upstream import Upstream
from lab.model import Outcome, Verdict
from lab.results.facts import BuildResult, StepResult

MAKE_STEPS = ("RUN", "COPY", "ADD", "WORKDIR")


def explain(subject: Subject, upstream: Upstream) -> Explanation:
    """The explanation of one trial; of a broken one only a cache that could not be read is a known cause."""
    trial = subject.trial
    if trial.build is not None and trial.build.failed_imports:
        return Explanation(trial.name, tuple(_without_import(trial.build, Finder(subject, upstream, None))))
    if trial.build is None or trial.verdict is Verdict.BROKEN:
        why = f"the trial is broken: {_in_short(trial.problem or 'the reason is not known')}"
        steps = tuple(
            StepCause(
                text, Role.UNKNOWN, "the trial is broken" if number else why, evidence=_elsewhere(subject, number)
            )
            for number, text in enumerate(subject.run.instructions)
        )
        return Explanation(trial.name, steps)
    made = decisions(subject, built=True)
    planned = steps_here(subject) if isinstance(made, str) else [item.step for item in made]
    numbers = numbers_of([step.instruction for step in trial.build.steps], planned)
    decided = () if isinstance(made, str) else made
    graph = _Graph(trial.build.steps, planned, numbers, decided)
    finder = Finder(subject, upstream, made if isinstance(made, str) else None)
    found = []
    for place, step in enumerate(trial.build.steps):
        found.append(_one(step, place, graph, finder))
    return Explanation(trial.name, tuple(found), _main(found, graph))


@dataclass(frozen=True)
class _Graph:
    """The steps that a build printed and those of its plan.

    `numbers` has the place in the plan of each printed step. `decided` are the decisions on the steps of the plan; none
    where nothing could be predicted.
    """

    printed: Sequence[StepResult]
    planned: Sequence[Step]
    numbers: Sequence[int | None]
    decided: Sequence[Decision] = ()

    def step(self, place: int) -> Step | None:
        """The step of the plan that a printed one is; None if it is none of them."""
        number = self.numbers[place]
        return None if number is None else self.planned[number]

    def decision(self, place: int) -> Decision | None:
        """The decision on a printed step; None where nothing was predicted of it."""
        number = self.numbers[place]
        return self.decided[number] if self.decided and number is not None else None

    def ran(self, number: int) -> bool | None:
        """Whether a step of the plan missed; None if the build does not show it."""
        if number not in self.numbers:
            return None
        if self.decided and self.decided[number].reason is Reason.NO_RESULT:
            return False  # its key is in the cache, so the keys of the steps that depend on it stay the same
        outcome = self.printed[self.numbers.index(number)].outcome
        return {Outcome.RAN: True, Outcome.HIT: False}.get(outcome)

    def lost(self, place: int) -> str | None:
        """The nearest step on which a printed step depends and that ran; of a step without a plan, the first before."""
        number = self.numbers[place]
        if number is None:
            return self.first_before(place)
        found = nearest(self.planned, number, self.ran)
        return None if found is None else self.planned[found].text

    def unprinted(self, place: int) -> Decision | None:
        """The decision on the step whose miss makes a printed one miss, if none of the run's instructions is that step.

        A trigger (ONBUILD) is such a step, and a WORKDIR may be one.
        """
        decision = first = self.decision(place)
        while decision and decision.lost_parent is not None and decision.lost_parent not in self.numbers:
            decision = self.decided[decision.lost_parent]
        own = decision and decision.outcome is Outcome.RAN and decision.reason not in (Reason.PARENT, Reason.NO_RESULT)
        return decision if own and decision is not first else None

    def first_before(self, place: int) -> str | None:
        """The first step that ran among those printed before a step."""
        return next((step.instruction for step in self.printed[:place] if step.outcome is Outcome.RAN), None)

    def above(self, place: int) -> str | None:
        """A step that ran and on which a printed step depends, directly or not."""
        number = self.numbers[place]
        found = [] if number is None else [item for item in ancestors(self.planned, number) if self.ran(item)]
        return self.planned[found[0]].text if found else None

    def weights(self) -> list[int]:
        """For each printed step, how many others that ran depend on it."""
        counts = dependents(self.planned, {number for number in range(len(self.planned)) if self.ran(number)})
        return [0 if number is None else counts[number] for number in self.numbers]


def _main(found: Sequence[StepCause], graph: _Graph) -> int | None:
    """The place of the cause on whose miss most other steps depend; of several, the first."""
    weights = graph.weights()
    own = [place for place, step in enumerate(found) if step.role is Role.CAUSE]
    return max(own, key=lambda place: (weights[place], -place), default=None)


def _in_short(problem: str) -> str:
    """The first line of a problem without its command, and the last line that the command printed."""
    first, *rest = [line.strip() for line in problem.splitlines() if line.strip()] or [problem]
    first = re.sub(r" of `.*`", "", first)
    return f"{first}: {rest[-1]}" if rest and rest[-1] != first else first


def _elsewhere(subject: Subject, number: int) -> tuple[str, ...]:
    """A line on what the Dockerfile that was built has in place of a step that a variation changed."""
    try:
        parsed = dockerfiles.parse(subject.dockerfile)
    except ReadError as error:
        return (error.message,)
    wanted = subject.run.instructions[number]
    stages = [parsed.stages[place] for place in needed(parsed)]
    steps = [item.text for stage in stages for item in stage.instructions if item.word in MAKE_STEPS]
    if wanted in steps or number >= len(steps):
        return ()
    return (f'the Dockerfile that was built here has "{steps[number]}" in its place',)


def _without_import(build: BuildResult, finder: Finder) -> Iterator[StepCause]:
    """All steps of a build whose engine could not read the cache that it was to use."""
    blamed = False
    for step in build.steps:
        if step.outcome is Outcome.RAN and not blamed:
            blamed = True
            yield finder.cause(step.instruction, None)
        elif step.outcome is Outcome.RAN:
            yield StepCause(step.instruction, Role.CONSEQUENCE, "the cache could not be read")
        elif step.outcome is Outcome.HIT:
            yield StepCause(
                step.instruction, Role.HIT, "it was found in another place than the cache that could not be read"
            )
        else:
            yield StepCause(step.instruction, Role.UNKNOWN, "its outcome is not known")


def _one(step: StepResult, place: int, graph: _Graph, finder: Finder) -> StepCause:
    text, decision, here = step.instruction, graph.decision(place), graph.step(place)
    if step.outcome.cached:
        return StepCause(text, Role.HIT, _hit(decision, graph.above(place), graph.first_before(place)))
    if step.outcome is not Outcome.RAN:
        return StepCause(text, Role.UNKNOWN, "its outcome is not known")
    lost = graph.lost(place)
    if lost is not None:
        why = f"it depends on {lost}, which missed, so its own key is new"
        return StepCause(text, Role.CONSEQUENCE, why, evidence=finder.own_cause(text, here))
    above = graph.unprinted(place)
    found = finder.cause(above.step.text, above, above.step) if above else None
    if above and found and found.role is Role.CAUSE:
        why = f"it depends on {above.step.printed}, which missed: {found.sentence}"
        return replace(found, instruction=text, sentence=why)
    return finder.cause(text, decision, here)


def _hit(decision: Decision | None, above: str | None, before: str | None) -> str:
    if decision is not None and decision.outcome is Outcome.RAN:
        return f"it hit although it was predicted to run: {decision.sentence}"
    if above is not None:
        return f"it hit although {above}, on which it depends, ran: what it takes from there is the same"
    if before is not None:
        return f"it hit although {before} ran before it: it does not depend on that step"
    return "its key is in the cache"
