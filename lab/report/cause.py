"""What a bug report says of causes, and of the versions that have them: each once, with its evidence."""

from __future__ import annotations

from collections.abc import Sequence

from lab.explain.explanation import StepCause
from lab.model import CONTROL, Outcome
from lab.report import markup
from lab.report.evidence import Evidence
from lab.report.findings import Finding, reason
from lab.report.table import engine_word
from lab.results.run import Trial

MAX_FINDINGS = 8
_FACTS = ("os", "kernel", "storage", "security", "selinux", "client", "server")


def causes(evidence: Evidence, found: Sequence[Finding]) -> str:
    """The causes of the findings; what a rule set is, is said at the end."""
    parts: dict[object, str] = {}
    for number, finding in enumerate(found[:MAX_FINDINGS]):
        cause = finding.cause
        brief = finding.varied and number > 0  # a change made on purpose, and not what the report is about
        if cause is None:
            parts.setdefault(_unknown_cause(evidence, finding), _unknown_cause(evidence, finding))
            continue
        key = (cause.instruction, *((item.path, item.field, item.rules) for item in cause.differences), brief)
        if key not in parts:
            parts[key] = _known_cause(evidence, cause, brief=brief)
        elif cause.differences:
            # the same fields, in most runs the other way round: its digests are those above
            parts[key] += f"\n- The same on {where(finding.example)}: {markup.prose(cause.sentence)}."
    text = "\n\n".join(parts.values()) or "Nothing to explain."
    return "\n\n".join([text, *_rule_sets(evidence, found[:MAX_FINDINGS])])


def versions(evidence: Evidence, found: Sequence[Finding]) -> str:
    """What every engine of the run did in the findings' place, and where the bug is known to be fixed."""
    lines = []
    for finding in found[:MAX_FINDINGS]:
        text = f"{markup.code(finding.step.instruction)}, {boxes(finding.example)}: {_by_engine(evidence, finding)}."
        if finding.cause and finding.cause.fixed:
            text += f" Fixed in {markup.prose(finding.cause.fixed)}, as published."
        if finding.cause and finding.cause.issue:
            text += f" Upstream: {markup.prose(finding.cause.issue)}"
        lines.append(text)
    used = dict.fromkeys(f"{box.engine} ({box.server})" for box in evidence.run.boxes)
    lines.append(f"Engines of this run: {markup.prose(', '.join(used)) or 'none'}; no other version was tried.")
    named = dict.fromkeys(box.engine for box in evidence.run.boxes if box.engine in evidence.engines)
    lines += [f"{markup.prose(name)} is {markup.prose(evidence.engines[name])}." for name in named]
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines))


def boxes(trial: Trial) -> str:
    """The two boxes of a trial, and what was varied, within a sentence."""
    varied = f", {trial.variation}" if trial.variation != CONTROL else ""
    return markup.prose(f"{trial.producer}>{trial.consumer}{varied}")


def where(trial: Trial) -> str:
    """`boxes` with the engine."""
    return f"{boxes(trial)}, Docker {markup.prose(engine_word(trial))}"


def _known_cause(evidence: Evidence, cause: StepCause, *, brief: bool) -> str:
    """The sentence, the fields that differ, and unless it is told in brief the evidence."""
    lines = [f"{markup.code(cause.instruction)}: {markup.prose(cause.sentence)}."]
    rows = [
        [
            *(markup.cell(text) for text in (item.path, item.field, item.producer, item.consumer)),
            "all" if _everywhere(evidence, item.rules) else markup.cell(" ".join(item.rules)),
        ]
        for item in cause.differences
    ]
    if rows:
        lines.append(markup.table(["file", "field", "producer", "consumer", "rule sets that hash it"], rows))
    told = tuple(f"{item.path}: {item.field}: " for item in cause.differences)  # the table has these
    points = [] if brief else [markup.prose(text) for text in cause.evidence if not text.startswith(told)]
    points += [f"What to do: {markup.prose(cause.advice)}."] if cause.advice else []
    return "\n\n".join([*lines, *(["\n".join(f"- {text}" for text in points)] if points else [])])


def _unknown_cause(evidence: Evidence, finding: Finding) -> str:
    """No cause: then what is known to differ between the two ends, without a word on whether it matters."""
    producer, consumer = evidence.ends(finding.example)
    text = (
        f"{markup.code(finding.step.instruction)} on {markup.prose(finding.example.consumer)}: not explained from the "
    )
    text += f"files. {reason(finding.example)}"
    if producer and consumer and producer.name != consumer.name:
        pairs = [(field, getattr(producer, field), getattr(consumer, field)) for field in _FACTS]
        differs = [
            f"{field} {markup.code(str(one) if isinstance(one, str) else ' '.join(one))}"
            f" / {markup.code(str(two) if isinstance(two, str) else ' '.join(two))}"
            for field, one, two in pairs
            if one != two
        ]
        text += f" Between producer and consumer differ: {', '.join(differs)}." if differs else ""
    return text


def _everywhere(evidence: Evidence, rules: Sequence[str]) -> bool:
    """True for every rule set of a version; those of engines with a name of their own are left aside."""
    known = {name for name in evidence.rule_sets if "+" not in name}
    return bool(known) and known <= set(rules)


def _rule_sets(evidence: Evidence, found: Sequence[Finding]) -> list[str]:
    """One line on the rule sets that the causes name."""
    told: list[str] = []
    for finding in found:
        if cause := finding.cause:
            told += [cause.sentence, *cause.evidence]
            told += [name for item in cause.differences if not _everywhere(evidence, item.rules) for name in item.rules]
    words = {word.strip("(),;:.") for word in " ".join(told).split()}
    named = [
        f"{markup.prose(name)} is Docker {markup.prose(known)}"
        for name, known in evidence.rule_sets.items()
        if name in words
    ]
    return [f"Rule sets, by what BuildKit hashes of a file: {'; '.join(named)}."] if named else []


def _by_engine(evidence: Evidence, finding: Finding) -> str:
    """The outcomes of one step on the same two boxes under the same variation, with the engines that gave them."""
    example = finding.example
    seen: dict[Outcome, list[str]] = {}
    for trial in evidence.run.trials:
        ends = (trial.producer, trial.consumer, trial.variation)
        if ends != (example.producer, example.consumer, example.variation):
            continue
        for made in trial.build.steps if trial.build else ():
            if made.instruction == finding.step.instruction:
                seen.setdefault(made.outcome, []).append(engine_word(trial))
    return "; ".join(
        f"{outcome.value} with Docker {', '.join(map(markup.prose, dict.fromkeys(engines)))}"
        for outcome, engines in seen.items()
    )
