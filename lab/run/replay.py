"""A stored run judged again: its outputs by the current parser, its outcomes by the current scenario and model."""

from __future__ import annotations

from lab.buildkit.rulebook import Rulebook
from lab.explain.predicted_trial import with_prediction
from lab.model import CONTROL
from lab.report import docker
from lab.report.evidence import Evidence
from lab.results.contexts import is_unchanged
from lab.results.facts import BuildResult
from lab.results.run import Run, Trial
from lab.run import judging
from lab.run.expectations import Expectation, facts_of
from lab.run.instructions import stages_of
from lab.run.scenarios import Scenario


def judge_again(evidence: Evidence, scenario: Scenario | None, book: Rulebook) -> Run:
    """The run with each trial's outcomes, expectations, predictions and verdict as this version of lab finds them.

    Without a scenario, and where a variation or a box's facts are not known, the stored expectation stays. The stored
    prediction stays where the run does not keep the files unchanged. A build that failed stays broken.
    """
    trials = tuple(_trial(evidence, trial, scenario, book) for trial in evidence.run.trials)
    return evidence.run.model_copy(update={"trials": trials})


def _trial(evidence: Evidence, trial: Trial, scenario: Scenario | None, book: Rulebook) -> Trial:
    if trial.build is None:
        return trial
    plan = _plan(evidence, trial, scenario, book) if scenario else None
    build = _read(evidence, trial, trial.build, plan)
    again = with_prediction(evidence.run, trial, book) if is_unchanged(evidence.run, trial.context) else trial
    return again.model_copy(
        update={
            "build": build,
            "verdict": judging.judge(build),
            "because": plan.because if plan else trial.because,
            **_trouble(trial, trial.build, build),
        }
    )


def _trouble(trial: Trial, stored: BuildResult, build: BuildResult) -> dict[str, object]:
    """The trial's problem and whose fault it is: as stored, unless they only say what could not be read."""
    if trial.problem != judging.unread(stored):
        return {"problem": trial.problem, "fault": trial.fault}
    return {"problem": judging.unread(build), "fault": judging.fault_of(build)}


def _plan(evidence: Evidence, trial: Trial, scenario: Scenario, book: Rulebook) -> Expectation | None:
    producer, consumer = evidence.ends(trial)
    variations = {None if item is None else item.name: item for item in [None, *scenario.file.variations]}
    name = None if trial.variation == CONTROL else trial.variation
    if producer is None or consumer is None or name not in variations:
        return None
    plan = scenario.expectation(variations[name], facts_of(book, consumer, producer))
    return plan if len(plan.outcomes) == len(evidence.run.instructions) else None


def _read(evidence: Evidence, trial: Trial, stored: BuildResult, plan: Expectation | None) -> BuildResult:
    """The outcomes from the build's own output where the transcript has it, else as they were stored."""
    builds = (item for item in evidence.during(trial.name) if docker.builds(item.argv))
    output = next((item.stderr + item.stdout for item in builds if docker.imports(item.argv)), None)
    names, project = evidence.run.instructions, evidence.run.project
    target = project.target if project else None
    build = (
        stored
        if output is None
        else judging.read_result(output, names, plan, stages_of(evidence.run.dockerfile, names, target))
    )
    wanted = plan.outcomes if plan else [step.expected for step in stored.steps]
    steps = tuple(
        step.model_copy(update={"expected": wanted[number] if number < len(wanted) else None})
        for number, step in enumerate(build.steps)
    )
    stated = {item.ref: item for item in stored.imports}  # the output alone does not show what is no fault
    imports = tuple(
        item.model_copy(update={"absent": was.absent, "unsupported": was.unsupported})
        if (was := stated.get(item.ref))
        else item
        for item in build.imports
    )
    return build.model_copy(update={"steps": steps, "imports": imports})
