"""The verb that prints the man page, which is made from the program's own help."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from lab import __version__


@click.command(epilog="Example: python -m lab man | man -l -")
def man() -> None:
    """Print the man page lab(1), as man, groff and mandoc read it.

    It has one section for the exit codes and one subsection for every verb, made from the same text as --help.
    """
    click.echo(man_page(), nl=False)


def man_page() -> str:
    """lab(1) in the macros of man(7)."""
    from lab.cli.main import lab
    from lab.cli.manual import whole
    from lab.errors import exit_codes

    lines = [
        f'.TH LAB 1 "" "lab {_text(__version__)}" "User Commands"',
        ".SH NAME",
        f"lab \\- {_text((lab.help or '').rstrip('.'))}",
        ".SH SYNOPSIS",
        ".B lab",
        "[OPTIONS] VERB [ARGUMENTS]...",
        ".SH OPTIONS",
        *_options(lab, whole()),
        *_verbs(),
        ".SH EXIT STATUS",
    ]
    for item in exit_codes():
        lines += [".TP", f".B {item.code}", _text(f"{item.meaning} ({item.fault})" if item.fault else item.meaning)]
    return "\n".join(lines) + "\n"


def _verbs() -> Iterator[str]:
    from lab.cli.manual import pages

    group = ""
    for page in pages():
        if page.group != group:
            group = page.group
            yield f".SH {_text(group.upper())}"
        yield f".SS {_text(page.synopsis)}"
        for paragraph in re.split(r"\n\s*\n", (page.command.help or "").strip()):
            yield ".PP"
            yield _text(" ".join(paragraph.split()))
        yield from _options(page.command, page.context)
        yield from (".PP", "Example:", ".PP", ".RS", ".nf", _text(page.example), ".fi", ".RE")


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    """What the command's own options mean; those of every verb stand under OPTIONS alone."""
    from lab.cli.helping import colour_option, traceback_option

    shared = (colour_option, traceback_option)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or not record[1] or (context.parent and (parameter in shared or "--help" in parameter.opts)):
            continue
        yield from (".TP", f".B {_text(record[0])}", _text(record[1]))


def _text(text: str) -> str:
    """Text as roff takes it: no escape, no request at the start of a line, a hyphen that can be copied."""
    from lab.cli.manual import plain

    escaped = plain(text).replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
