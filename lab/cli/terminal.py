"""What the caller's terminal shows: whether text is coloured, how wide it is, and by which name lab was called."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import click

AUTO, ALWAYS, NEVER = "auto", "always", "never"
NARROWEST, WIDEST = 60, 100  # columns
CANONICAL = "python -m lab"  # how all text in the code names the program; `as_called` replaces it
OUTCOME_COLOURS = {
    "hit": "green",
    "ran": "red",
    "wrong-hit": "magenta",
    "error": "red",
    "unknown": "yellow",
    "missed": "red",
    "broken": "red",
}
STYLE = re.compile(r"(\x1b\[(?!(?:\d*;)*8[;m])[\d;]*m)")  # colours and weights; 8 would hide the text
SPAN = re.compile(r"`[^`\n]*`")  # a command in a message, which a reader copies whole
# What the runner of GitHub Actions, Azure Pipelines or TeamCity takes for a command: at the start of a line, or within
# one. See ActionCommand.cs of actions/runner.
COMMAND = re.compile(r"(?m)^((?:[^\S\n]|\x1b\[[\d;]*m)*):(?=:[A-Za-z])|()#(?=#\w*\[)")
NAMED = re.compile(rf"(?<![\w/]){CANONICAL}(?!\w)")


class _Asked:
    """What `--color` was given for this process; an option of the command line holds for the whole program."""

    colour = AUTO


def ask_colour(choice: str) -> None:
    """Let the program follow `--color`: auto, always or never."""
    _Asked.colour = choice


def forced_colour(environ: Mapping[str, str] = os.environ) -> bool | None:
    """Whether colour is forced on or off for every stream; None if each stream decides by what it is.

    The first of these that is set decides: --color, NO_COLOR (https://no-color.org), FORCE_COLOR and CLICOLOR_FORCE
    (https://force-color.org; 0 does not count), TERM=dumb.
    """
    if _Asked.colour != AUTO:
        return _Asked.colour == ALWAYS
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return False if environ.get("TERM") == "dumb" else None


def coloured_stream(stream: IO[Any]) -> bool:
    """Whether text on this stream is coloured: the one decision for all that lab prints."""
    forced = forced_colour()
    return stream.isatty() if forced is None else forced


def rewritable(stream: IO[Any]) -> bool:
    """Whether lines of this stream can be drawn again: it is a terminal that moves its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str, *, err: bool = False, bold: bool = False) -> str:
    """The text in a colour, if standard output (or with `err` standard error) is coloured."""
    stream = sys.stderr if err else sys.stdout
    return click.style(text, fg=colour, bold=bold or None) if coloured_stream(stream) else text


def echo(text: str, *, err: bool = False, nl: bool = True, document: bool = False) -> None:
    """Print text; its colours are kept if the stream is coloured.

    Nothing else in it can command a terminal, and no line of it is a command of a CI system that reads the log. A
    `document` is text for programs, such as CSV, in which the latter may not be spelled out.
    """
    coloured = coloured_stream(sys.stderr if err else sys.stdout)
    shown = harmless(text) if coloured else click.unstyle(harmless(text))
    click.echo(shown if document else _no_command(shown), err=err, nl=nl, color=coloured)


def _no_command(text: str) -> str:
    """The text with the first character of each command of a CI system spelled out."""
    if "::" not in text and "##" not in text:  # most texts
        return text
    return COMMAND.sub(lambda found: rf"{found[1]}\x3a" if found[0].endswith(":") else r"\x23", text)


def harmless(text: str) -> str:
    """The text with its colours and lines; any other code for a terminal is removed or spelled out.

    Names and outputs come from scenarios, boxes and logs of strangers. A code in them could hide text, write to the
    clipboard or answer in the user's name.
    """
    if text.replace("\n", "").isprintable():
        return text
    from lab.report import printable  # late: few texts need it

    parts = STYLE.split(text)
    return "".join(part if number % 2 else printable.lines(part) for number, part in enumerate(parts))


def say(text: str, *, err: bool = False, wrap: bool = False) -> None:
    """Print lab's own words: a command in them names the program as it was called.

    With `wrap`, lines are as wide as the terminal, as those of `remark` are.
    """
    stream = sys.stderr if err else sys.stdout
    fits = wrap and (stream.isatty() or "COLUMNS" in os.environ)
    echo("\n".join(map(_wrapped, text.split("\n"))) if fits else as_called(text), err=err)


def remark(text: str | Sequence[str], colour: str | None = None, *, bold: bool = False) -> None:
    """Print lab's own words on standard error: an error, a hint, a note; or a sequence of lines.

    A line end in one of them is spelled out: it comes from a text of others, which begins no line. A command
    names the program as it was called. On a terminal, lines are as wide as that; a command in
    backquotes, and a line or a hint that is nothing but a command, stays in one line so that it can be copied. In a
    file or a pipe each message is one line, so that it can be searched for, unless COLUMNS states a width.
    """
    wrap = sys.stderr.isatty() or "COLUMNS" in os.environ
    lines = map(_one_line, [text] if isinstance(text, str) else text)
    whole = "\n".join(map(_wrapped if wrap else as_called, lines))
    echo(paint(whole, colour, err=True, bold=bold) if colour else whole, err=True)


def _one_line(text: str) -> str:
    return re.sub(r"\r?\n", r"\\n", text)


def _wrapped(line: str) -> str:
    called = as_called(line)
    if "`" not in line and line.removeprefix("hint: ").lstrip().startswith(CANONICAL):
        return called
    joined = SPAN.sub(lambda found: found[0].replace(" ", "\0"), called)
    lines = textwrap.wrap(joined, width(), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\0", " ")


def width() -> int:
    """How many columns text and tables take: COLUMNS, else the terminal's size, at least 60 and at most 100.

    Where there is neither (standard output is a file), it is 100.
    """
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size((WIDEST, 24)).columns))


def as_called(text: str) -> str:
    """The text with every `python -m lab` replaced by the words that started this process; for lab's own words only."""
    called = program()
    return NAMED.sub(lambda _: called, text)


def program() -> str:
    """The words that start this program again, quoted for a shell, as in `lab` or `.venv/bin/python -m lab`."""
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    if main is not None and main.name in ("lab", "lab.__main__"):
        return f"{_word(sys.orig_argv[0])} -m lab"
    name = Path(sys.argv[0])
    return _word(str(name)) if name.stem == "lab" else "lab"


def program_elsewhere() -> str:
    """The words that start this program in another folder too: with the whole path of what is found from this one."""
    words = program()
    first, *more = shlex.split(words)
    if os.sep in first:
        words = shlex.join([str(Path(first).absolute()), *more])  # links stay: an environment's names its packages
    home = Path(__file__).absolute().parents[2]
    given = [Path(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    # `-m` puts the current folder first
    alone = bool(more) and home == Path.cwd() and home not in map(Path, sys.path[1:])
    if not alone and all(path.is_absolute() for path in given):
        return words
    paths = os.pathsep.join(dict.fromkeys(map(str, [home, *(path.absolute() for path in given)])))
    return f"PYTHONPATH={shlex.quote(paths)} {words}"


def _word(path: str) -> str:
    """The path of a program, or its name alone if a shell finds the same file by that."""
    name = Path(path).name
    found = shutil.which(name)
    return shlex.quote(name if (found and Path(found).absolute() == Path(path).absolute()) or path == name else path)
