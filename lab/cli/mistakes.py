"""What goes wrong before a verb starts (a word of the command line), and what must not go wrong at all (a defect)."""

from __future__ import annotations

import errno
import os
import re
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime

import click

from lab.cli.terminal import CANONICAL, as_called
from lab.errors import HostError, LabError, UsageError, did_you_mean, reason
from lab.report import printable

_NUMBER = re.compile(r"a valid integer(?: range)?$")  # Click's words for no number; for one out of range it has better

# What the system answers where a path is at fault, or the disk or the rights behind it.
REFUSALS = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS, errno.EIO, errno.ESTALE)


def misuse(error: click.ClickException) -> UsageError:
    """Click's error in lab's words: what cannot be done and why, the nearest option or verb, the help to read."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else CANONICAL
    return UsageError(as_called(_message(error, context, path)), hint=f"{path} --help")


def _message(error: click.ClickException, context: click.Context | None, path: str) -> str:
    cause = error.message.strip().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        name = error.option_name
        return f"cannot find the option {name} of `{path}`{did_you_mean(name, _options(context))}"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return f"cannot run `{path}`: {_named(error.param, context)} is missing"
    if isinstance(error, click.BadOptionUsage):
        why = "it takes no value" if "not take" in cause else "it needs a value"
        return f"cannot use {error.option_name}: {why}"
    if isinstance(error, click.BadParameter) and error.param is not None:
        return f"cannot use {_named(error.param, context)}: {_NUMBER.sub('a whole number', cause)}"
    inner = context.command if context else None
    if isinstance(inner, click.Group) and "ommand" in cause:
        name = getattr(error, "command_name", "")
        asked = f'it has no verb "{name}"{did_you_mean(name, list(inner.commands))}' if name else "it needs a verb"
        return f"cannot run `{path}`: {asked}; its verbs are {', '.join(inner.commands)}"
    return f"cannot run `{path}`: {cause[:1].lower()}{cause[1:]}"


def _options(context: click.Context | None) -> list[str]:
    known: Iterable[click.Parameter] = context.command.get_params(context) if context else ()
    return [name for parameter in known for name in (*parameter.opts, *parameter.secondary_opts) if name[:1] == "-"]


def _named(parameter: click.Parameter, context: click.Context | None) -> str:
    if isinstance(parameter, click.Argument):
        shown = parameter.metavar or (parameter.name or "").upper()
        return f"the argument {shown}"
    return f"the option {max(parameter.opts, key=len)}"


class _Asked:
    """Whether `--traceback` was given to this process."""

    traceback = False


def ask_traceback() -> None:
    """Let a defect print its traceback on the screen instead of into a file."""
    _Asked.traceback = True


def refused(error: Exception) -> HostError | None:
    """The error for what the system refuses to do with a named file; None for any other exception.

    Every question to a path can fail so, even whether it exists: a folder above it may not be searched.
    """
    if not isinstance(error, OSError) or error.errno not in REFUSALS or not isinstance(error.filename, str):
        return None
    why = f"cannot use {printable.line(error.filename)}: {reason(error)}"
    rights = error.errno in (errno.EACCES, errno.EPERM)
    return HostError(why, hint="`namei -l PATH` shows the rights of it and of the folders above it" if rights else None)


def defect(error: Exception) -> LabError:
    """The error that stands for an exception nobody expected: one line that says where its traceback is.

    The traceback goes into a file of the cache folder; with --traceback or LAB_DEBUG=1, or if no file can be written,
    to standard error.
    """
    from lab.files import write
    from lab.project import cache_folder

    what = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200].rstrip(": ")
    whole = "".join(traceback.format_exception(error))
    place = "printed above"
    try:
        if not (_Asked.traceback or os.environ.get("LAB_DEBUG", "") not in ("", "0")):
            file = cache_folder() / "defects" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
            write(file, whole)
            place = f"in {file}"
    except (LabError, OSError, RuntimeError):  # RuntimeError: there is no home folder
        pass
    if place == "printed above":
        click.echo(whole, err=True, nl=False)
    return LabError(f"lab itself failed: {what}. This is a defect of lab: please report it. The traceback is {place}")
