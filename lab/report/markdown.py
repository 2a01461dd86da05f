"""The bug report: what a maintainer asks for, with the headings of moby's and BuildKit's issue forms."""

from __future__ import annotations

import textwrap
from datetime import UTC

from lab.counting import counted
from lab.model import CONTROL, Outcome, Verdict
from lab.report import markup
from lab.report.behavior import actual, expected
from lab.report.cause import MAX_FINDINGS, causes, deliberate_changes, engine_notes, evidence_lines, versions
from lab.report.evidence import Evidence
from lab.report.findings import Finding, Kind, against, contrast, findings, short_cause, verb
from lab.report.outline import STEP, level_of, text_of
from lab.report.prediction import Prediction, prediction, unpredicted
from lab.report.problems import Problem, of_production, of_trial
from lab.report.project import project_lines
from lab.report.repeats import groups_of, one_word, outcome_words, rate_section
from lab.report.reproduce import steps_to_reproduce
from lab.report.retries import retry_lines
from lab.report.trials import bytes_sent, engine_word, in_order, sent_word
from lab.report.vary import verdict_lines
from lab.results.run import Run, Trial
from lab.versions import titled

MAX_ROWS = 40  # GitHub takes 65,536 characters in an issue
EXPORTED = ("+registry-min", "+registry-max", "+local")  # ends of the names of engines that export another cache


def _point(line: str) -> str:
    """A point of a list, as deep as its line is."""
    return f"{STEP * level_of(line)}- {markup.prose(text_of(line))}"


def markdown(evidence: Evidence) -> str:
    """The run as the text of an issue, in GitHub's Markdown; a section without content is left out."""
    found = [item for item in findings(evidence) if item.kind is not Kind.BROKEN]
    subjects = [item for item in found if not item.deliberate]
    sections = {
        "Description": "\n\n".join(
            part
            for part in (
                _summary(evidence, found),
                "\n".join(
                    _point(line)
                    for line in [*project_lines(evidence.run), *verdict_lines(evidence.run), *retry_lines(evidence.run)]
                ),
                engine_notes(evidence),
                _table(evidence, found),
                rate_section(evidence.run),
            )
            if part
        ),
        "Cause": causes(evidence, subjects or found[:1]) if found else "",
        "Reproduce": steps_to_reproduce(evidence, _shown(evidence, found)),
        "Expected behavior": expected(evidence, subjects),
        "Actual behavior": actual(evidence, subjects),
        "Affected and fixed versions": versions(evidence, subjects),
        "Deliberate changes": deliberate_changes([item for item in found if item.deliberate]),
        "Not known": _not_known(evidence, subjects),
        "Evidence": evidence_lines(evidence, subjects or found[:1]),
    }
    parts = [
        f"# {_title(evidence, found)}",
        *(f"## {name}\n\n{text}" for name, text in sections.items() if text),
        _foot(evidence),
    ]
    return "\n\n".join(parts) + "\n"


def _title(evidence: Evidence, found: list[Finding]) -> str:
    if not found:
        what = "no step missed the build cache" if _judged(evidence) else "no rebuild that could be read"
        return f"{markup.prose(evidence.run.scenario)}: {what}"
    first = found[0]
    does = (
        f"{verb(first)} the build cache"
        if first.kind in (Kind.MISS, Kind.UNEXPECTED_HIT, Kind.WRONG_HIT)
        else verb(first)
    )
    step = markup.code(first.step.instruction if first.step else "a step")
    varied = f" after the change {markup.prose(first.example.variation)}" if first.example.variation != CONTROL else ""
    text = f"{step} {does} on {markup.prose(first.example.consumer)}{varied}{against(first)}"
    return f"{text}: {markup.prose(short_cause(first))}" if first.cause and first.cause.differences else text


def _summary(evidence: Evidence, found: list[Finding]) -> str:
    """One sentence on the first finding with its cause, then what to do, then how much else there is."""
    if found:
        advice = found[0].cause.advice if found[0].cause else None
        text = _sentence(found[0]) + (f" What to do: {markup.prose(advice)}." if advice else "")
        return f"{text} {_count(findings(evidence))}"
    judged = len(_judged(evidence))
    if not judged:
        return "The run made no rebuild whose output could be read, so it shows nothing about the cache."
    rebuilds = "the one rebuild" if judged == 1 else f"all {judged} rebuilds"
    return f"Every step of {rebuilds} that could be read hit the cache."


def _count(found: list[Finding]) -> str:
    purpose = sum(item.deliberate for item in found)
    broken = sum(item.kind is Kind.BROKEN for item in found)
    text = f"The run has {counted(len(found), 'finding')}"
    notes = [f"{purpose} of a change made on purpose"] if purpose else []
    notes += [f"{broken} of broken trials"] if broken else []
    return text + (f" ({', '.join(notes)})." if notes else ".")


def _judged(evidence: Evidence) -> list[Trial]:
    """The trials whose outcomes count."""
    return [trial for trial in evidence.run.trials if trial.verdict is not Verdict.BROKEN]


