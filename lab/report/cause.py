"""What a bug report says about causes, affected versions and deliberate changes; the evidence is a part of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.buildkit.contenthash.compare import FieldDifference
from lab.counting import counted
from lab.model import CONTROL, Outcome
from lab.report import markup
from lab.report.evidence import Evidence
from lab.report.findings import Finding, Kind, plain
from lab.report.trials import engine_word
from lab.results.run import Trial
from lab.versions import titled

MAX_FINDINGS = 8
_FACTS = ("os", "kernel", "storage", "security", "selinux", "client", "server")


def causes(evidence: Evidence, found: Sequence[Finding]) -> str:
    """For each finding: the cause in a sentence, what to do, and the fields that differ."""
    parts = [_cause(evidence, finding) for finding in found[:MAX_FINDINGS] if finding.kind is Kind.MISS]
    return "\n\n".join(dict.fromkeys(parts))


def versions(evidence: Evidence, found: Sequence[Finding]) -> str:
    """For each finding, what every engine of the run did, and where upstream fixed it."""
    lines = []
    for finding in found[:MAX_FINDINGS]:
        step = markup.code(finding.step.instruction if finding.step else "a step")
        text = f"{step}, {boxes(finding.example)}: {_by_engine(evidence, finding)}."
        if finding.cause and finding.cause.fixed:
            text += f" Fixed in {markup.prose(finding.cause.fixed)}, as published."
        if finding.cause and finding.cause.issue:
            text += f" Upstream: {markup.prose(finding.cause.issue)}"
        lines.append(text)
    used = dict.fromkeys(f"{box.engine} ({box.server})" for box in evidence.run.boxes)
    lines.append(f"Engines of this run: {markup.prose(', '.join(used)) or 'none'}. No other version was tried.")
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines))


def engine_notes(evidence: Evidence) -> str:
    """What the engines of the run are whose name does not say it; empty if there are none."""
    named = dict.fromkeys(box.engine for box in evidence.run.boxes if box.engine in evidence.engines)
    return " ".join(f"{markup.prose(titled(name))} is {markup.prose(evidence.engines[name])}." for name in named)


def deliberate_changes(found: Sequence[Finding]) -> str:
    """The misses that the scenario causes on purpose, in a table; empty if there are none."""
    if not found:
        return ""
    rows = []
    for finding in found[:MAX_FINDINGS]:
        example, more = finding.example, len(finding.trials) - 1
        trials = where(example) + (f" and {counted(more, 'more trial')}" if more else "")
        step = markup.cell(finding.step.instruction if finding.step else "")
        why = markup.prose(finding.why) or "not known"
        rows.append([markup.cell(example.variation), step, trials, why])
    text = "The scenario makes these changes on purpose and expects the misses. They are not part of the bug.\n\n"
    text += markup.table(["change", "first step that misses", "trials", "cause"], rows)
    left = len(found) - len(rows)
    return text + (f"\n\n{left} of {len(found)} changes cut." if left else "")


def evidence_lines(evidence: Evidence, found: Sequence[Finding]) -> str:
    """Digests, cache records and rule sets behind the causes; empty if nothing was explained."""
    parts = []
    named: list[str] = []
    for finding in found[:MAX_FINDINGS]:
        cause = finding.cause
        if cause is None:
            continue
        lines = [
            f"{item.path}: {item.field} is hashed under {_rules(evidence, item.rules)}" for item in cause.differences
        ]
        listed = tuple(f"{item.path}: {item.field}: " for item in cause.differences)  # the table of causes has these
        lines += [text for text in cause.evidence if not text.startswith(listed)]
        named += [cause.sentence, *lines]
        if lines:
            points = "\n".join(f"- {markup.prose(text)}" for text in lines)
            parts.append(f"{markup.code(cause.instruction)}, {where(finding.example)}:\n\n{points}")
    return "\n\n".join([*dict.fromkeys(parts), *_rule_sets(evidence, named)])


def boxes(trial: Trial) -> str:
    """The two boxes of a trial and its variation, within a sentence."""
    varied = f", {trial.variation}" if trial.variation != CONTROL else ""
    return markup.prose(f"{trial.producer}>{trial.consumer}{varied}")


def where(trial: Trial) -> str:
    """`boxes` with the engine."""
    return f"{boxes(trial)}, {markup.prose(titled(engine_word(trial)))}"


def _cause(evidence: Evidence, finding: Finding) -> str:
    cause = finding.cause
    if cause is None:
        return _unknown_cause(evidence, finding)
    lines = [f"{markup.code(cause.instruction)}: {markup.prose(finding.why)}."]
    if cause.advice:
        lines.append(f"What to do: {markup.prose(plain(cause.advice))}.")
    rows = [
        [
            *(markup.cell(text) for text in (item.path, item.field, item.producer, item.consumer)),
            markup.prose(_hashing(evidence, item)),
        ]
        for item in cause.differences
    ]
    if rows:
        lines.append(markup.table(["file", "field", "producer", "consumer", "Docker versions that hash it"], rows))
    return "\n\n".join(lines)


def _unknown_cause(evidence: Evidence, finding: Finding) -> str:
    """Without a cause: what differs between the two ends, with no claim that it matters."""
    producer, consumer = evidence.ends(finding.example)
    step = markup.code(finding.step.instruction if finding.step else "a step")
    text = f"{step} on {markup.prose(finding.example.consumer)}: the files do not explain the miss."
    text += f" The scenario gives the reason: {markup.prose(finding.why)}." if finding.why else ""
    if producer and consumer and producer.name != consumer.name:
        pairs = [(field, getattr(producer, field), getattr(consumer, field)) for field in _FACTS]
        differs = [f"{field} {_value(one)} / {_value(two)}" for field, one, two in pairs if one != two]
        text += f" Producer and consumer differ in: {', '.join(differs)}." if differs else ""
    return text


def _value(value: str | Sequence[str]) -> str:
    return markup.code(value if isinstance(value, str) else " ".join(value))


def _everywhere(evidence: Evidence, rules: Sequence[str]) -> bool:
    """True for all rule sets of Docker versions; rule sets of engines that lab changed do not matter."""
    known = {name for name in evidence.rule_sets if "+" not in name}
    return bool(known) and known <= set(rules)


def _hashing(evidence: Evidence, item: FieldDifference) -> str:
    """The Docker versions whose digest a difference changes."""
    if _everywhere(evidence, item.rules):
        return "all"
    return ", ".join(evidence.rule_sets[name] for name in item.rules if name in evidence.rule_sets) or "not known"


def _rules(evidence: Evidence, rules: Sequence[str]) -> str:
    return "every rule set" if _everywhere(evidence, rules) else ", ".join(rules) or "no rule set"


def _rule_sets(evidence: Evidence, texts: Iterable[str]) -> list[str]:
    """One line that says which Docker versions follow the rule sets that the evidence names."""
    words = {word.strip("(),;:.") for word in " ".join(texts).split()}
    named = [
        f"{markup.prose(name)} is Docker {markup.prose(known)}"
        for name, known in evidence.rule_sets.items()
        if name in words
    ]
    return [f"A rule set is what a version of BuildKit hashes of a file: {'; '.join(named)}."] if named else []


def _by_engine(evidence: Evidence, finding: Finding) -> str:
    """The outcomes of one step on the same two boxes under the same variation, with the engines that gave them."""
    example = finding.example
    step = finding.step.instruction if finding.step else ""
    seen: dict[Outcome, list[str]] = {}
    for trial in evidence.run.trials:
        ends = (trial.producer, trial.consumer, trial.variation)
        if ends != (example.producer, example.consumer, example.variation):
            continue
        for made in trial.build.steps if trial.build else ():
            if made.instruction == step:
                seen.setdefault(made.outcome, []).append(engine_word(trial))
    return "; ".join(
        f"{outcome.value} with {markup.prose(titled(*dict.fromkeys(engines)))}" for outcome, engines in seen.items()
    )
