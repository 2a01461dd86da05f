"""The program: `lab` itself, and the one place where an error becomes text and an exit code."""

from __future__ import annotations

import sys

import click

from lab import __version__
from lab.cli.columns import fill
from lab.cli.helping import VARIABLE, command_lines, prepare
from lab.cli.mistakes import defect, misuse, refused
from lab.cli.terminal import CANONICAL, as_called, echo, remark, say, width
from lab.cli.verbs import Verbs
from lab.cli.waiting import speak
from lab.errors import Interrupted, LabError
from lab.files import patient
from lab.notices import listening
from lab.signals import just_stopped

START = """\
lab finds out, with evidence, why a Docker build hits its cache on one machine and misses on another.

My build misses, and I have no virtual machines:
  python -m lab why --cache-from IMAGE .
  docker build --progress=plain . 2>&1 | python -m lab read -

Show me such a miss on real machines:
  python -m lab setup
  python -m lab up && python -m lab repro

What did a run find?
  python -m lab explain
  python -m lab report --format html --output run.html

`python -m lab --help` lists every verb; `python -m lab VERB --help` describes one, with an example."""


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from lab.cli.version import versions

        say("\n".join([f"lab {__version__}", *versions()]))
        context.exit()


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    subcommand_metavar="VERB [ARGUMENTS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: python -m lab up && python -m lab repro",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the versions of lab, Python and Vagrant, and the providers found; then exit.",
)
@click.option(
    "--wait", is_flag=True, help="Wait while another lab uses the same boxes, instead of ending with exit code 11."
)
@click.pass_context
def lab(context: click.Context, wait: bool) -> None:
    """Find out, with evidence, why a Docker build hits its cache on one machine and misses on another."""
    if wait:
        patient.set()
    if context.invoked_subcommand is None:
        echo("\n".join(_line(as_called(line)) for line in START.splitlines()))


def _line(line: str) -> str:
    """A line of START in as many lines as the terminal needs; a command stays one that can be copied."""
    return command_lines(line, width(), "  ") if line.startswith(" ") else fill(line)


prepare(lab)


def main() -> None:
    """Run the program and end it with the exit code of what happened."""
    try:
        with listening(speak):
            code = lab.main(prog_name=CANONICAL, complete_var=VARIABLE, standalone_mode=False, terminal_width=width())
    except LabError as error:
        code = show(error)
    except click.ClickException as error:
        code = show(misuse(error))
    except click.Abort as stop:  # click makes it of an EOFError too, which is a defect
        cause = stop.__cause__
        code = show(defect(cause) if isinstance(cause, EOFError) else Interrupted.by(cause, hint=lab.after_stop))
    except Exception as error:
        stopped = stop_behind(error) or just_stopped()
        code = show(Interrupted.by(stopped, hint=lab.after_stop) if stopped else refused(error) or defect(error))
    sys.exit(code if isinstance(code, int) else 0)


def stop_behind(error: BaseException) -> KeyboardInterrupt | None:
    """The Ctrl-C during which an error was raised: a library that it interrupts may fail in its own way.

    One that is not written in Python, such as pydantic's core, may also forget it: see `just_stopped`.
    """
    while error.__context__ is not None:
        error = error.__context__
        if isinstance(error, KeyboardInterrupt):
            return error
    return None


def show(error: LabError) -> int:
    """Print an error: the last lines of output, the message, one hint; returns its exit code."""
    tail = error.tail()
    if tail:
        echo("\n".join(f"  | {line[:180]}" for line in tail), err=True)
    remark(f"lab: {error.message}", "red")
    if error.hint:
        remark(f"hint: {error.hint}")
    return error.exit_code
