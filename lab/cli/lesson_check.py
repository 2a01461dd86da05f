"""Verbs about the exercise of a lesson: check it, watch it, get a hint, the solution, or a new start."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.lesson_options import SCHEMA, lesson_argument, opened, show_markdown, to_option
from lab.cli.options import json_option, print_json
from lab.cli.terminal import as_called, paint, say
from lab.errors import Interrupted

if TYPE_CHECKING:
    from lab.lessons.checking import Checked
    from lab.lessons.desk import Desk

EVERY = 0.3  # seconds between two looks at the folder


@click.command(epilog="Example: python -m lab lesson check 1")
@lesson_argument
@to_option
@json_option
def check(word: str, to: Path | None, as_json: bool) -> None:
    """Check the exercise: lab rebuilds your folder on the lesson's engine and looks at what it finds.

    Exits with 0 if the exercise passes, with 1 and a hint if it does not yet, with 2 if there is nothing to check yet,
    with 3 if it passes with a warning.
    """
    with opened(word, to, "check") as desk:
        checked = desk.check()
    if as_json:
        print_json(document(desk, checked))
    else:
        show(desk, checked, first=True)
    sys.exit(checked.verdict)


@click.command(epilog="Example: python -m lab lesson watch 1")
@lesson_argument
@to_option
@click.option("--until-passed", is_flag=True, help="End as soon as the exercise passes.")
def watch(word: str, to: Path | None, until_passed: bool) -> None:
    """Check the exercise now and after each change of your folder, until Ctrl-C."""
    from lab.cli.lesson_options import desk_of
    from lab.lessons.folder import signature

    desk, shown = desk_of(word, to), None
    desk.need()
    say(f"watching {desk.student.exercise}; Ctrl-C ends", err=True)
    try:
        while True:
            found = signature(desk.student.exercise)
            if found == shown:
                threading.Event().wait(EVERY)  # an editor writes no event that every file system reports
                continue
            shown = found
            with desk.hold("lesson watch"):
                checked = desk.check()
            say(f"{datetime.now().astimezone():%H:%M:%S}", err=True)
            show(desk, checked, first=False)
            if until_passed and checked.passed:
                return
    except KeyboardInterrupt as stop:
        raise Interrupted.by(stop, hint="`python -m lab lesson stop` ends the engines of lessons") from None


@click.command(epilog="Example: python -m lab lesson hint 1")
@lesson_argument
@to_option
@json_option
def hint(word: str, to: Path | None, as_json: bool) -> None:
    """Print the next hint for the exercise; each is more concrete than the one before."""
    with opened(word, to, "hint") as desk:
        text, number = desk.hint()
    total = len(desk.lesson.file.exercise.hints)
    if as_json:
        print_json({"schema": SCHEMA, "lesson": desk.lesson.name, "number": number, "of": total, "hint": text})
        return
    show_markdown(f"Hint {number} of {total}: {text}")


@click.command(epilog="Example: python -m lab lesson solve 1")
@lesson_argument
@to_option
@json_option
def solve(word: str, to: Path | None, as_json: bool) -> None:
    """Write the solution into the exercise, check it, and explain it. Your own work is kept beside it."""
    with opened(word, to, "solve") as desk:
        checked = desk.solve()
    if as_json:
        print_json({**document(desk, checked), "solution": desk.lesson.text["Solution"]})
    else:
        show_markdown(f"## Solution\n\n{desk.lesson.text['Solution']}")
        show(desk, checked, first=False)
    sys.exit(checked.verdict)


@click.command(epilog="Example: python -m lab lesson reset 1")
@lesson_argument
@to_option
@json_option
def reset(word: str, to: Path | None, as_json: bool) -> None:
    """Put the exercise and its engine back to the start. Your own work is kept beside it, and your prediction stays."""
    with opened(word, to, "reset") as desk:
        desk.reset()
    if as_json:
        print_json({"schema": SCHEMA, "lesson": desk.lesson.name, "folder": str(desk.home)})
        return
    say(f"{desk.student.exercise} is as at the start\nnext: `{desk.command('start')}`")


def document(desk: Desk, checked: Checked) -> dict[str, Any]:
    """Return what a check found as JSON has it."""
    return {
        "schema": SCHEMA,
        "lesson": desk.lesson.name,
        "verdict": checked.verdict.name.lower().replace("_", " "),
        "condition": checked.condition or None,
        "found": checked.found or None,
        "hint": checked.hint or None,
    }


def show(desk: Desk, checked: Checked, *, first: bool) -> None:
    """Print the verdict, with its hint; of one that passes also how the lesson goes on."""
    from lab.lessons.checking import Verdict

    words = {
        Verdict.PASSED: ("passed", "green"),
        Verdict.WARNED: ("passed, with a warning", "yellow"),
        Verdict.NOT_YET: ("not yet", "yellow"),
        Verdict.NOTHING: ("nothing to check yet", "yellow"),
    }
    text, colour = words[checked.verdict]
    say(paint(text, colour, bold=True))
    if checked.hint:
        show_markdown(as_called(checked.hint))
    if checked.passed and first:
        show_markdown(f"## In your CI\n\n{desk.lesson.text['In your CI']}")
