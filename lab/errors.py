"""Every error a user can meet, and the exit code each one ends the program with.

    LabError                      1   a defect of lab itself, if it is ever raised bare
    +-- UsageError                2   a name or option that does not exist
    +-- ConfigError               3   a box, lineup, engine, scenario, run or bundle file that says something impossible
    |                             4   (no error: an outcome differs from what the scenario expects, a step missed)
    +-- HostError                 5   this machine lacks something: a program, disk, a port, permission
    +-- BoxError                  6   a box does not boot, or cannot be reached
    +-- EngineError               7   a Docker engine does not start, or is not the one that was pinned
    +-- CommandError              8   a command that must succeed failed on a box
    +-- RegistryError             9   the registry does not start, or does not answer
    +-- ReadError                10   input that does not say what it should: build output, records, an image's cache
    +-- BusyError                11   another lab holds the same lineup
    |                            12   (no error: a step ended otherwise than was predicted of it)
    +-- ContextError             13   a build context that cannot be read, or not be digested
    |                            14   (no error: whether a step missed the cache is not known)
    +-- Interrupted             130   Ctrl-C

Exit codes 4, 12 and 14 are no errors: a cache miss is an outcome, and so is a prediction that an engine contradicts.
"""

from __future__ import annotations

TAIL_LINES = 15


class LabError(Exception):
    """An error that says what could not be done, why, and what to do next.

    `message` reads "cannot <verb> <what>: <cause>"; `output` is what the failing program printed, of which
    the last lines are shown; `hint` is one sentence or command that leads on.
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
    """This machine lacks a program, space, a port or a permission."""

    exit_code = 5


class BoxError(LabError):
    """A box does not boot, or cannot be reached."""

    exit_code = 6


class EngineError(LabError):
    """A Docker engine does not start, or is not the pinned one."""

    exit_code = 7


class CommandError(LabError):
    """A command that must succeed failed on a box."""

    exit_code = 8


class RegistryError(LabError):
    """The registry does not start, or does not answer."""

    exit_code = 9


class ReadError(LabError):
    """Input that does not say what it should: build output without a step, records or a cache that is malformed."""

    exit_code = 10


class BusyError(LabError):
    """Another lab holds the same lineup."""

    exit_code = 11


class ContextError(LabError):
    """A build context that cannot be read, or holds something of which there is no digest."""

    exit_code = 13


class Interrupted(LabError):
    """Ctrl-C: the work stopped at a point that the message names."""

    exit_code = 130
