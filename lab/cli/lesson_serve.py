"""The verb that shows a lesson to a room: a page for the projector, and a page for each student who joins."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from lab.cli.lesson_options import SCHEMA, lesson_argument, lesson_of
from lab.cli.listening import listen_options
from lab.cli.options import json_option, lineup_option, print_json, provider_option, verbose_option
from lab.cli.terminal import say
from lab.errors import Interrupted, LabError, ReadError
from lab.machines.listening import LOOPBACK, open_socket

if TYPE_CHECKING:
    from lab.lessons.library import Lesson
    from lab.lessons.room.room import Room
    from lab.lessons.room.serving import Served
    from lab.results.run import Run

PORT = 8766
FAILED = "The run was not made. The teacher's terminal says why."
DONE = {
    "open": "the question is open; Enter starts the run",
    "start": "the run starts",
    "reveal": "the reveal is shown; Ctrl-C ends the lesson",
}
Make = Callable[["Room"], "Run"]  # makes a run, and gives its events to the room


@click.command(epilog="Example: python -m lab lesson serve 1 --listen 192.168.1.20")
@lesson_argument
@listen_options(PORT)
@click.option("--stored", metavar="RUN", help="Show this stored run of the lesson, and make none.")
@lineup_option
@provider_option
@json_option
@verbose_option
def serve(
    word: str,
    listen: str,
    port: int,
    stored: str | None,
    lineup: str | None,
    provider: str,
    as_json: bool,
    verbose: bool,
) -> None:
    """Show a lesson to a room, until Ctrl-C: predictions, the run as it is made, and the reveal.

    Students join with the code on the projector and predict on their phones. No name is asked, and nothing about them
    is stored. The teacher's address has the buttons; Enter in this terminal does the next step, too.
    """
    from lab.lessons.room.pages import TEMPLATES, Pages
    from lab.lessons.room.room import Room
    from lab.lessons.room.serving import serving
    from lab.project import find

    lesson = lesson_of(word)
    make = _replaying(lesson, stored) if stored else _making(lesson, lineup, provider, verbose=verbose)
    pages = Pages(lesson, find().texts(TEMPLATES))
    room = Room(tuple(choice.name for choice in lesson.file.prediction.choices))
    with (
        open_socket(listen, port) as listening,
        _wake(room) as woken,
        serving(listening, listen, room, pages) as served,
    ):
        _print(served, listen, as_json=as_json)
        with suppress(KeyboardInterrupt):  # that is how it ends
            _teach(lesson, room, make, woken)


def _print(served: Served, listen: str, *, as_json: bool) -> None:
    doors = served.site.doors
    if as_json:
        print_json({"schema": SCHEMA, "urls": list(served.urls), "code": doors.shown_code, "teacher": served.teacher})
        sys.stdout.flush()
    else:
        say(f"teacher:  {served.teacher}\nstudents: {'  '.join(served.urls)}  code {doors.shown_code}")
    if listen == LOOPBACK:
        say("Only this machine can connect; with --listen ADDRESS students of the room can join.", err=True)
    say("Keep the teacher's address to yourself: it starts the run. Ctrl-C ends the lesson.", err=True)
    if sys.stdin.isatty():
        say("Enter does the next step: the question, the run, the reveal.", err=True)


def _making(lesson: Lesson, lineup: str | None, provider: str, *, verbose: bool) -> Make:
    """The run as `lab lesson run` makes it."""
    from lab.cli.lesson_run import make_run
    from lab.model import Progress, RunEvent

    def make(room: Room) -> Run:
        def follow(event: Progress | RunEvent) -> None:
            if isinstance(event, Progress):
                room.report(f"{event.who}: {event.what}".splitlines()[0][:200])
            else:
                room.take(event)

        folder, run = make_run(lesson, lineup, provider, verbose=verbose, follower=follow)
        say(f"the run is stored in {folder}", err=True)
        return run

    return make


def _replaying(lesson: Lesson, stored: str) -> Make:
    """A run that is stored; ReadError at once if it makes not exactly one choice right."""
    from lab.cli.reports import run_paths
    from lab.lessons.answer import right_choice
    from lab.lessons.room.stored import replay
    from lab.project import find
    from lab.results.run import load

    run = load(run_paths(find(), stored)[0])
    right_choice(lesson.file.prediction, run)

    def make(room: Room) -> Run:
        replay(run, room.take)
        return run

    return make


def _teach(lesson: Lesson, room: Room, make: Make, woken: int) -> None:
    """Do what the teacher asks, on the page or with Enter, until Ctrl-C. One run is made at a time, in this thread."""
    from lab.lessons.room.room import Stage

    watched = [woken, *([sys.stdin.fileno()] if sys.stdin.isatty() else [])]
    while True:
        ready, _, _ = select.select(watched, [], [])
        for number in ready:
            if not _read(number):
                watched.remove(number)
            elif number != woken and (action := room.advance()):
                say(DONE[action], err=True)
        if room.stage is Stage.RUN:
            _run(lesson, room, make)


def _read(number: int) -> bytes:
    """What can be read; nothing if the terminal is gone."""
    try:
        return os.read(number, 4096)
    except OSError:
        return b""


def _run(lesson: Lesson, room: Room, make: Make) -> None:
    """Make the run and say which choice is right. If it cannot be made, the room can start it again."""
    from lab.cli.main import show
    from lab.lessons.answer import right_choice

    try:
        run = make(room)
    except Interrupted:
        raise
    except LabError as error:
        show(error)
        _forget_keys()
        room.fail(FAILED)
        return
    _forget_keys()  # before the room shows that the run has ended, after which an Enter counts
    try:
        room.finish(right_choice(lesson.file.prediction, run).name)
    except ReadError as error:
        show(error)
        room.finish(None, "The run makes not exactly one answer right. The teacher's terminal says why.")
    say("the run is made; Enter or the button shows the reveal", err=True)


def _forget_keys() -> None:
    """Forget what was typed while the run was made: an Enter of that time must not show the reveal."""
    if sys.stdin.isatty():
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


@contextmanager
def _wake(room: Room) -> Iterator[int]:
    """A file descriptor that can be read after each change of the room."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def wake() -> None:
        with suppress(OSError):  # full: it can be read already; closed: the lesson ends
            os.write(writing, b"x")

    room.listen(wake)
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)
