"""Tries remedies on the engine: both sides get the remedy, and the difference must hit afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab import files
from lab.explain.build_values import flag
from lab.model import CONTROL, Outcome, Progress
from lab.results.run import Trial
from lab.results.varied import RemedyFacts, TriedFacts
from lab.run.instructions import stages_of, steps_in
from lab.run.scenarios import Scenario
from lab.run.vary.axis import Variant
from lab.run.vary.bench import UNCHANGED, Bench, written
from lab.run.vary.remedies.candidate import Candidate, Ground, Missed
from lab.run.vary.remedies.table import REMEDIES


@dataclass(frozen=True, slots=True)
class Trying:
    """Tries every remedy for the axes that miss; `folder` is that of the run."""

    bench: Bench
    ground: Ground
    folder: Path

    def every(self) -> list[RemedyFacts]:
        """Return the remedies that were tried; one whose axes earlier ones cure is not."""
        found: list[RemedyFacts] = []
        for make in REMEDIES:
            for candidate in make(self.ground):
                cured = {name for facts in found for name in facts.cures}
                left = tuple(name for name in candidate.axes if name not in cured)
                if left:
                    found.append(self.one(replace(candidate, axes=left)))
        return found

    def one(self, candidate: Candidate) -> RemedyFacts:
        """Try one remedy for each axis that it may cure."""
        facts = RemedyFacts(name=candidate.name, text=candidate.text, diff=candidate.diff, caution=candidate.caution)
        scenario = self._scenario(candidate)
        self.bench.tell(Progress(self.bench.box.name, f"try the remedy {candidate.name}"))
        source = self.bench.produce(scenario, candidate.name)
        if source.problem:
            return facts.model_copy(update={"problem": f"its build fails: {source.problem.splitlines()[0]}"})
        control = self.bench.rebuild(scenario, source, CONTROL, UNCHANGED, None, candidate.name)
        if not control.build or Outcome.HIT not in _outcomes(control):
            return facts.model_copy(update={"problem": "a rebuild without a change misses with it"})
        tried = []
        for missed in self.ground.missed:
            if missed.name in candidate.axes:
                variant = self._variant(missed, candidate)
                trial = self.bench.rebuild(scenario, source, missed.name, variant, control, candidate.name)
                tried.append(_judged(missed.name, trial, control, self._free(scenario, candidate)))
        limit = _user(scenario.instructions, candidate.spares)
        text = None if limit is None else scenario.instructions[limit]
        facts = facts.model_copy(update={"tried": tuple(tried), "limit": text})
        if facts.cures and candidate.diff:
            name = f"remedy-{candidate.name}.diff"
            files.write(self.folder / name, candidate.diff)
            facts = facts.model_copy(update={"file": name})
        return facts

    def _scenario(self, candidate: Candidate) -> Scenario:
        """The scenario in which both sides have the remedy."""
        scenario = self.bench.scenario
        prepare = candidate.prepare
        if candidate.dockerfile is not None:
            text = candidate.dockerfile
            steps = steps_in(Path("Dockerfile"), text)
            prepare = (*prepare, written(self.bench.place_of_dockerfile, text))
            scenario = replace(scenario, dockerfile=text, instructions=steps, steps=tuple("hit" for _ in steps))
        return replace(scenario, prepare=(*scenario.prepare, *prepare))

    def _variant(self, missed: Missed, candidate: Candidate) -> Variant:
        return replace(missed.variant, changes=(*missed.variant.changes, *candidate.after))

    def _free(self, scenario: Scenario, candidate: Candidate) -> frozenset[int]:
        """The places of the instructions that may miss: those of a stage of its own, those from a variable's use on."""
        stages = stages_of(scenario.dockerfile, scenario.instructions, flag("target", scenario.options.words))
        own = {at for at, stage in enumerate(stages) if stage == candidate.own}
        user = _user(scenario.instructions, candidate.spares)
        return frozenset(
            own | set(range(len(scenario.instructions) if user is None else user, len(scenario.instructions)))
        )


def _user(instructions: Sequence[str], variable: str | None) -> int | None:
    """The place of the first instruction that names a variable; None if none does."""
    if variable is None:
        return None
    use = re.compile(rf"\$\{{?{re.escape(variable)}\b")
    return next((at for at, text in enumerate(instructions) if use.search(text)), None)


def _judged(axis: str, trial: Trial, control: Trial, free: frozenset[int]) -> TriedFacts:
    """Whether every step of the project's own hit that hits without the difference."""
    outcomes, before = _outcomes(trial), _outcomes(control)
    steps = tuple(step.instruction for step in trial.build.steps) if trial.build else ()
    wrong = [
        at
        for at, (now, then) in enumerate(zip(outcomes, before, strict=False))
        if at not in free and then is Outcome.HIT and now is not Outcome.HIT
    ]
    cured = bool(outcomes) and len(outcomes) == len(before) and not wrong
    problem = (trial.problem or "").splitlines()[:1]
    return TriedFacts(
        axis=axis, instructions=steps, outcomes=outcomes, cured=cured, problem=problem[0] if problem else None
    )


def _outcomes(trial: Trial) -> tuple[Outcome, ...]:
    return tuple(step.outcome for step in trial.build.steps) if trial.build else ()
