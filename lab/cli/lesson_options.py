"""What the verbs about lessons share: the lesson and the student's folder that their arguments name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lab.cli.terminal import echo, say, width
from lab.errors import Interrupted

if TYPE_CHECKING:
    from lab.lessons.desk import Desk
    from lab.lessons.library import Lesson

F = TypeVar("F", bound=Callable[..., Any])
SCHEMA = 1
AFTER = "`python -m lab lesson stop` ends the engines of lessons"

lesson_argument = click.argument("word", metavar="LESSON")
to_option = click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The student's folder; default: ./lessons/NN-SLUG.",
)


def lesson_of(word: str) -> Lesson:
    """The lesson that a word names."""
    from lab.lessons.library import find_lesson
    from lab.project import find

    return find_lesson(word, find().lessons)


def desk_of(word: str, to: Path | None, tell: Callable[..., None] = lambda event: None) -> Desk:
    """The student's folder of a lesson, with what works on it."""
    from lab.lessons.desk import Desk, home_of
    from lab.lessons.library import find_lesson
    from lab.project import find

    project = find()
    lesson = find_lesson(word, project.lessons)
    return Desk(lesson, home_of(lesson, to), project, tell)


@contextmanager
def opened(word: str, to: Path | None, verb: str, *, verbose: bool = False) -> Iterator[Desk]:
    """The student's folder, held for this process, with progress on standard error."""
    from lab.cli.screen import screen

    with screen(verbose) as shown:
        desk = desk_of(word, to, shown.tell)
        try:
            with desk.hold(f"lesson {verb}"):
                yield desk
        except KeyboardInterrupt as stop:
            raise Interrupted.by(stop, hint=AFTER) from None


def show_markdown(text: str, *, plain: bool = False) -> None:
    """Print Markdown: as it is with `plain`, else laid out for a terminal."""
    from lab.report import printable

    text = printable.lines(text)
    if plain:
        say(text)
        return
    import io
    import sys

    from rich.console import Console
    from rich.markdown import Markdown

    from lab.cli.terminal import coloured_stream

    out = io.StringIO()
    console = Console(
        file=out,
        width=width(),
        force_terminal=coloured_stream(sys.stdout),
        no_color=not coloured_stream(sys.stdout),
        legacy_windows=False,
    )
    console.print(Markdown(text, hyperlinks=False))
    echo("\n".join(line.rstrip() for line in out.getvalue().splitlines()))
