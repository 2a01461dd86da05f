"""Verbs about lessons: list them, start one, keep a prediction, end the engines."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.columns import columns
from lab.cli.lesson_check import check, hint, reset, solve, watch
from lab.cli.lesson_grade import grade, hand_in
from lab.cli.lesson_new import lint, new
from lab.cli.lesson_options import SCHEMA, desk_of, lesson_argument, opened, show_markdown, to_option
from lab.cli.lesson_run import run
from lab.cli.lesson_serve import serve
from lab.cli.options import json_option, print_json
from lab.cli.terminal import echo, remark, say
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.lessons.library import BrokenLesson, Lesson


LOCAL = "local"  # the box that is this machine


@click.group(invoke_without_command=True, epilog="Example: python -m lab lesson start 1")
@json_option
@click.pass_context
def lesson(context: click.Context, as_json: bool) -> None:
    """List the lessons with your progress: each has a prediction, a real run, and an exercise with a check.

    Your progress is that of the folders ./lessons/NN-SLUG.
    """
    if context.invoked_subcommand:
        return
    from lab.lessons.library import TRACKS, usable_lessons
    from lab.project import find

    found, broken = usable_lessons(find().lessons)
    stages, damaged = _stages(found)
    if as_json:
        problems = [{"name": item.name, "problem": item.error.message} for item in (*broken, *damaged)]
        documents = [_document(item, stages[item.name]) for item in found]
        print_json({"schema": SCHEMA, "lessons": documents, "broken": problems})
        return
    for track, title in TRACKS.items():
        rows = [
            [item.number, item.file.title, f"{item.file.minutes} min", stages[item.name]]
            for item in found
            if item.file.track == track
        ]
        if rows:
            echo(f"{title}\n{columns(rows, ['', 'lesson', 'time', 'progress'])}\n")
    for item in broken:
        remark(f"{item.name} cannot be used: {item.error.message}", "yellow")
    for item in damaged:
        remark(f"the progress in {item.name} is not known: {item.error.message}", "yellow")
        if item.error.hint:
            remark(f"hint: {item.error.hint}")
    say("`python -m lab lesson start 1` starts a lesson")


@lesson.command(epilog="Example: python -m lab lesson start 1 --html lesson.html")
@lesson_argument
@to_option
@click.option(
    "--box", metavar="BOX", help="Use an engine on this box, which is started if need be; default: this machine."
)
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write the text as a page, too.")
@click.option("--plain", is_flag=True, help="Print the text as Markdown.")
@json_option
def start(word: str, to: Path | None, box: str | None, page: Path | None, plain: bool, as_json: bool) -> None:
    """Copy the exercise of a lesson into a folder, start its engine, and show the text.

    A lesson that was started keeps its files and its progress. Its engine runs until `python -m lab lesson stop`. With
    --box, the engine is that of a box: the folder is on this machine, and its program `docker` calls the engine by ssh.
    """
    from lab import files
    from lab.lessons.page import before_run, page_of

    with opened(word, to, "start") as desk:
        progress = desk.start(None if box == LOCAL else box)
    text = before_run(desk.lesson)
    if page:
        files.write(page, page_of(desk.lesson, text))
    if as_json:
        print_json(
            {
                "schema": SCHEMA,
                **_document(desk.lesson, progress.stage),
                "folder": str(desk.home),
                "exercise": str(desk.student.exercise),
                "engines": progress.engines,
                "box": progress.box,
                "text": text,
            }
        )
        return
    show_markdown(text, plain=plain)
    build = shlex.join([str(desk.student.client), "build", str(desk.student.exercise)])
    say(f"\nYour folder is {desk.home}. Edit what is in {desk.student.exercise}.", wrap=True)
    say(f"`{build}` builds it on the lesson's engine.", wrap=True)
    say(f"next: `{desk.command('predict')}`")


@lesson.command(epilog="Example: python -m lab lesson predict 1 all-steps")
@lesson_argument
@click.argument("choice", required=False, metavar="[CHOICE]")
@to_option
@json_option
def predict(word: str, choice: str | None, to: Path | None, as_json: bool) -> None:
    """Keep your prediction: a choice by its name or number; without one, lab asks.

    A prediction can be changed until the run was shown.
    """
    import sys

    from lab.lessons.page import question_of

    desk = desk_of(word, to)
    desk.need()
    if choice is None:
        if not sys.stdin.isatty():
            names = ", ".join(item.name for item in desk.lesson.file.prediction.choices)
            raise UsageError("cannot ask for the prediction: standard input is no terminal", hint=f"choices: {names}")
        show_markdown(question_of(desk.lesson))
        choice = click.prompt("Your prediction (name or number)", err=True)
    with desk.hold("lesson predict"):
        chosen = desk.predict(str(choice).strip())
    if as_json:
        print_json({"schema": SCHEMA, "lesson": desk.lesson.name, "prediction": chosen.name})
        return
    say(f"kept: {chosen.name}: {chosen.text}\nnext: `{desk.command('run')}`")


@lesson.command(epilog="Example: python -m lab lesson stop")
@click.argument("word", required=False, metavar="[LESSON]")
@to_option
@json_option
def stop(word: str | None, to: Path | None, as_json: bool) -> None:
    """End the engines of a lesson, or without a lesson those of all folders of this checkout. The files stay."""
    if word is None:
        ended = _stop_all()
    else:
        with opened(word, to, "stop") as desk:
            ended = desk.stop()
    if as_json:
        print_json({"schema": SCHEMA, "stopped": ended})
        return
    say(f"stopped: {', '.join(ended)}" if ended else "no engine of a lesson runs")


def _stop_all() -> list[str]:
    from lab.boxes.local import LocalBox
    from lab.cli.screen import screen
    from lab.engines import host
    from lab.lessons.engines import all_instances
    from lab.model import Progress
    from lab.project import find

    state = find().state
    names = [name for name, _ in all_instances(state)]
    with screen(False) as shown:
        for name in names:
            shown.tell(Progress(f"engine {name}", "removing from this machine"))
            host.stop(LocalBox("this machine"), name, state)
    return names


def _stages(lessons: Sequence[Lesson]) -> tuple[dict[str, str], list[BrokenLesson]]:
    """The progress in each lesson by its name, and the lessons of which a damaged file has it."""
    from lab.errors import ConfigError
    from lab.lessons.desk import home_of
    from lab.lessons.library import BrokenLesson
    from lab.lessons.progress import load

    stages, damaged = {}, []
    for item in lessons:
        try:
            found = load(home_of(item, None), f"python -m lab lesson start {item.number}")
        except ConfigError as error:
            stages[item.name] = "damaged"
            damaged.append(BrokenLesson(item.name, error))
            continue
        stages[item.name] = found.stage if found and found.lesson == item.name else "not started"
    return stages, damaged


def _document(item: Lesson, stage: str) -> dict[str, Any]:
    return {
        "name": item.name,
        "title": item.file.title,
        "track": item.file.track,
        "minutes": item.file.minutes,
        "progress": stage,
        "choices": [choice.name for choice in item.file.prediction.choices],
    }


for command in (run, serve, check, watch, hint, solve, reset, hand_in, grade, new, lint):
    lesson.add_command(command)
