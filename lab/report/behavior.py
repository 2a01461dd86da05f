"""The two sections of a bug report that must differ: the expected behavior and the actual one."""

from __future__ import annotations

from collections.abc import Sequence

from lab.counting import counted
from lab.model import CONTROL, Outcome
from lab.report import markup
from lab.report.cause import MAX_FINDINGS, where
from lab.report.evidence import Evidence
from lab.report.findings import Finding, Kind, contrast
from lab.report.trials import bytes_sent, predicted_of
from lab.versions import titled

MAX_ALIKE = 6
_CONTENT = ("content", "presence", "type", "line ends", "target")


def expected(evidence: Evidence, found: Sequence[Finding]) -> str:
    """One line for each finding: what the step does on a machine without the problem; empty without findings."""
    lines = [f"- {where(item.example)}: {_wanted(evidence, item)}" for item in found[:MAX_FINDINGS]]
    return "\n".join(dict.fromkeys(lines))


def actual(evidence: Evidence, found: Sequence[Finding]) -> str:
    """One line for each finding: the outcome of every step and the bytes sent; empty without findings."""
    lines = []
    for finding in found[:MAX_FINDINGS]:
        steps = finding.example.build.steps if finding.example.build else ()
        words = ", ".join(f"{markup.code(step.instruction)} {step.outcome.value}" for step in steps)
        parts = [f"{where(finding.example)}: {words}.", _sent(evidence, finding), _known(finding), _alike(finding)]
        lines.append("- " + " ".join(part for part in parts if part))
    if len(found) > MAX_FINDINGS:
        lines.append(f"- {len(found) - MAX_FINDINGS} of {counted(len(found), 'finding')} cut.")
    return "\n".join(lines)


def _wanted(evidence: Evidence, finding: Finding) -> str:
    step = markup.code(finding.step.instruction if finding.step else "a step")
    if finding.kind is Kind.UNEXPECTED_HIT:
        return f"{step} runs{f': {markup.prose(finding.why)}' if finding.why else ''}."
    if finding.contradicted:
        return f"{step} {_predicted(finding)}, as lab predicted from the files and the image's cache."
    text = f"{step} hits"
    if finding.example.variation != CONTROL:
        return f"{text} after the change {markup.prose(finding.example.variation)} too."
    other = contrast(evidence, finding)
    if other:
        text += f", as on {markup.prose(other.consumer)} with {markup.prose(titled(other.engine))}"
    fields = {item.field for item in finding.cause.differences} if finding.cause else set()
    return (
        f"{text}." if fields & set(_CONTENT) else f"{text}: the Dockerfile and the content of the files are the same."
    )


def _predicted(finding: Finding) -> str:
    steps = finding.example.build.steps if finding.example.build else ()
    number = next((place for place, step in enumerate(steps) if step is finding.step), 0)
    return "hits" if predicted_of(finding.example, number) is Outcome.HIT else "runs"


def _sent(evidence: Evidence, finding: Finding) -> str:
    """The bytes of context that the client sent, beside those of the trial with other outcomes."""
    other = contrast(evidence, finding)
    here, there = bytes_sent(finding.example), bytes_sent(other) if other else None
    if here is None:
        return ""
    if there is None or other is None:
        return f"The client sent {here}B of context."
    return f"The client sent {here}B of context; it sent {there}B in the trial to compare with ({where(other)})."


def _known(finding: Finding) -> str:
    """The scenario's reason for a known miss without a change; empty if it gives none."""
    because = finding.example.because
    if finding.unexpected or finding.kind is not Kind.MISS or not because:
        return ""
    return f"This miss is known: {markup.prose(because)}."


def _alike(finding: Finding) -> str:
    alike = [where(trial) for trial in finding.trials[1:]]
    if not alike:
        return ""
    more = f" and {len(alike) - MAX_ALIKE} more" if len(alike) > MAX_ALIKE else ""
    return f"The same cause: {'; '.join(alike[:MAX_ALIKE])}{more}."
