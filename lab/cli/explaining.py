"""Verbs that say why: of a stored run's steps, and of two boxes' files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from lab.cli.options import json_option, print_json
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.explain.engines import EngineLine
    from lab.explain.subject import Subject
    from lab.results import Run, Trial

SCHEMA = 1


@click.command(epilog="Example: python -m lab explain --trial 'local>local:20.10.24/copy-bust:user-xattr' --engines")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--trial", "trials", multiple=True, metavar="NAME", help="Only this trial (several allowed).")
@click.option("--engines", is_flag=True, help="Also say which Docker versions would hit with these files.")
@json_option
def explain(name: str | None, trials: tuple[str, ...], engines: bool, as_json: bool) -> None:
    """Say why each step of a stored run (by name, folder or bundle; default: the newest) hit or ran.

    Without --trial, trials in which every step hit are named in one line. Nothing but the run is needed: what a box's
    files were, and what the image's cache held, was kept in it.
    """
    from lab.cli.reports import evidence_of
    from lab.explain.engines import engine_lines
    from lab.explain.subject import subject
    from lab.project import find
    from lab.report.explained import told, told_engines, told_exceptions
    from lab.rulebook import Rulebook
    from lab.upstream import Upstream

    evidence = evidence_of(name)
    run = evidence.run
    if not evidence.explanations:
        raise UsageError(
            f"cannot explain {run.name}: it keeps no records of files" if run.trials else f"{run.name} has no trial",
            hint="a lab of before wrote it; `python -m lab repro` makes a new one",
        )
    boxes = find().boxes
    book = Rulebook(boxes)
    chosen = _chosen(run, trials)
    subjects = {trial.name: subject(run, trial, book) for trial in chosen}
    lines = {item.name: engine_lines(subjects[item.name]) for item in chosen} if engines else {}
    if as_json:
        print_json(
            {
                "schema": SCHEMA,
                "run": run.name,
                "trials": [
                    {
                        **asdict(evidence.explanations[trial.name]),
                        "predicted": trial.predicted,
                        "engines": [asdict(item) for item in lines.get(trial.name, ())],
                    }
                    for trial in chosen
                ],
            }
        )
        return
    quiet = [trial for trial in chosen if not trials and _all_hit(trial)]
    parts = [told(evidence.explanations[trial.name]) for trial in chosen if trial not in quiet]
    if quiet:
        parts.append("all steps hit:\n" + "\n".join(f"  {trial.name}" for trial in quiet))
    if engines:
        parts.append("Both sides on one engine of a line, with the files of")
        parts += [f"{name}\n{told_engines(found)}" for name, found in _files(chosen, subjects, lines)]
        parts.append(told_exceptions(Upstream(boxes)))
    click.echo("\n\n".join(part for part in parts if part))


def _files(
    chosen: list[Trial], subjects: dict[str, Subject], lines: dict[str, list[EngineLine]]
) -> list[tuple[str, list[EngineLine]]]:
    """Each pair of contexts once, by the first trial of it, with the number of others."""
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
    from lab.yamlfile import did_you_mean

    known = {trial.name: trial for trial in run.trials}
    for name in names:
        if name not in known:
            raise UsageError(
                f'cannot find the trial "{name}" in {run.name}{did_you_mean(name, list(known))}',
                hint=f"trials: {', '.join(list(known)[:8])}{' ..' if len(known) > 8 else ''}",
            )
    return [known[name] for name in dict.fromkeys(names)] if names else list(run.trials)
