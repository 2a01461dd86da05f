"""The verb of a teacher that checks the folders of a class."""

from __future__ import annotations

from pathlib import Path

import click

from lab.cli.lesson_options import SCHEMA, library
from lab.cli.options import json_option, print_json


@click.command(epilog="Example: python -m lab lesson grade class/* > grades.csv")
@click.argument("places", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="FOLDER..")
@click.option("--no-check", is_flag=True, help="Print what the students' files state, without a new check.")
@json_option
def grade(places: tuple[Path, ...], no_check: bool, as_json: bool) -> None:
    """Check the students' folders at or below FOLDER.. again, and print one line of CSV for each.

    A folder is named as it is called, and no other name is stored. The check uses engines that end with this verb, so
    images that only the student's own engine has are "nothing to check yet".
    """
    from lab.cli.cleanup import guarded
    from lab.cli.screen import screen
    from lab.engines.pins import PINS
    from lab.lessons.grading import COLUMNS, Grader, folders_in, row, spreadsheet
    from lab.machines.catalog import Catalog
    from lab.machines.fleet import Fleet
    from lab.model import Progress
    from lab.project import find

    project, found, grades = find(), list(folders_in(places)), []
    catalog = Catalog(project.boxes, project.cache / PINS)
    with screen(False) as shown, guarded(project, shown.tell):
        grader = Grader(library(project), Fleet(project, catalog, shown.tell))
        try:
            for number, folder in enumerate(found, 1):
                shown.tell(Progress("grading", f"{number} of {len(found)}: {folder}"))
                grades.append(grader.grade(folder, check_again=not no_check))
            shown.tell(Progress("grading", f"{len(found)} folders", done=True))
        finally:
            grader.close()
    if as_json:
        rows = [dict(zip(COLUMNS, row(item), strict=True)) for item in grades]
        print_json({"schema": SCHEMA, "grades": rows})
        return
    click.echo(spreadsheet(grades), nl=False)
