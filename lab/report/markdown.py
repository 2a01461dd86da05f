"""The bug report: what a maintainer asks for, in the order that moby's and BuildKit's issue forms ask for it."""

from __future__ import annotations

from datetime import UTC

from lab.model import Outcome, Verdict
from lab.report import markup
from lab.report.evidence import Evidence
from lab.report.findings import Finding, contrast, findings
from lab.report.prediction import Prediction, prediction
from lab.report.reproduce import steps_to_reproduce
from lab.report.table import engine_word, step_word
from lab.results import Trial
from lab.scenarios import CONTROL

MAX_ROWS = 40  # GitHub takes 65,536 characters in an issue
MAX_FINDINGS = 8


def markdown(evidence: Evidence) -> str:
    """The run as an issue's text, in GitHub's Markdown."""
    found = findings(evidence)
    sections = {
        "Description": f"{_summary(evidence, found)}\n\n{_table(evidence, found)}",
        "Reproduce": steps_to_reproduce(evidence, _shown(evidence, found)),
        "Expected behavior": _expected(evidence, found),
        "Actual behavior": _actual(evidence, found),
        "Cause": _causes(evidence, found),
        "Affected and fixed versions": _versions(evidence, found),
        "Not known": _not_known(evidence, found),
    }
    parts = [
        f"# {_title(evidence, found)}",
        *(f"## {name}\n\n{text}" for name, text in sections.items()),
        _foot(evidence),
    ]
    return "\n\n".join(parts) + "\n"


def _title(evidence: Evidence, found: list[Finding]) -> str:
    if not found:
        return f"{markup.prose(evidence.run.scenario)}: no step missed the build cache"
    first = found[0]
    verb = "misses the build cache" if first.misses else "hits the build cache though it should not"
    varied = f" after {markup.prose(first.example.variation)}" if first.example.variation != CONTROL else ""
    return f"{markup.code(first.step.instruction)} {verb} on {markup.prose(first.example.consumer)}{varied}"


def _summary(evidence: Evidence, found: list[Finding]) -> str:
    """One sentence on the first finding with its cause, then one line on what else there is."""
    if not found:
        told = [trial for trial in evidence.run.trials if trial.verdict is not Verdict.BROKEN]
        if not told:
            return "No rebuild was made, or none could be read: this run says nothing of the cache."
        return f"Every step of all {len(told)} rebuilds that could be read hit the cache."
    lines = [_sentence(evidence, found[0])]
    if len(found) > 1:
        lines.append(f"The run shows {len(found) - 1} more: see Actual behavior.")
    return " ".join(lines)


def _sentence(evidence: Evidence, finding: Finding) -> str:
    example = finding.example
    producer, consumer = finding.engines
    verb = "misses" if finding.misses else "wrongly hits"
    versions = f"Docker {markup.prose(consumer)}"
    if producer != consumer:
        versions += f" (the image is from Docker {markup.prose(producer)})"
    text = (
        f"{markup.code(finding.step.instruction)} {verb} the inline build cache when the image that "
        f"{markup.prose(example.producer)} pushed is rebuilt from the same files on {markup.prose(example.consumer)} "
        f"with {versions}"
    )
    if example.variation != CONTROL:
        text += f", after a change made on purpose ({markup.prose(example.variation)})"
    text += f": {markup.prose(finding.cause.sentence)}." if finding.cause else f". {_reason(example)}"
    if len(finding.trials) > 1:
        text += f" Seen in {len(finding.trials)} trials."
    return text


def _reason(trial: Trial) -> str:
    """What stands for a cause where none was found: the scenario's word, marked as such."""
    if trial.because:
        return f"The scenario gives as the reason: {markup.prose(trial.because)}."
    return "The cause is not known."


def _table(evidence: Evidence, found: list[Finding]) -> str:
    run = evidence.run
    varied = any(trial.variation != CONTROL for trial in run.trials)
    guessed = any(trial.predicted for trial in run.trials)
    header = ["producer", "consumer", *(["variation"] if varied else []), "engine", "context"]
    header += [markup.cell(instruction) for instruction in run.instructions]
    header += [*(["predicted"] if guessed else []), "verdict"]
    telling = [trial for finding in found for trial in finding.trials]
    broken = [trial for trial in run.trials if trial.verdict is Verdict.BROKEN]
    order = {id(trial): number for number, trial in enumerate(run.trials)}
    ranked = list({id(trial): trial for trial in [*telling, *broken, *run.trials]}.values())[:MAX_ROWS]
    rows = []
    for trial in sorted(ranked, key=lambda trial: order[id(trial)]):
        sent = trial.build.context_bytes if trial.build else None
        row = [trial.producer, trial.consumer, *([trial.variation] if varied else []), engine_word(trial)]
        row += ["?" if sent is None else f"{sent}B"]
        words = [step_word(trial.build, number) for number, _ in enumerate(run.instructions)]
        row = [markup.cell(text) for text in row]
        row += [f"**{word}**" if word != Outcome.HIT else word for word in words]
        rows.append([*row, *([prediction(trial).value] if guessed else []), trial.verdict.value])
    left = len(run.trials) - len(rows)
    return markup.table(header, rows) + (f"\n\n{left} of {len(run.trials)} rows cut." if left else "")


