"""Every error that a user can meet, and the exit code with which it ends the program.

    LabError                      1   a defect of lab itself, if it is raised bare
    +-- UsageError                2   a name or option that does not exist
    +-- ConfigError               3   a box, lineup, engine, scenario, run or bundle file is wrong
    |                             4   (no error: an outcome differs from what the scenario expects)
    +-- HostError                 5   this machine is missing something: a program, disk space, a port, permission
    +-- BoxError                  6   a box does not boot, or cannot be reached
    +-- EngineError               7   a Docker engine does not start, does not answer, or is not the pinned one
    +-- CommandError              8   a command that must succeed failed on a box
    +-- RegistryError             9   the registry does not start, or does not answer
    +-- ReadError                10   input that cannot be read: build output, records, an image's cache
    +-- BusyError                11   another lab holds the same lineup
    |                            12   (no error: a step had another outcome than was predicted)
    +-- ContextError             13   a build context that cannot be read, or that has no digest
    +-- Interrupted             130   Ctrl-C

Exit codes 4 and 12 are no errors: a cache miss is an outcome, and so is a prediction that an engine contradicts.

A run with a broken trial ends with the code of what broke it: 6 for the box, 7 for the engine, 9 for the registry, 8
for a command (such as a COPY of a file that is missing), 10 for an outcome that is not known. Of several, the first in
this order is taken, since each can cause those after it. A broken trial has no outcome, so these codes come before 12,
and 12 comes before 4; a contradicted prediction is printed in any case.
"""

from __future__ import annotations

from collections.abc import Iterable

from lab.model import Fault

TAIL_LINES = 15


class LabError(Exception):
    """An error that describes what could not be done, why, and what to do next.

    `message` reads "cannot <verb> <what>: <cause>"; `output` is what the failing program printed, of which
    the last lines are shown; `hint` is one sentence, or the command to run next.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, output: str | bytes = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.output = output.decode("utf-8", "replace") if isinstance(output, bytes) else output

    def tail(self) -> list[str]:
        """The last lines of the failing program's output, at most TAIL_LINES, blank ones left out."""
        return [line.rstrip() for line in self.output.splitlines() if line.strip()][-TAIL_LINES:]


class UsageError(LabError):
    """The user named something that does not exist."""

    exit_code = 2


class ConfigError(LabError):
    """A file that describes boxes, lineups, engines or scenarios, or holds a run, is wrong."""

    exit_code = 3


class HostError(LabError):
    """This machine is missing a program, space, a port or a permission."""

    exit_code = 5


class BoxError(LabError):
    """A box does not boot, or cannot be reached."""

    exit_code = 6


class EngineError(LabError):
    """A Docker engine does not start, does not answer, or is not the pinned one."""

    exit_code = 7


class CommandError(LabError):
    """A command that must succeed failed on a box."""

    exit_code = 8


class RegistryError(LabError):
    """The registry does not start, or does not answer."""

    exit_code = 9


class ReadError(LabError):
    """Input that cannot be read: build output without a step, malformed records, a malformed cache."""

    exit_code = 10


class BusyError(LabError):
    """Another lab holds the same lineup."""

    exit_code = 11


class ContextError(LabError):
    """A build context that cannot be read, or that holds something without a digest."""

    exit_code = 13


class Interrupted(LabError):
    """Ctrl-C: the work stopped at a point that the message names."""

    exit_code = 130


BY_FAULT: dict[Fault, type[LabError]] = {  # in the order of their precedence
    Fault.BOX: BoxError,
    Fault.ENGINE: EngineError,
    Fault.REGISTRY: RegistryError,
    Fault.COMMAND: CommandError,
    Fault.OUTPUT: ReadError,
}


def exit_code_of(faults: Iterable[Fault]) -> int | None:
    """The exit code of a run whose broken trials are these parts' faults; None without any."""
    found = set(faults)
    return next((error.exit_code for fault, error in BY_FAULT.items() if fault in found), None)
