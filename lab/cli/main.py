"""The program: its verbs, and the one place where a LabError is caught and becomes text and an exit code."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys

import click

from lab import __version__
from lab.errors import HostError, Interrupted, LabError, UsageError

AFTER_STOP = "python -m lab status shows what there is"
# Each verb's module is imported when the verb is used: `lab --help` must not pay for Fabric or pydantic.
VERBS = {
    "setup": ("host", "Install what this machine lacks."),
    "doctor": ("host", "Check this machine, a line a check."),
    "boxes": ("machines", "List the boxes and lineups, with their state."),
    "bake": ("machines", "Build the boxes that come from Debian's archive."),
    "up": ("machines", "Bring boxes up and prove their Docker."),
    "status": ("machines", "Show what is up and how to reach it."),
    "repro": ("runs", "Run a scenario on all boxes and show the table."),
    "bisect": ("bisect", "Find the first engine that behaves as it should."),
    "engines": ("engines", "List the pinned engines; add, pin, build, remove archives."),
    "read": ("logs", "Read any docker build log: what hit, what ran."),
    "explain": ("explaining", "Say why each step of a stored run hit or ran."),
    "diff": ("explaining", "Show two boxes' files of one context side by side."),
    "why": ("why", "Say whether a COPY would hit an image's cache, and if not why."),
    "truth": ("truth", "Tabulate predictions beside what engines did."),
    "digest": ("digest", "Print the digest BuildKit computes for a COPY."),
    "report": ("reports", "Tell of a stored run: table, bug report, page, JUnit, CSV, JSON, script."),
    "runs": ("reports", "List the stored runs; --prune removes old ones."),
    "compare": ("reports", "Show what changed between two runs, and why."),
    "expect": ("reports", "Keep a golden table of a scenario, and hold a run against it."),
    "bundle": ("bundles", "Pack a run into one file for somebody else."),
    "replay": ("bundles", "Show a bundle again, judged by today's lab."),
    "schema": ("reports", "Print the JSON Schema of a stored run."),
    "ssh": ("machines", "Open a shell on a box."),
    "exec": ("machines", "Run one command on a box, or on all."),
    "suspend": ("machines", "Put boxes to sleep; `up` wakes them."),
    "down": ("cleanup", "Remove the boxes and all that belongs to them."),
}


class Verbs(click.Group):
    """Verbs that are imported late; an unknown one gets a guess."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order of use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name, or an error with the nearest one."""
        if cmd_name not in VERBS:
            import difflib

            near = difflib.get_close_matches(cmd_name, VERBS, n=1)
            guess = f' (did you mean "{near[0]}"?)' if near else ""
            raise UsageError(f'cannot find the verb "{cmd_name}"{guess}', hint="python -m lab --help")
        module = importlib.import_module(f"lab.cli.{VERBS[cmd_name][0]}")
        command = getattr(module, cmd_name if cmd_name != "exec" else "exec_")
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; a reader of our output that has gone (`lab ... | head`) is no error.

        Caught here because click itself would end the program with 1. What is still buffered goes to /dev/null:
        else it would fail again when Python ends.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise Interrupted.by(stop, hint=AFTER_STOP) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise HostError(f"cannot write {error.filename or 'the answer'}: {error.strerror}") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with one line each, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: python -m lab up && python -m lab repro",
)
@click.version_option(__version__, prog_name="lab")
def lab() -> None:
    """Find out, with evidence, why a Docker build hits its cache on one machine and misses on another."""


def main() -> None:
    """Run the program and end it with the exit code of what happened."""
    collect_less()
    try:
        code = lab.main(standalone_mode=False)
    except LabError as error:
        code = show(error)
    except click.ClickException as error:
        error.show()
        code = UsageError.exit_code
    except click.Abort as stop:
        code = show(Interrupted.by(stop.__cause__, hint=AFTER_STOP))
    sys.exit(code if isinstance(code, int) else 0)


def collect_less() -> None:
    """Let Python look for cycles less often: with hundreds of trials in memory a third of the time went there."""
    gc.set_threshold(50_000, 20, 20)


def show(error: LabError) -> int:
    """Print an error as the house does: the last lines of output, the message, one hint; returns its exit code."""
    tail = error.tail()
    if tail:
        click.echo("\n".join(f"  | {line[:180]}" for line in tail), err=True)
    red = sys.stderr.isatty()
    click.echo(click.style(f"lab: {error.message}", fg="red" if red else None), err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)
    return error.exit_code
