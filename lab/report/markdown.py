"""The bug report: what a maintainer asks for, in the order that moby's and BuildKit's issue forms ask for it."""

from __future__ import annotations

from datetime import UTC

from lab.model import CONTROL, Outcome, Verdict
from lab.report import markup
from lab.report.cause import MAX_FINDINGS, boxes, causes, versions, where
from lab.report.evidence import Evidence
from lab.report.findings import Finding, contrast, findings, reason
from lab.report.prediction import Prediction, prediction
from lab.report.reproduce import steps_to_reproduce
from lab.report.table import engine_word, order, step_word
from lab.results.run import Run, Trial

MAX_ROWS = 40  # GitHub takes 65,536 characters in an issue
MAX_ALIKE = 6
_VERBS = {Outcome.HIT: "hits", Outcome.RAN: "runs"}


def markdown(evidence: Evidence) -> str:
    """The run as an issue's text, in GitHub's Markdown."""
    found = findings(evidence)
    sections = {
        "Description": f"{_summary(evidence, found)}\n\n{_table(evidence, found)}",
        "Reproduce": steps_to_reproduce(evidence, _shown(evidence, found)),
        "Expected behavior": _expected(evidence, found),
        "Actual behavior": _actual(evidence, found),
        "Cause": causes(evidence, found),
        "Affected and fixed versions": versions(evidence, found),
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
        what = "no step missed the build cache" if _told(evidence) else "no rebuild that could be read"
        return f"{markup.prose(evidence.run.scenario)}: {what}"
    first = found[0]
    verb = "misses the build cache" if first.misses else "hits the build cache though it should not"
    varied = f" after {markup.prose(first.example.variation)}" if first.example.variation != CONTROL else ""
    return f"{markup.code(first.step.instruction)} {verb} on {markup.prose(first.example.consumer)}{varied}"


def _summary(evidence: Evidence, found: list[Finding]) -> str:
    """One sentence on the first finding with its cause, then one line on what else there is."""
    if found:
        more = len(found) - 1
        noun = "miss" if all(finding.misses for finding in found) else "finding"
        plural = "" if more == 1 else "es" if noun == "miss" else "s"
        others = [f"The run shows {more} more {noun}{plural}: see Actual behavior."] if more else []
        return " ".join([_sentence(found[0]), *others])
    told = len(_told(evidence))
    if not told:
        return "No rebuild was made, or none could be read: this run says nothing of the cache."
    rebuilds = "the one rebuild" if told == 1 else f"all {told} rebuilds"
    return f"Every step of {rebuilds} that could be read hit the cache."


def _told(evidence: Evidence) -> list[Trial]:
    """The trials that say something of the cache."""
    return [trial for trial in evidence.run.trials if trial.verdict is not Verdict.BROKEN]


def _sentence(finding: Finding) -> str:
    example = finding.example
    producer, consumer = finding.engines
    verb = "misses" if finding.misses else "wrongly hits"
    versions = f"Docker {markup.prose(consumer)}"
    if producer != consumer:
        versions += f" (the image is from Docker {markup.prose(producer)})"
    pushed = "it pushed itself" if example.producer == example.consumer else f"{markup.prose(example.producer)} pushed"
    files = "the same files"
    if example.variation != CONTROL:
        files += f" after a change made on purpose ({markup.prose(example.variation)})"
    text = (
        f"{markup.code(finding.step.instruction)} {verb} the inline build cache when {markup.prose(example.consumer)} "
        f"with {versions} rebuilds the image that {pushed}, from {files}"
    )
    text += f": {markup.prose(finding.cause.sentence)}." if finding.cause else f". {reason(example)}"
    if len(finding.trials) > 1:
        text += f" Seen in {len(finding.trials)} trials."
    return text


def _table(evidence: Evidence, found: list[Finding]) -> str:
    run = evidence.run
    varied = any(trial.variation != CONTROL for trial in run.trials)
    guessed = any(trial.predicted for trial in run.trials)
    header = ["producer", "consumer", *(["variation"] if varied else []), "engine", "context"]
    header += [markup.cell(instruction) for instruction in run.instructions]
    header += [*(["predicted"] if guessed else []), "verdict"]
    rows = []
    for trial in _rows(run, found):
        sent = trial.build.context_bytes if trial.build else None
        row = [trial.producer, trial.consumer, *([trial.variation] if varied else []), engine_word(trial)]
        row += ["?" if sent is None else f"{sent}B"]
        words = [step_word(trial.build, number) for number, _ in enumerate(run.instructions)]
        row = [markup.cell(text) for text in row]
        row += [f"**{word}**" if word != Outcome.HIT else word for word in words]
        rows.append([*row, *([prediction(trial).value] if guessed else []), trial.verdict.value])
    left = len(run.trials) - len(rows)
    return markup.table(header, rows) + (f"\n\n{left} of {len(run.trials)} rows cut." if left else "")


def _rows(run: Run, found: list[Finding]) -> list[Trial]:
    """The trials of the table, in the order of variations, engines and boxes; what tells least is cut."""
    telling = [trial for finding in found for trial in finding.trials]
    broken = [trial for trial in run.trials if trial.verdict is Verdict.BROKEN]
    chosen = list({id(trial): trial for trial in [*telling, *broken, *run.trials]}.values())[:MAX_ROWS]
    return sorted(chosen, key=order(run))


def _shown(evidence: Evidence, found: list[Finding]) -> list[Trial]:
    """The trials whose commands are shown, as they came: the first finding's, and one that went the other way."""
    if not found:  # of a run in which nothing could be read, what went wrong
        return sorted(evidence.run.trials, key=lambda trial: trial.build is None)[:1]
    chosen = (found[0].example, contrast(evidence, found[0]))
    return [trial for trial in evidence.run.trials if any(trial is one for one in chosen)]


def _expected(evidence: Evidence, found: list[Finding]) -> str:
    if not found:
        return "That every step hits."
    lines = []
    for finding in found[:MAX_FINDINGS]:
        example, step = finding.example, markup.code(finding.step.instruction)
        known = f" That it does not is known: {markup.prose(example.because)}." if example.because else ""
        if finding.varied:
            text = f"{step} misses after this change"
            text += f": {markup.prose(example.because)}." if example.because else "."
        elif example.verdict is Verdict.AS_EXPECTED:
            other = contrast(evidence, finding)
            so = f", as on {markup.prose(other.consumer)} with {markup.prose(engine_word(other))}" if other else ""
            text = f"{step} hits{so}: the Dockerfile and the files' bytes are the same.{known}"
        else:
            wanted = finding.step.expected
            text = f"{step} {_VERBS.get(wanted, wanted.value) if wanted else 'does what nobody stated'}."
        lines.append(f"- {where(example)}: {text}")
    return "\n".join(dict.fromkeys(lines))


def _actual(evidence: Evidence, found: list[Finding]) -> str:
    if not found:
        return _summary(evidence, found)
    lines = []
    for finding in found[:MAX_FINDINGS]:
        steps = finding.example.build.steps if finding.example.build else ()
        words = ", ".join(f"{markup.code(step.instruction)} {step.outcome.value}" for step in steps)
        alike = [boxes(trial) for trial in finding.trials[1:]]
        also = f" Likewise {', '.join(alike[:MAX_ALIKE])}" if alike else ""
        also += f" and {len(alike) - MAX_ALIKE} more" if len(alike) > MAX_ALIKE else ""
        text = f"{where(finding.example)}: {words}. {_sent(evidence, finding)}".rstrip()
        lines.append(f"- {text}{also}{'.' if also else ''}")
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
    return f"The client sent {here}B of context, and {there}B where it went the other way ({where(other)})."


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
