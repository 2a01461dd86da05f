"""JUnit XML for CI: one suite for each scenario, one case for each step of a trial, versions as properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC
from xml.etree import ElementTree

from lab.explain.explanation import Role, StepCause
from lab.model import Outcome, Verdict
from lab.report import printable
from lab.report.evidence import Evidence
from lab.report.findings import findings
from lab.report.prediction import contradicts
from lab.report.trials import engine_word, in_order, predicted_of, steps_of
from lab.results.facts import StepResult
from lab.results.run import Trial

VERDICTS = {Outcome.RAN: Verdict.MISSED, Outcome.WRONG_HIT: Verdict.WRONG_HIT}

# Characters that XML 1.0 does not allow, however they are written.
_FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(runs: Sequence[Evidence]) -> str:
    """Runs as one JUnit document; runs of one scenario share a suite.

    A step is a failure if its outcome is not the expected or the predicted one; the failure's text gives the cause.
    Every case of a broken trial is an error, and so is a step whose outcome is not known.
    """
    root = ElementTree.Element("testsuites")
    for scenario in dict.fromkeys(evidence.run.scenario for evidence in runs):
        root.append(_suite(scenario, [evidence for evidence in runs if evidence.run.scenario == scenario]))
    _count(root, root)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(scenario: str, runs: list[Evidence]) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=_text(scenario))
    suite.set("timestamp", runs[0].run.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    properties = ElementTree.SubElement(suite, "properties")
    for evidence in runs:
        run = evidence.run
        _property(properties, "run", run.name)
        _property(properties, "lineup", run.lineup)
        _property(properties, "complete", str(run.complete).lower())
        _property(properties, "findings", str(len(findings(evidence))))
        _property(properties, "base", run.base.reference if run.base else "unknown")
        for item in run.bases:
            _property(properties, "base", item.reference)
        for box in run.boxes:
            for field in ("client", "server", "commit", "buildx", "rules", "os", "kernel", "storage", "selinux"):
                if value := getattr(box, field):
                    _property(properties, f"{box.name}.{box.engine}.{field}", value)
    for evidence in runs:
        # the same trials in two runs are different cases
        prefix = f"{evidence.run.name}/" if len(runs) > 1 else ""
        for trial in in_order(evidence.run):
            suite.extend(_cases(evidence, trial, prefix))
        suite.extend(_pushes(evidence))
    _count(suite, suite)
    return suite


def _pushes(evidence: Evidence) -> Iterable[ElementTree.Element]:
    """One case for each producer that pushed no image."""
    for made in evidence.run.productions:
        if made.problem:
            name = _text(f"{made.producer}:{made.engine}")
            part = f" (part {made.part + 1})" if made.part else ""  # of a resumed run
            case = ElementTree.Element("testcase", classname=name, name=f"push an image{part}")
            _trouble(case, "error", made.fault.value if made.fault else "broken", made.problem, made.problem)
            yield case


def _cases(evidence: Evidence, trial: Trial, prefix: str) -> Iterable[ElementTree.Element]:
    steps = steps_of(evidence.run, trial)
    if not steps and trial.broken_by:
        case = ElementTree.Element("testcase", classname=_text(prefix + trial.name), name="rebuild")
        _trouble(case, "error", trial.broken_by.value, "no step was read", trial.problem or "")
        yield case
    for number, step in enumerate(steps):
        # two instructions may have the same text, and many readers merge two cases of one name
        names = {"classname": prefix + trial.name, "name": f"{number + 2}. {step.instruction}"}
        case = ElementTree.Element("testcase", {key: _text(value) for key, value in names.items()})
        case.set("time", f"{step.seconds or 0:g}")
        predicted = predicted_of(trial, number)
        properties = ElementTree.SubElement(case, "properties")
        for key, value in (
            ("engine", engine_word(trial)),
            ("variation", trial.variation),
            ("outcome", step.outcome.value),
            ("expected", step.expected.value if step.expected else None),
            ("predicted", predicted.value if predicted else None),
        ):
            if value:
                _property(properties, key, value)
        _judge(case, trial, step, predicted, evidence.step_cause(trial, number))
        yield case


def _judge(
    case: ElementTree.Element, trial: Trial, step: StepResult, predicted: Outcome | None, cause: StepCause | None
) -> None:
    if trial.broken_by:
        # without a readable cache every step runs, so an outcome of a broken trial is no result of the step
        fault, outcome = trial.broken_by.value, step.outcome.value
        message = f"{step.instruction}: the trial is broken (fault: {fault}), so its outcome ({outcome}) does not count"
        _trouble(case, "error", fault, message, trial.problem or "")
    elif step.outcome in (Outcome.UNKNOWN, Outcome.ERROR):
        _trouble(case, "error", step.outcome.value, f"{step.instruction}: {step.outcome.value}", trial.problem or "")
    elif step.expected is not None and step.outcome is not step.expected:
        message = f"{step.instruction} {step.outcome.value}, {step.expected.value} was expected"
        kind = VERDICTS.get(step.outcome, Verdict.UNEXPECTED_HIT).value
        _trouble(case, "failure", kind, message, "\n".join(_why(cause, trial)))
    elif predicted is not None and contradicts(predicted, step.outcome):
        message = f"{step.instruction} {step.outcome.value}, {predicted.value} was predicted"
        _trouble(case, "failure", "contradicted", message, "lab's model of BuildKit is wrong, or the run is")


def _why(cause: StepCause | None, trial: Trial) -> Iterable[str]:
    if cause is None or cause.role is Role.UNKNOWN:
        yield "cause: not known"
    else:
        yield f"cause: {cause.sentence}"
        for item in cause.differences:
            yield f"{item.path}: {item.field}: producer {item.producer}, consumer {item.consumer}"
        yield from cause.evidence
        if cause.issue:
            yield f"upstream: {cause.issue}"
        if cause.fixed:
            yield f"fixed in: {cause.fixed}"
        if cause.advice:
            yield f"what to do: {cause.advice}"
    if trial.because:
        yield f"the scenario says: {trial.because}"


def _trouble(case: ElementTree.Element, tag: str, kind: str, message: str, text: str) -> None:
    ElementTree.SubElement(case, tag, type=kind, message=_text(printable.line(message))).text = _text(text)


def _property(properties: ElementTree.Element, name: str, value: str) -> None:
    ElementTree.SubElement(properties, "property", name=_text(name), value=_text(value))


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", printable.lines(text))


def _count(element: ElementTree.Element, where: ElementTree.Element) -> None:
    cases = list(where.iter("testcase"))
    element.set("tests", str(len(cases)))
    element.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    element.set("errors", str(sum(case.find("error") is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', '0')) for case in cases):g}")
