"""Verbs that say why: for the steps of a stored run, and for the files of two boxes."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from lab.cli.options import json_option, print_json
from lab.cli.terminal import as_called, echo, width
from lab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from lab.explain.engines import EngineLine
    from lab.explain.explanation import Explanation
    from lab.explain.subject import Subject
    from lab.report.evidence import Evidence
    from lab.results.run import Run, Trial

SCHEMA = 1


@click.command(epilog="Example: python -m lab explain 20261124T014603Z-copy-bust --engines")
@click.argument("name", required=False, metavar="[RUN]")
@click.option(
    "--trial",
    "trials",
    multiple=True,
    metavar="NAME",
    help="Only this trial, by name or by a pattern such as `*>BOX:*` (several allowed).",
)
@click.option("--engines", is_flag=True, help="Also say which Docker versions would hit with these files.")
@json_option
def explain(name: str | None, trials: tuple[str, ...], engines: bool, as_json: bool) -> None:
    """Say why each step of a stored run (by name, folder or bundle; default: the newest) hit or ran.

    Without --trial, each trial in which every step hit has one line. Only the run is needed: it holds what lab recorded
    of each box's files and of the image's cache.
    """
    from lab.buildkit.rulebook import Rulebook
    from lab.cli.reports import evidence_of
    from lab.explain.engines import engine_lines
    from lab.explain.subject import Subjects
    from lab.project import find

    evidence = evidence_of(name)
    run = evidence.run
    if not run.trials:
        raise UsageError(
            f"cannot explain {run.name}: it has no trial", hint="`python -m lab runs` lists the runs with their trials"
        )
    if not evidence.explanations:
        raise UsageError(
            f"cannot explain {run.name}: it has no records of files",
            hint="an older version of lab wrote this run; `python -m lab repro` makes a new one",
        )
    boxes = find().boxes
    book = Rulebook(boxes)
    chosen = _chosen(run, trials)
    subjects_of = Subjects(run, book)
    subjects = {trial.name: subjects_of.of(trial) for trial in chosen}
    lines = {item.name: engine_lines(subjects[item.name]) for item in chosen} if engines else {}
    if as_json:
        print_json(_document(evidence, chosen, lines))
        return
    parts = _steps(evidence, chosen, named=bool(trials))
    if engines:
        parts += _versions(boxes, _files(chosen, subjects, lines))
    echo("\n\n".join(part for part in parts if part))


def _document(evidence: Evidence, chosen: list[Trial], lines: dict[str, list[EngineLine]]) -> dict[str, object]:
    from lab.report.prediction import contradictions

    trials = [
        {
            **asdict(evidence.explanations[trial.name]),
            "predicted": trial.predicted,
            "unpredicted": trial.unpredicted,
            "contradicted": contradictions(trial),
            "engines": [asdict(item) for item in lines.get(trial.name, ())],
        }
        for trial in chosen
    ]
    return {"schema": SCHEMA, "run": evidence.run.name, "trials": trials}


def _steps(evidence: Evidence, chosen: list[Trial], *, named: bool) -> list[str]:
    """A text for each trial; trials in which all steps hit share one, unless they were asked for by name."""
    from lab.report.explanation import explanation_text
    from lab.report.prediction import contradictions, unpredicted
    from lab.report.printable import filled

    quiet = [trial for trial in chosen if not named and _all_hit(trial) and not contradictions(trial)]
    shown = [trial for trial in chosen if trial not in quiet]
    parts = [
        explanation_text(_as_called(evidence.explanations[trial.name]), contradictions(trial), width())
        for trial in shown
    ]
    if quiet:
        parts.append("all steps hit:\n" + "\n".join(f"  {trial.name}" for trial in quiet))
    return [*parts, *("\n".join(filled(line, "  ", first="", width=width())) for line in unpredicted(chosen))]


def _as_called(explanation: Explanation) -> Explanation:
    """The explanation with commands in its advice named as the program was called."""
    steps = (replace(step, advice=step.advice and as_called(step.advice)) for step in explanation.steps)
    return replace(explanation, steps=tuple(steps))


def _versions(boxes: Path, files: list[tuple[str, list[EngineLine]]]) -> list[str]:
    """Which Docker versions would hit, a text for each pair of contexts."""
    from lab.explain.upstream import Upstream
    from lab.report.explanation import engines_text, exceptions_text

    parts = [f"{name}\n{engines_text(found, width())}" for name, found in files]
    return ["Both sides on one engine of a line, with the files of", *parts, exceptions_text(Upstream(boxes), width())]


def _files(
    chosen: list[Trial], subjects: dict[str, Subject], lines: dict[str, list[EngineLine]]
) -> list[tuple[str, list[EngineLine]]]:
    """Each pair of contexts once, named by its first trial and the number of its other trials."""
    groups: dict[tuple[str | None, str | None], list[str]] = {}
    for trial in chosen:
        made = subjects[trial.name].production
        groups.setdefault((made.context if made else None, trial.context), []).append(trial.name)
    return [
        (names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else ""), lines[names[0]])
        for names in groups.values()
    ]


def _all_hit(trial: Trial) -> bool:
    return bool(trial.build) and all(step.outcome.value == "hit" for step in trial.build.steps)  # type: ignore[union-attr]


def _chosen(run: Run, names: tuple[str, ...]) -> list[Trial]:
    from lab.errors import did_you_mean

    if not names:
        return list(run.trials)
    known = [trial.name for trial in run.trials]
    chosen: dict[str, Trial] = {}
    for name in names:
        found = {trial.name: trial for trial in run.trials if trial.name == name or trial.key.matches(name)}
        if not found:
            raise UsageError(
                f'cannot find the trial "{name}" in {run.name}{did_you_mean(name, known)}',
                hint=f"trials: {', '.join(known[:8])}{' ..' if len(known) > 8 else ''}",
            )
        chosen |= found
    return list(chosen.values())