def _sentence(finding: Finding) -> str:
    example = finding.example
    producer, consumer = finding.engines
    step = markup.code(finding.step.instruction if finding.step else "a step")
    does = {
        Kind.MISS: "misses",
        Kind.UNEXPECTED_HIT: "wrongly hits",
        Kind.WRONG_HIT: "hits with a wrong result with",
    }.get(finding.kind, "does not do as predicted with")
    cache = "build cache" if producer.endswith(EXPORTED) else "inline build cache"
    docker = markup.prose(titled(consumer))
    if producer != consumer:
        docker += f" (the image is from {markup.prose(titled(producer))})"
    pushed = "it pushed itself" if example.producer == example.consumer else f"{markup.prose(example.producer)} pushed"
    files = "the same files"
    if example.variation != CONTROL:
        files += f" after a change made on purpose ({markup.prose(example.variation)})"
    text = (
        f"{step} {does} the {cache} when {markup.prose(example.consumer)} with {docker} rebuilds the image "
        f"that {pushed}, from {files}"
    )
    if finding.cause:
        text += f": {markup.prose(finding.why)}."
    elif finding.why:
        text += f". The scenario gives the reason: {markup.prose(finding.why)}."
    else:
        text += ". The cause is not known."
    more = len(finding.trials) - 1
    return text + (f" The same happens in {counted(more, 'more trial')}." if more else "")


def _table(evidence: Evidence, found: list[Finding]) -> str:
    run = evidence.run
    varied = any(trial.variation != CONTROL for trial in run.trials)
    predicted = any(trial.predicted for trial in run.trials)
    header = ["producer", "consumer", *(["variation"] if varied else []), "engine", "context"]
    header += [markup.cell(instruction) for instruction in run.instructions]
    header += [*(["predicted"] if predicted else []), "verdict"]
    rows = []
    for group in _rows(run, found):
        trial = group[0]
        row = [trial.producer, trial.consumer, *([trial.variation] if varied else []), engine_word(trial)]
        row += [one_word(sent_word(bytes_sent(one)) for one in group)]
        words = outcome_words(run, group)[: len(run.instructions)]
        row = [markup.cell(text) for text in row]
        row += [f"**{word}**" if word != Outcome.HIT else word for word in words]
        row += [one_word(prediction(one).value for one in group)] if predicted else []
        rows.append([*row, one_word(one.verdict.value for one in group)])
    every = len(groups_of(run.trials))
    left = every - len(rows)
    return markup.table(header, rows) + (f"\n\n{left} of {counted(every, 'row')} cut." if left else "")


def _rows(run: Run, found: list[Finding]) -> list[list[Trial]]:
    """The trials of the table, each with its repeats, in the order of every report.

    Where there are too many, trials without a finding are left out.
    """
    telling = [trial for finding in found for trial in finding.trials]
    broken = [trial for trial in run.trials if trial.verdict is Verdict.BROKEN]
    ranked = dict.fromkeys(trial.key.first for trial in [*telling, *broken, *run.trials])
    chosen = set(list(ranked)[:MAX_ROWS])
    return [group for group in groups_of(in_order(run)) if group[0].key.first in chosen]


def _shown(evidence: Evidence, found: list[Finding]) -> list[Trial]:
    """The trials whose commands are shown: the first finding's example, and one with other outcomes."""
    if not found:  # where nothing could be read, the trial that shows what went wrong
        return sorted(in_order(evidence.run), key=lambda trial: trial.build is None)[:1]
    chosen = (found[0].example, contrast(evidence, found[0]))
    return [trial for trial in evidence.run.trials if any(trial is one for one in chosen)]


def _not_known(evidence: Evidence, subjects: list[Finding]) -> str:
    run = evidence.run
    lines = [] if run.complete else ["The run is incomplete: not all trials were made."]
    failed = [made for made in run.productions if made.problem]
    lines += [_failure(markup.prose(item.name), item) for item in map(of_production, failed)]
    broken = [trial for trial in in_order(run) if trial.verdict is Verdict.BROKEN]
    problems = {trial.name: of_trial(evidence.productions, trial) for trial in broken[:MAX_FINDINGS]}
    lines += [_failure(f"{markup.code(name)} is broken", problem) for name, problem in problems.items()]
    if len(broken) > MAX_FINDINGS:
        lines.append(f"{counted(len(broken) - MAX_FINDINGS, 'more broken trial')}.")
    lines += [
        f"Which file makes {markup.code(finding.step.instruction)} miss on {markup.prose(finding.example.consumer)} "
        f"with {markup.prose(titled(finding.engines[1]))}."
        for finding in subjects[:MAX_FINDINGS]
        if finding.kind is Kind.MISS and finding.cause is None and finding.step
    ]
    wrong = [trial for trial in in_order(run) if prediction(trial) is Prediction.CONTRADICTED]
    lines += [
        f"{markup.code(trial.name)} did not go as predicted: lab's model of BuildKit is wrong, or the run is."
        for trial in wrong[:MAX_FINDINGS]
    ]
    lines += [f"{markup.prose(line[0].upper() + line[1:])}." for line in unpredicted(in_order(run))]
    if not evidence.exchanges:
        lines.append("The commands and their output: this run has no transcript.")
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines))


def _failure(name: str, problem: Problem) -> str:
    """The name and the message, with what the failing program printed as a block below them."""
    what, _, command = problem.message.partition(": `")
    text = f"{name}: {markup.prose(what)}" + (f": {markup.code(command.removesuffix('`'))}" if command else "")
    block = f"\n\n{markup.fence(chr(10).join(problem.output))}\n" if problem.output else ""
    return text + textwrap.indent(block, "  ")


def _foot(evidence: Evidence) -> str:
    run = evidence.run
    moment = f"{run.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    text = f"Run {markup.code(run.name)} of {moment}, made by lab {markup.prose(run.lab)}."
    text += " The bundle of the run holds every command with its output."
    if evidence.redacted:
        counts = ", ".join(f"{kind} {number}" for kind, number in sorted(evidence.redacted.items()))
        text += f" Replaced by placeholders: {markup.prose(counts)}."
    return f"---\n\n{text}"
