"""Verbs of an author of lessons: write a new one, and check lessons before anybody uses them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from lab.cli.lesson_options import SCHEMA
from lab.cli.options import json_option, print_json
from lab.cli.terminal import say

WRONG = 3  # the exit code of a file that is wrong


@click.command(epilog="Example: python -m lab lesson new cache-mounts --into my-lessons")
@click.argument("slug", metavar="SLUG")
@click.option(
    "--into", type=click.Path(path_type=Path), metavar="DIR", help="Write NN-SLUG there; default: templates/lessons."
)
@json_option
def new(slug: str, into: Path | None, as_json: bool) -> None:
    """Write the folder of a new lesson with the next free number. It is complete: its text is what you replace."""
    from lab.lessons.new_lesson import write_lesson
    from lab.project import find

    project = find()
    place = into or project.lessons
    if into is None:
        project.check_own(place / slug)
    made = write_lesson(slug, place)
    if as_json:
        print_json({"schema": SCHEMA, "lesson": made.name, "folder": str(made.folder)})
        return
    say(
        f"written to {made.folder}\n"
        f"next: edit lesson.md and lesson.yaml, then `python -m lab lesson lint {shlex.quote(str(made.folder))}`"
    )


@click.command(epilog="Example: python -m lab lesson lint templates/lessons/01-layer-key")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]..")
@json_option
def lint(folders: tuple[Path, ...], as_json: bool) -> None:
    """Check lessons, by default all: what is missing, and what would act outside the lesson's folder and engine.

    Exits with 3 if one has a problem. Nothing of a lesson is run.
    """
    from lab.errors import ConfigError
    from lab.lessons.library import read_lesson
    from lab.lessons.limits import problems_of
    from lab.project import find

    project = find()
    places = folders or tuple(path.parent for path in sorted(project.lessons.glob("*/lesson.yaml")))
    found: dict[str, list[str]] = {}
    for place in places:
        try:
            found[str(place)] = problems_of(read_lesson(place.resolve()), project.scenarios)
        except ConfigError as error:
            found[str(place)] = [error.message]
    if as_json:
        print_json({"schema": SCHEMA, "lessons": [{"folder": key, "problems": value} for key, value in found.items()]})
    else:
        for name, problems in found.items():
            say(f"{name}: {'good' if not problems else ''}")
            for problem in problems:
                say(f"  - {problem}")
    sys.exit(WRONG if any(found.values()) else 0)
