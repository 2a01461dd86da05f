"""The verb by which a student hands a lesson in, and that by which a teacher checks the folders of a class."""

from __future__ import annotations

from pathlib import Path

import click

from lab.cli.lesson_options import SCHEMA, lesson_argument, opened, to_option
from lab.cli.options import json_option, print_json
from lab.cli.terminal import remark, say

MOST = 10  # names in one line


@click.command("hand-in", epilog="Example: python -m lab lesson hand-in 1 --output ada.tgz")
@lesson_argument
@to_option
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The archive; default: NN-SLUG.tgz in this folder.",
)
@json_option
def hand_in(word: str, to: Path | None, output: Path | None, as_json: bool) -> None:
    """Write your folder of a lesson as one archive for `python -m lab lesson grade`.

    It has the exercise, the logs beside it, and your progress. It has no name but that of the file.
    """
    from lab.lessons.hand_in import hand_in as write_archive

    with opened(word, to, "hand-in") as desk:
        desk.need()
        target = output or Path(f"{desk.lesson.name}.tgz")
        write_archive(desk.student, target)
    if as_json:
        print_json({"schema": SCHEMA, "lesson": desk.lesson.name, "file": str(target)})
        return
    say(f"written to {target}, {target.stat().st_size} bytes")


@click.command(epilog="Example: python -m lab lesson grade class/* > grades.csv")
@click.argument("places", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="PLACE..")
@click.option("--no-check", is_flag=True, help="Print what the students' files state, without a new check.")
@json_option
def grade(places: tuple[Path, ...], no_check: bool, as_json: bool) -> None:
    """Check the students' folders and archives at or below PLACE.. again, and print one line of CSV for each.

    An archive is what `python -m lab lesson hand-in` wrote. A row has the path of the folder or the archive, and no
    other name. The check uses engines that end with this verb, so images that only the student's own engine has are
    "nothing to check yet".
    """
    from lab.cli.cleanup import guarded
    from lab.cli.screen import screen
    from lab.lessons.grading import COLUMNS, ENDING, Grader, left_out, places_in, row, spreadsheet
    from lab.model import Progress
    from lab.project import find

    project, found, grades = find(), list(places_in(places)), []
    with screen(False) as shown, guarded(project, shown.tell):
        grader = Grader(project.lessons, project, shown.tell)
        try:
            for number, place in enumerate(found, 1):
                shown.tell(Progress("grading", f"{number} of {len(found)}: {place}"))
                grades.append(grader.grade(place, check_again=not no_check))
            shown.tell(Progress("grading", f"{len(found)} folders or archives", done=True))
        finally:
            grader.close()
    if others := [str(path) for path in left_out(places)]:
        more = f" and {len(others) - MOST} more" if len(others) > MOST else ""
        why = f"it is neither an archive of a student nor a folder with a lesson.json; {ENDING}"
        remark(f"lab: no row for {', '.join(others[:MOST])}{more}: {why}", "yellow")
    if as_json:
        rows = [dict(zip(COLUMNS, row(item), strict=True)) for item in grades]
        print_json({"schema": SCHEMA, "grades": rows})
        return
    click.echo(spreadsheet(grades), nl=False)
