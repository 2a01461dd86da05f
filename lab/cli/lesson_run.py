"""The verb that makes the run of a lesson, and shows it with the prediction and the reveal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.lesson_options import SCHEMA, desk_of, lesson_argument, show_markdown, to_option
from lab.cli.options import json_option, lineup_option, print_json, provider_option, verbose_option
from lab.cli.terminal import echo, paint, say, width
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.cli.screen import Follower
    from lab.lessons.desk import Desk
    from lab.lessons.lesson_file import Choice
    from lab.lessons.library import Lesson
    from lab.results.run import Run

LOCAL = "local"


@click.command(epilog="Example: python -m lab lesson run 1")
@lesson_argument
@to_option
@lineup_option
@provider_option
@click.option("--again", is_flag=True, help="Make the run again, although it was made.")
@click.option("--without-prediction", is_flag=True, help="Show the run although you have not predicted it.")
@click.option("--plain", is_flag=True, help="Print the text as Markdown.")
@json_option
@verbose_option
def run(
    word: str,
    to: Path | None,
    lineup: str | None,
    provider: str,
    again: bool,
    without_prediction: bool,
    plain: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Make the run of a lesson, and compare it with your prediction.

    Without --lineup, the run is made on engines of this machine. It is stored under results/ as every run is.
    """
    desk = desk_of(word, to)
    progress = desk.need()
    if progress.prediction is None and not without_prediction:
        raise UsageError(
            "cannot show the run: you have not predicted it",
            hint=f"{desk.command('predict')}, or --without-prediction",
        )
    folder = Path(progress.run) if progress.run and not again and Path(progress.run, "run.json").is_file() else None
    folder, made = _kept(folder) if folder else make_run(desk.lesson, lineup, provider, verbose=verbose)
    with desk.hold("lesson run"):
        right = desk.ran(made, folder)
    if as_json:
        print_json(
            {
                "schema": SCHEMA,
                "lesson": desk.lesson.name,
                "run": str(folder),
                "prediction": progress.prediction,
                "right": right.name,
            }
        )
        return
    _show(desk, made, folder, progress.prediction, right, plain=plain)


def _kept(folder: Path) -> tuple[Path, Run]:
    from lab.results.run import load

    return folder, load(folder)


def make_run(
    lesson: Lesson, lineup: str | None, provider: str, *, verbose: bool, follower: Follower | None = None
) -> tuple[Path, Run]:
    """Make the run of a lesson on the boxes of a lineup, by default on this machine; a follower gets each event."""
    from lab.cli.conduct import boxes_for, conducting
    from lab.cli.options import builders_named, caches_named, engines_named, workplace
    from lab.lessons.limits import check_lesson
    from lab.run.wish import Wish

    place = workplace(lineup or LOCAL)
    check_lesson(lesson, place.project.scenarios)
    asked = lesson.file.run
    used, producing = engines_named(place, asked.engines), engines_named(place, asked.producer_engines)
    wish = Wish(
        place.lineup.name,
        lesson.scenario(place.project.scenarios),
        variations=asked.variations,
        consumer_engines=used,
        producer_engines=producing,
        builders=builders_named(asked.builders),
        caches=caches_named(asked.caches),
    )
    specs = boxes_for(place, (), (), used, producing, allow_prune=False, builders=wish.builders, caches=wish.caches)
    with conducting(place, specs, provider, "lesson run", verbose=verbose) as conductor:
        conductor.screen.follower = follower
        return conductor.run(wish, used, producing)


def _show(desk: Desk, made: Run, folder: Path, prediction: str | None, right: Choice, *, plain: bool) -> None:
    from lab.cli.screen import coloured
    from lab.report.table import table

    text = desk.lesson.text
    show_markdown(f"## Run\n\n{text['Run']}", plain=plain)
    echo(f"\n{coloured(table(made, width()))}\n")
    say(f"The run is stored in {folder}; `python -m lab explain {folder.name}` explains each step.\n")
    choices = {choice.name: choice for choice in desk.lesson.file.prediction.choices}
    if prediction in choices:
        hit = prediction == right.name
        say(f"Your prediction: {choices[prediction].text}")
        say(paint("The run shows the same." if hit else f"The run shows: {right.text}", "green" if hit else "yellow"))
    else:
        say(f"The run shows: {right.text}")
    rest = "\n\n".join(f"## {name}\n\n{text[name]}" for name in ("Reveal", "Why", "Next question"))
    show_markdown(f"\n{rest}", plain=plain)
    say(f"\nnext: edit {desk.student.exercise}, then `{desk.command('check')}`")