def _shown(evidence: Evidence, found: list[Finding]) -> list[Trial]:
    """The trials whose commands are shown, as they came: the first finding's, and one that went the other way."""
    if not found:
        return [trial for trial in evidence.run.trials if trial.build][:1]
    chosen = (found[0].example, contrast(evidence, found[0]))
    return [trial for trial in evidence.run.trials if any(trial is one for one in chosen)]


def _expected(evidence: Evidence, found: list[Finding]) -> str:
    if not found:
        return "That every step hits."
    lines = []
    for finding in found[:MAX_FINDINGS]:
        example = finding.example
        if example.verdict is Verdict.AS_EXPECTED and example.variation == CONTROL:
            other = contrast(evidence, finding)
            so = (
                f", as it does on {markup.prose(other.consumer)} with {markup.prose(engine_word(other))}"
                if other
                else ""
            )
            text = (
                f"{markup.code(finding.step.instruction)} hits: the Dockerfile and the files' bytes are the same{so}."
            )
            text += f" That it misses here is known: {markup.prose(example.because)}." if example.because else ""
        elif example.verdict is Verdict.AS_EXPECTED:
            text = f"{markup.code(finding.step.instruction)} misses after the change {markup.prose(example.variation)}"
            text += f": {markup.prose(example.because)}." if example.because else "."
        else:
            wanted = finding.step.expected
            text = f"{markup.code(finding.step.instruction)}: {wanted.value if wanted else 'not stated'}."
        lines.append(f"- {text}")
    return "\n".join(dict.fromkeys(lines))


def _actual(evidence: Evidence, found: list[Finding]) -> str:
    if not found:
        return _summary(evidence, found)
    lines = []
    for finding in found[:MAX_FINDINGS]:
        steps = finding.example.build.steps if finding.example.build else ()
        words = ", ".join(f"{markup.code(step.instruction)} {step.outcome.value}" for step in steps)
        lines.append(f"- {_sentence(evidence, finding)} Steps: {words}. {_sent(evidence, finding)}".rstrip())
    if len(found) > MAX_FINDINGS:
        lines.append(f"- {len(found) - MAX_FINDINGS} of {len(found)} findings cut.")
    return "\n".join(lines)


def _sent(evidence: Evidence, finding: Finding) -> str:
    """The bytes of the context that the client sent, beside those of the trial that went the other way."""
    other = contrast(evidence, finding)
    here = finding.example.build.context_bytes if finding.example.build else None
    there = other.build.context_bytes if other and other.build else None
    if here is None:
        return ""
    if there is None or other is None:
        return f"The client sent {here}B of context."
    where = f"{other.producer}>{other.consumer}, {engine_word(other)}, {other.variation}"
    return f"The client sent {here}B of context, and {there}B where it went the other way ({markup.prose(where)})."


def _causes(evidence: Evidence, found: list[Finding]) -> str:
    parts = []
    for finding in found[:MAX_FINDINGS]:
        parts.append(_known_cause(finding) if finding.cause else _unknown_cause(evidence, finding))
    return "\n\n".join(dict.fromkeys(parts)) or "Nothing to explain."


def _known_cause(finding: Finding) -> str:
    cause = finding.cause
    assert cause
    lines = [f"{markup.code(cause.instruction)}: {markup.prose(cause.sentence)}."]
    if cause.differences:
        rows = [
            [markup.cell(text) for text in (item.path, item.field, item.producer, item.consumer, " ".join(item.rules))]
            for item in cause.differences
        ]
        lines.append(markup.table(["file", "field", "producer", "consumer", "rule sets that count it"], rows))
    points = [markup.prose(text) for text in cause.evidence]
    points += [f"What to do: {markup.prose(cause.advice)}"] if cause.advice else []
    if points:
        lines.append("\n".join(f"- {text}" for text in points))
    return "\n\n".join(lines)


