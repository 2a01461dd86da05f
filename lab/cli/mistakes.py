"""What goes wrong before a verb starts (a word of the command line), and what must not go wrong at all (a defect)."""

from __future__ import annotations

import errno
import os
import re
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from lab.cli.terminal import CANONICAL, as_called
from lab.errors import HostError, LabError, UsageError, did_you_mean, reason
from lab.files import at_home

_NUMBER = re.compile(r"a valid integer(?: range)?$")  # Click's words for no number; for one out of range it has better
# What the system answers about a path that a user, the environment or a file has named: no defect of lab.
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENAMETOOLONG, errno.EIO, errno.ESTALE}


def refusal(error: OSError) -> HostError | None:
    """The error for a path that the system refuses to open, to enter or to follow; None for anything else."""
    if error.errno not in _REFUSED or not isinstance(error.filename, str | bytes):
        return None
    from lab.report import printable  # late: it loads the readers of logs, which a program that starts need not

    name = os.fsdecode(error.filename)
    return HostError(f"cannot use {printable.line(name)}: {reason(error)}", hint=_way_around(error.errno, name))


def _way_around(number: int, name: str) -> str | None:
    """What to do about a path that the system refuses."""
    if number not in (errno.EACCES, errno.EPERM):
        return None
    home = at_home("~")
    if home.is_absolute() and Path(name).absolute().is_relative_to(home):
        return f"set HOME, which is {home}, to a folder of your own; sudo -H does so"
    return "the user who calls lab has no permission for it"


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
