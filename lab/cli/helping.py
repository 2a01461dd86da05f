"""How a verb's help looks, and the options that every verb takes."""

from __future__ import annotations

import re
from typing import Any

import click

from lab.cli.mistakes import ask_traceback
from lab.cli.terminal import ALWAYS, AUTO, NEVER, as_called, ask_colour, forced_colour
from lab.cli.values import complete_values, refuse_empty

EXAMPLE = "Example: "
VARIABLE = "_LAB_COMPLETE"  # with it in its environment the program answers a shell instead of running


class Help(click.HelpFormatter):
    """Help text that names the program as it was called; an example stays one line that can be copied."""

    def write_text(self, text: str) -> None:
        """A paragraph; one that starts with "Example: " as a command of its own, continued by backslashes."""
        text = as_called(text)
        if not text.startswith(EXAMPLE):
            super().write_text(text)
            return
        blank = " " * self.current_indent
        self.write(f"{blank}Example:\n")
        self.write(command_lines(text.removeprefix(EXAMPLE), self.width, f"{blank}  ") + "\n")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The line that shows how a verb is called."""
        super().write_usage(as_called(prog), args, prefix)

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        """Terms and what they mean, the terms in at most a third of the width."""
        super().write_dl([(term, as_called(text)) for term, text in rows], min(col_max, self.width // 3), col_spacing)


class HelpContext(click.Context):
    """A context whose help is a `Help`."""

    formatter_class = Help


def command_lines(command: str, most: int, indent: str) -> str:
    """A shell command in lines of at most `most` columns, broken between words outside quotes by a backslash."""
    words = re.findall(r"(?:'[^']*'|\S)+", command)
    lines = [indent]
    for word in words:
        joined = f"{lines[-1]} {word}" if lines[-1].strip() else f"{lines[-1]}{word}"
        if len(joined) > most - 2 and lines[-1].strip():  # room for the backslash
            lines.append(f"{indent}  {word}")
        else:
            lines[-1] = joined
    return " \\\n".join(lines)


def _follow_colour(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ask_colour(value)
    context.color = forced_colour()


def _follow_traceback(_: click.Context, __: click.Parameter, value: bool) -> None:
    if value:
        ask_traceback()


colour_option = click.Option(
    ["--color"],
    type=click.Choice([AUTO, ALWAYS, NEVER]),
    is_eager=True,
    expose_value=False,
    callback=_follow_colour,
    help="Colour the output; auto (the default) obeys NO_COLOR, FORCE_COLOR and TERM, and colours terminals only.",
)
traceback_option = click.Option(
    ["--traceback"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_follow_traceback,
    help="Print the traceback if lab itself fails; LAB_DEBUG=1 does so for every call.",
)


def prepare(command: click.Command) -> click.Command:
    """The verb with what every verb has: --color, --traceback, help of this look, no empty words; its own verbs too.

    A verb that hands unknown options to another program takes neither: `lab exec BOX ls --color` is for ls.
    """
    if command.context_class is HelpContext:
        return command
    command.context_class = HelpContext
    if not command.context_settings.get("ignore_unknown_options"):
        command.params += [colour_option, traceback_option]
    for parameter in command.params:
        complete_values(parameter)
        refuse_empty(parameter)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            prepare(inner)
    return command