def _unknown_cause(evidence: Evidence, finding: Finding) -> str:
    """No cause: then what is known to differ between the two ends, without a word on whether it matters."""
    producer, consumer = evidence.ends(finding.example)
    text = (
        f"{markup.code(finding.step.instruction)} on {markup.prose(finding.example.consumer)}: not explained from the "
    )
    text += f"files. {_reason(finding.example)}"
    if producer and consumer and producer.name != consumer.name:
        fields = ("os", "kernel", "storage", "security", "selinux", "client", "server")
        pairs = [(field, getattr(producer, field), getattr(consumer, field)) for field in fields]
        differs = [
            f"{field} {markup.code(str(one) if isinstance(one, str) else ' '.join(one))}"
            f" / {markup.code(str(two) if isinstance(two, str) else ' '.join(two))}"
            for field, one, two in pairs
            if one != two
        ]
        text += f" Between producer and consumer differ: {', '.join(differs)}." if differs else ""
    return text


def _versions(evidence: Evidence, found: list[Finding]) -> str:
    lines = []
    for finding in found[:MAX_FINDINGS]:
        example, step = finding.example, finding.step
        alike = [
            trial
            for trial in evidence.run.trials
            if (trial.producer, trial.consumer, trial.variation)
            == (example.producer, example.consumer, example.variation)
        ]
        seen: dict[Outcome, list[str]] = {}
        for trial in alike:
            for made in trial.build.steps if trial.build else ():
                if made.instruction == step.instruction:
                    seen.setdefault(made.outcome, []).append(engine_word(trial))
        words = "; ".join(
            f"{outcome.value} with Docker {', '.join(map(markup.prose, dict.fromkeys(engines)))}"
            for outcome, engines in seen.items()
        )
        text = f"{markup.code(step.instruction)}, {markup.prose(f'{example.producer}>{example.consumer}')}"
        text += f", {markup.prose(example.variation)}" if example.variation != CONTROL else ""
        text += f": {words}."
        if finding.cause and finding.cause.fixed:
            text += f" Fixed in {markup.prose(finding.cause.fixed)}, as published."
        if finding.cause and finding.cause.issue:
            text += f" Upstream: {markup.prose(finding.cause.issue)}"
        lines.append(f"- {text}")
    engines = ", ".join(dict.fromkeys(f"{box.engine} ({box.server})" for box in evidence.run.boxes))
    lines.append(f"- Engines of this run: {markup.prose(engines) or 'none'}; no other version was tried.")
    return "\n".join(dict.fromkeys(lines))


def _not_known(evidence: Evidence, found: list[Finding]) -> str:
    run = evidence.run
    lines = [] if run.complete else ["The run was cut short: not all trials were made."]
    lines += [
        f"{markup.prose(made.producer)} ({markup.prose(made.engine)}) pushed no image: {_first(made.problem)}"
        for made in run.productions
        if made.problem
    ]
    broken = [trial for trial in run.trials if trial.verdict is Verdict.BROKEN]
    lines += [f"{markup.code(trial.name)} is broken: {_first(trial.problem)}" for trial in broken[:MAX_FINDINGS]]
    if len(broken) > MAX_FINDINGS:
        lines.append(f"{len(broken) - MAX_FINDINGS} more trials are broken.")
    lines += [
        f"What in the files makes {markup.code(finding.step.instruction)} miss on "
        f"{markup.prose(finding.example.consumer)} with {markup.prose(finding.engines[1])}."
        for finding in found[:MAX_FINDINGS]
        if finding.cause is None
    ]
    against = [trial for trial in run.trials if prediction(trial) is Prediction.CONTRADICTED]
    lines += [
        f"{markup.code(trial.name)}: what was predicted did not come; the model or the run is wrong."
        for trial in against[:MAX_FINDINGS]
    ]
    if not evidence.exchanges:
        lines.append("The commands and their output: this run has no transcript.")
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines)) or "Nothing that this run set out to show."


def _first(problem: str | None) -> str:
    return markup.prose((problem or "not known why").strip().splitlines()[0][:300])


def _foot(evidence: Evidence) -> str:
    run = evidence.run
    moment = f"{run.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    text = (
        f"Run {markup.code(run.name)} of {moment}, made by lab {markup.prose(run.lab)}; its bundle holds every command."
    )
    if evidence.redacted:
        counts = ", ".join(f"{kind} {number}" for kind, number in sorted(evidence.redacted.items()))
        text += f" Replaced by placeholders: {markup.prose(counts)}."
    return f"---\n\n{text}"
