"""The verbs by what people want, and the group that imports each verb's module when it is used."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.shell_completion import CompletionItem

from lab.cli.helping import prepare
from lab.cli.mistakes import refusal
from lab.errors import Interrupted, UsageError, did_you_mean
from lab.files import disk_error

# What people want -> verb -> (module in lab/cli, one line of help). `lab --help` shows a group once it has a verb.
# Each verb's module is imported when the verb is used: `lab --help` must not pay for Fabric or pydantic.
GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Understand a build": {
        "read": ("logs", "Read a docker build log: which steps hit, which ran."),
        "why": ("why", "Say which steps would hit a cache, and why one would not."),
        "predict": ("predict", "Predict each step of a build and what a miss costs."),
        "digest": ("digest", "Print the digest BuildKit computes for a COPY."),
        "explain": ("explaining", "Say why each step of a stored run hit or ran."),
        "diff": ("sides", "Show what differs between the files of two sides."),
        "record": ("recording", "Record a build context in a file for somebody else."),
    },
    "Run trials": {
        "repro": ("runs", "Run a scenario on all boxes and show the table."),
        "matrix": ("matrix", "Run lineups x engines x builders x cases; write a CI workflow of it."),
        "worker": ("worker", "Offer the boxes of this machine to a Dask scheduler."),
        "vary": ("vary", "Vary one thing at a time; show what misses your Dockerfile."),
        "cases": ("cases", "List the cases, describe one, check all on real engines."),
        "bisect": ("bisect", "Find the first engine that behaves as it should."),
        "minimise": ("minimise", "Shrink a build as long as its hit or miss stays."),
        "expect": ("reports", "Save a scenario's outcomes; check later runs against them."),
        "truth": ("truth", "Compare predictions with what engines did, in one table."),
    },
    "Boxes and engines": {
        "setup": ("host", "Install the programs that are missing on this machine."),
        "doctor": ("host", "Check this machine and name the command that fixes a problem."),
        "init": ("init", "Write a workplace: a folder with boxes and scenarios of your own."),
        "boxes": ("machines", "List the boxes and lineups, with their state."),
        "bake": ("machines", "Build the boxes that come from Debian's archive."),
        "up": ("machines", "Start boxes and check their Docker."),
        "status": ("status", "Show which boxes are up and how to reach them."),
        "ssh": ("machines", "Open a shell on a box."),
        "shell": ("shell", "Open a shell on a box with the engine and folder of a trial."),
        "exec": ("machines", "Run one command on a box, or on all."),
        "suspend": ("machines", "Suspend boxes; `up` resumes them."),
        "reset": ("reset", "Set boxes back to their first state, in seconds."),
        "snapshot": ("reset", "Save, list, restore and remove states of boxes."),
        "down": ("cleanup", "Remove the boxes and all that belongs to them."),
        "engines": ("engines", "List the pinned engines; add, pin, build, remove archives."),
    },
    "Reports": {
        "report": ("reports", "Print a stored run as a table, bug report, page or data."),
        "runs": ("reports", "List the stored runs; --prune removes old ones."),
        "history": ("history", "Show how often a step hit over time, from all runs."),
        "compare": ("reports", "Show what changed between two runs, and why."),
        "merge": ("merge", "Join the runs of shards into one run."),
        "bundle": ("bundles", "Pack a run into one file for somebody else."),
        "replay": ("bundles", "Show a bundle again, judged by this version of lab."),
        "schema": ("schemas", "Print the JSON Schema of a stored run."),
    },
    "Teach": {
        "lesson": ("lessons", "Learn or teach: predict, run, and check exercises on an engine."),
        "pack": ("pack", "Gather all that a lineup needs, for machines without a network."),
        "serve": ("serve", "Offer a pack to a room over HTTP."),
    },
    "lab itself": {
        "help": ("topics", "Explain a rule set, known bug, exit code, word or verb."),
        "completion": ("completion", "Print the script that completes lab's words in a shell."),
        "man": ("manpage", "Print the man page."),
    },
}
WITHOUT_BOXES = ("Understand a build", "Reports", "lab itself")
AFTER_STOP = "python -m lab status shows what there is"
VERBS = {name: verb for verbs in GROUPS.values() for name, verb in verbs.items()}
FUNCTIONS = {"exec": "exec_", "help": "help_"}  # where a verb's name is a word of Python's


class Verbs(click.Group):
    """Verbs that are imported late; an unknown one is refused with the nearest name."""

    _asked = ""

    @property
    def after_stop(self) -> str | None:
        """What to do after a signal: look for boxes, unless the verb that was asked for leaves none."""
        leaves_none = any(self._asked in GROUPS[title] for title in WITHOUT_BOXES)
        return AFTER_STOP if self._asked and not leaves_none else None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, group by group."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name; UsageError with the nearest one if there is none."""
        if cmd_name not in VERBS:
            if ctx.resilient_parsing:  # a shell that completes words: it has no place to show an error
                return None
            near = did_you_mean(cmd_name, list(VERBS))
            raise UsageError(f'cannot find the verb "{cmd_name}"{near}', hint="python -m lab --help")
        self._asked = cmd_name
        module = importlib.import_module(f"lab.cli.{VERBS[cmd_name][0]}")
        command = getattr(module, FUNCTIONS.get(cmd_name, cmd_name))
        assert isinstance(command, click.Command)
        return prepare(command)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs that begin so, without importing them, and this group's options."""
        found = [CompletionItem(name, help=line) for name, (_, line) in VERBS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the command line, where --help and --version print."""
        self._asked = ""
        with _answering():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb."""
        try:
            with _answering():
                return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise Interrupted.by(stop, hint=self.after_stop) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs by what people want, a line each, without importing them."""
        for title, verbs in GROUPS.items():
            if verbs:
                with formatter.section(title):
                    formatter.write_dl([(f"{name:<{max(map(len, VERBS))}}", line) for name, (_, line) in verbs.items()])


@contextmanager
def _answering() -> Iterator[None]:
    """End with 0 where a reader of our output has gone (`lab ... | head`); name a full disk, or a path that is refused.

    Caught here because click itself would end the program with 1. What is still buffered goes to /dev/null: else it
    would fail again when Python ends.
    """
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(0) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            _tell(error)
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise disk_error(error.filename or "the answer", error) from error
    except RuntimeError as error:  # before Python 3.13, pathlib makes one of a loop of links
        if isinstance(error.__context__, OSError):
            _tell(error.__context__)
        raise


def _tell(error: OSError) -> None:
    """Raise the error for a path that the system refuses, if it is one."""
    told = refusal(error)
    if told is not None:
        raise told from error
