"""Verbs that say why: for the steps of a stored run, and for the files of two boxes."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from lab.cli.options import json_option, print_json
from lab.cli.terminal import as_called, echo, width
from lab.errors import DIFFERS, ContextError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.buildkit.contenthash.entry import Entry
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
    from lab.explain.subject import subject
    from lab.project import find

    evidence = evidence_of(name)
    run = evidence.run
    if not evidence.explanations:
        raise UsageError(
            f"cannot explain {run.name}: it has no records of files" if run.trials else f"{run.name} has no trial",
            hint="an older version of lab wrote this run; `python -m lab repro` makes a new one",
        )
    boxes = find().boxes
    book = Rulebook(boxes)
    chosen = _chosen(run, trials)
    subjects = {trial.name: subject(run, trial, book) for trial in chosen}
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
            "contradicted": contradictions(trial),
            "engines": [asdict(item) for item in lines.get(trial.name, ())],
        }
        for trial in chosen
    ]
    return {"schema": SCHEMA, "run": evidence.run.name, "trials": trials}


def _steps(evidence: Evidence, chosen: list[Trial], *, named: bool) -> list[str]:
    """A text for each trial; trials in which all steps hit share one, unless they were asked for by name."""
    from lab.report.explanation import explanation_text
    from lab.report.prediction import contradictions

    quiet = [trial for trial in chosen if not named and _all_hit(trial) and not contradictions(trial)]
    shown = [trial for trial in chosen if trial not in quiet]
    parts = [
        explanation_text(_as_called(evidence.explanations[trial.name]), contradictions(trial), width())
        for trial in shown
    ]
    if quiet:
        parts.append("all steps hit:\n" + "\n".join(f"  {trial.name}" for trial in quiet))
    return parts


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


@click.command(epilog="Example: python -m lab diff debian12-apparmor debian12-selinux --path bar")
@click.argument("first", metavar="BOX_A")
@click.argument("second", metavar="BOX_B")
@click.option(
    "--path", metavar="PATH", help="Show every field of this object and all below it, not only those that differ."
)
@click.option("--run", "name", metavar="RUN", help="A stored run; default: the newest.")
@click.option(
    "--variation", default="none", metavar="VARIATION", help="BOX_B's files as this variation of the run left them."
)
@click.option(
    "--now", is_flag=True, help="Write the scenario's context on both boxes, which must be up, and compare it there."
)
@click.option("--scenario", metavar="SCENARIO|PATH", help="With --now: the scenario; default: the lineup's.")
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
    """Show two boxes' files of one context side by side: a star marks what differs, and each row names the rule sets
    that hash the field.

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
                "cannot use --run or --variation with --now: they name parts of a stored run",
                hint="python -m lab diff --help",
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
    if path is None:  # no rule set hashes times, and no two contexts share them
        rows = [row for row in rows if row.field != "mtime"]
    elif not rows:
        raise UsageError(
            f"cannot find {path} in the context of {first} or {second}",
            hint="without --path, lab shows all fields that differ",
        )
    if as_json:
        print_json({"schema": SCHEMA, "boxes": [first, second], "fields": [asdict(row) for row in rows]})
    else:
        echo(sides_text((first, second), rows, len(rules), width()))
    sys.exit(DIFFERS if any(row.differs for row in rows) else 0)


def _listed_now(name: str, scenario: str | None) -> Sequence[Entry]:
    """The scenario's context, made on a box that is up by the commands of every run, listed, and removed."""
    import shlex
    from pathlib import PurePosixPath

    from lab.boxes.kinds.table import open_box
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
