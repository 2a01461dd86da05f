"""Verbs that say why: of a stored run's steps, and of two boxes' files."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from lab.cli.options import json_option, print_json
from lab.cli.runs import DIFFERS
from lab.errors import ContextError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.buildkit.contenthash.entry import Entry
    from lab.explain.engines import EngineLine
    from lab.explain.subject import Subject
    from lab.results.run import Run, Trial

SCHEMA = 1


@click.command(epilog="Example: python -m lab explain 20261124T014603Z-copy-bust --engines")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--trial", "trials", multiple=True, metavar="NAME", help="Only this trial (several allowed).")
@click.option("--engines", is_flag=True, help="Also say which Docker versions would hit with these files.")
@json_option
def explain(name: str | None, trials: tuple[str, ...], engines: bool, as_json: bool) -> None:
    """Say why each step of a stored run (by name, folder or bundle; default: the newest) hit or ran.

    Without --trial, trials in which every step hit are named in one line. Nothing but the run is needed: what a box's
    files were, and what the image's cache held, was kept in it.
    """
    from lab.buildkit.rulebook import Rulebook
    from lab.cli.reports import evidence_of
    from lab.explain.engines import engine_lines
    from lab.explain.subject import subject
    from lab.explain.upstream import Upstream
    from lab.project import find
    from lab.report.explanation import engines_text, exceptions_text, explanation_text
    from lab.report.prediction import contradictions

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
                        "contradicted": contradictions(trial),
                        "engines": [asdict(item) for item in lines.get(trial.name, ())],
                    }
                    for trial in chosen
                ],
            }
        )
        return
    quiet = [trial for trial in chosen if not trials and _all_hit(trial) and not contradictions(trial)]
    shown = [trial for trial in chosen if trial not in quiet]
    parts = [explanation_text(evidence.explanations[trial.name], contradictions(trial)) for trial in shown]
    if quiet:
        parts.append("all steps hit:\n" + "\n".join(f"  {trial.name}" for trial in quiet))
    if engines:
        parts.append("Both sides on one engine of a line, with the files of")
        parts += [f"{name}\n{engines_text(found)}" for name, found in _files(chosen, subjects, lines)]
        parts.append(exceptions_text(Upstream(boxes)))
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


@click.command(epilog="Example: python -m lab diff debian12-apparmor debian12-selinux --path bar")
@click.argument("first", metavar="BOX_A")
@click.argument("second", metavar="BOX_B")
@click.option("--path", metavar="P", help="Every field of this object and all below it, not only those that differ.")
@click.option("--run", "name", metavar="RUN", help="A stored run; default: the newest.")
@click.option(
    "--variation", default="none", metavar="NAME", help="BOX_B's files as this variation of the run left them."
)
@click.option("--now", is_flag=True, help="Make the scenario's context on both boxes, which are up, and compare that.")
@click.option("--scenario", metavar="NAME|PATH", help="With --now: whose context; default: the lineup's scenario.")
@json_option
def diff(
    first: str,
    second: str,
    path: str | None,
    name: str | None,
    variation: str,
    now: bool,
    scenario: str | None,
    as_json: bool,
) -> None:
    """Show two boxes' files of one context side by side: what differs is marked, with the rule sets that hash it.

    Exits with 4 if anything differs, hashed or not.
    """
    from lab.buildkit.rulebook import Rulebook
    from lab.explain.side_by_side import recorded, rules_of, side_by_side
    from lab.project import find
    from lab.report.explanation import sides_text

    book = Rulebook(find().boxes)
    rules = list(book.rule_sets.values())
    if now:
        if name or variation != "none":
            raise UsageError(
                "cannot use --run or --variation with --now: they are of a stored run", hint="lab diff --help"
            )
        one, other = (_listed_now(box, scenario) for box in (first, second))
    else:
        from lab.cli.reports import evidence_of

        if scenario:
            raise UsageError("cannot use --scenario without --now: a stored run has its own", hint="--run names one")
        run = evidence_of(name).run
        one, other = recorded(run, first).objects, recorded(run, second, variation).objects
        rules = rules_of(run, book)
    rows = side_by_side(one, other, rules, path)
    if path is None:  # times are hashed by none, and no two contexts share them
        rows = [row for row in rows if row.field != "mtime"]
    elif not rows:
        raise UsageError(
            f"cannot find {path} in the context of {first} or {second}", hint="without --path all that differs is shown"
        )
    if as_json:
        print_json({"schema": SCHEMA, "boxes": [first, second], "fields": [asdict(row) for row in rows]})
    else:
        click.echo(sides_text((first, second), rows, len(rules)))
    sys.exit(DIFFERS if any(row.differs for row in rows) else 0)


def _listed_now(name: str, scenario: str | None) -> Sequence[Entry]:
    """The scenario's context, made on a box that is up by the commands of every run, listed, and removed."""
    import shlex
    from pathlib import PurePosixPath

    from lab.boxes.kinds import open_box
    from lab.cli.options import one_box, workplace
    from lab.run.context_files import writing
    from lab.run.gather.door import gather
    from lab.run.scenarios import find, load_scenario

    place = workplace(None)
    folder = find(scenario or place.lineup.scenario, place.project.scenarios)
    loaded = load_scenario(folder, "scratch")
    box = open_box(one_box(place, name), place.project)
    try:
        home = box.check(["mktemp", "-d"], doing="make a folder for the context").text
        files = {"Dockerfile": (loaded.dockerfile.encode(), False), **loaded.context}
        try:
            for line in writing(files):
                box.check(["sh", "-c", line], doing="write the context", cwd=PurePosixPath(home))
            listing = gather(box, None, PurePosixPath(home))
        finally:
            box.run(["sh", "-c", f"rm -rf {shlex.quote(home)}"], timeout=60)
    finally:
        box.close()
    if listing.problem:
        raise ContextError(f"cannot list the context on {name}: {listing.problem}")
    return listing.entries
