"""Every error a user can meet, and every exit code with what it means: `exit_codes` lists them all.

Exit codes 4, 12 and 14 are no errors: a cache miss is an outcome, and so is a prediction that an engine contradicts.

A run with a broken trial ends with the code of what broke it: 6 for the box, 7 for the engine, 9 for the registry, 8
for a command (such as a COPY of a file that is missing), 10 for an outcome that is not known. Of several, the first in
this order is taken, since each can cause those after it. A broken trial has no outcome, so these codes come before 12,
and 12 comes before 4; a contradicted prediction is printed in any case.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

TAIL_LINES = 15
MOST_NAMES = 40  # in a hint
DIFFERS, CONTRADICTED, NOT_KNOWN = 4, 12, 14  # exit codes of outcomes, which are no errors


class Fault(StrEnum):
    """Whose fault a broken trial is: the box's, the engine's, the registry's, the command's, or that of its output."""

    BOX = "box"
    ENGINE = "engine"
    REGISTRY = "registry"
    COMMAND = "command"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class ExitCode:
    """What the program ended with: the number, what happened, and whose fault it is (empty: nobody's)."""

    code: int
    meaning: str
    fault: str = ""


class LabError(Exception):
    """An error that describes what could not be done, why, and what to do next.

    `message` reads "cannot <verb> <what>: <cause>"; `output` is what the failing program printed, of which
    the last lines are shown; `hint` is one sentence or command that says what to do next. A command in a message or a
    hint is written as `python -m lab VERB`; the command line replaces that by the words it was called with.

    Each kind has its exit code, with a meaning in one line and the one whose fault it is.
    """

    exit_code = 1
    meaning = "lab itself failed"
    fault = "lab's: please report it"

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
    meaning = "a verb, name, option or value of the command line does not exist"
    fault = "the command line's"


class ConfigError(LabError):
    """A file that describes boxes, lineups, engines or scenarios, or holds a run, is wrong."""

    exit_code = 3
    meaning = "a file of a box, lineup, engine, scenario, run or bundle is wrong"
    fault = "that file's"


class HostError(LabError):
    """A program, space, a port or a permission is missing on this machine."""

    exit_code = 5
    meaning = "a program, space, a port or a permission is missing on this machine; `doctor` found a problem"
    fault = "this machine's"


class BoxError(LabError):
    """A box does not boot, or cannot be reached."""

    exit_code = 6
    meaning = "a box does not boot, or cannot be reached"
    fault = "the box's"


class EngineError(LabError):
    """A Docker engine does not start, does not answer, or is not the pinned one."""

    exit_code = 7
    meaning = "a Docker engine does not start, does not answer, or is not the pinned one"
    fault = "the engine's"


class CommandError(LabError):
    """A command that must succeed failed on a box."""

    exit_code = 8
    meaning = "a command that must succeed failed on a box"
    fault = "the command's"


class RegistryError(LabError):
    """The registry does not start, or does not answer."""

    exit_code = 9
    meaning = "a registry does not start, or does not answer"
    fault = "the registry's"


class ReadError(LabError):
    """Input is malformed or incomplete: build output without a step, records, an image's cache."""

    exit_code = 10
    meaning = "input is malformed: a build log without a step, records, an image's cache; or an outcome is not known"
    fault = "the input's"


class BusyError(LabError):
    """Another lab process uses the same boxes."""

    exit_code = 11
    meaning = "another lab process uses the same boxes"
    fault = "the other process's"


class ContextError(LabError):
    """A build context cannot be read, or holds something that has no digest."""

    exit_code = 13
    meaning = "a build context cannot be read, or holds something that has no digest"
    fault = "the context's"


class UnknownContentError(ContextError):
    """Something has a digest, but lab does not know it; an engine that builds from it computes it."""


class DifferenceError(LabError):
    """The build to be minimised shows no difference of hit and miss at the start."""

    exit_code = 15
    meaning = "`minimise`: the start shows no difference of hit and miss"
    fault = "nobody's: the message says what was seen"


class FlakyError(LabError):
    """Two runs of the same build, with the same difference, have different outcomes."""

    exit_code = 16
    meaning = "`minimise`: two runs of the start have different outcomes"
    fault = "the build's, or that of the machine"


class TimeLimitError(LabError):
    """The time that the user allowed is over."""

    exit_code = 17
    meaning = "`--time-limit`: the time is over; what was stored stays, and `repro --resume` makes the rest"
    fault = "nobody's: the limit is yours"


class Interrupted(LabError):
    """Ctrl-C, SIGTERM or SIGHUP: the work stopped at a point that the message names."""

    exit_code = 130
    meaning = "Ctrl-C or another signal stopped lab; where boxes may be left, the last line names a command"
    fault = "yours"

    @classmethod
    def by(cls, stop: BaseException | None, *, hint: str | None = None) -> Interrupted:
        """The error for a KeyboardInterrupt, whose text is the signal's name (`lab.signals`) or empty for Ctrl-C."""
        return cls(f"stopped by {str(stop or '') or 'Ctrl-C'}", hint=hint)


BY_FAULT: dict[Fault, type[LabError]] = {  # in the order of their precedence
    Fault.BOX: BoxError,
    Fault.ENGINE: EngineError,
    Fault.REGISTRY: RegistryError,
    Fault.COMMAND: CommandError,
    Fault.OUTPUT: ReadError,
}
NEXT: dict[Fault, str] = {  # what to do after a run with a broken trial
    Fault.BOX: "`python -m lab status` shows the boxes, and `python -m lab up BOX` brings one back",
    Fault.ENGINE: "run the same command again: it starts lab's own engines anew; start any other engine first",
    Fault.REGISTRY: "run the same command again: it starts a registry of its own; --registry HOST/USER names another",
    Fault.COMMAND: "correct what the command printed, or look at the trial in a shell: `python -m lab repro --debug`",
    Fault.OUTPUT: "`python -m lab report` has all commands and outputs; please report an output that lab cannot read",
}
OUTCOMES = (
    ExitCode(0, "success; every outcome is as the scenario expects"),
    ExitCode(DIFFERS, "an outcome differs from what the scenario expects, a step misses, or two runs differ"),
    ExitCode(CONTRADICTED, "an engine did not do what lab predicted", "lab's model or the run: please report it"),
    ExitCode(
        NOT_KNOWN,
        "`why`, `predict --fail-..`, `read --fail-on-miss`: no miss is shown, but a step is not known; "
        "`merge`: no outcome differs, but cells are missing",
    ),
)


def exit_code_of(faults: Iterable[Fault]) -> int | None:
    """The exit code of a run whose broken trials are these parts' faults; None without any."""
    found = set(faults)
    return next((error.exit_code for fault, error in BY_FAULT.items() if fault in found), None)


def next_step(faults: Iterable[Fault]) -> str | None:
    """What to do after a run whose broken trials are these parts' faults; None without any."""
    found = set(faults)
    return next((NEXT[fault] for fault in BY_FAULT if fault in found), None)


def exit_codes() -> list[ExitCode]:
    """Every exit code of the program, in order: outcomes, and one for each kind of error."""
    found = [*OUTCOMES, *(ExitCode(kind.exit_code, kind.meaning, kind.fault) for kind in _kinds(LabError))]
    return sorted(found, key=lambda item: item.code)


def _kinds(base: type[LabError]) -> list[type[LabError]]:
    """The kind and all below it that have an exit code of their own."""
    below = [kind for child in base.__subclasses__() for kind in _kinds(child)]
    return [base, *below] if "exit_code" in base.__dict__ else below


def did_you_mean(name: str, known: list[str]) -> str:
    """The text ` (did you mean "x"?)` for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""


def known_names(what: str, names: Collection[str], verb: str = "") -> str:
    """The hint at names that are known, as in "known box names: a, b"; of many, the verb that lists them, if any."""
    if verb and len(names) > MOST_NAMES:
        return f"`python -m lab {verb}` lists the {len(names)} {what} names"
    return f"known {what} names: {', '.join(names) or 'none'}"


def reason(error: BaseException) -> str:
    """Why something failed, in words: the system's text for an OSError that has one, else the exception's own.

    Libraries raise OSErrors without an errno; their `strerror` is None, and their text begins with "[Errno None]".
    """
    text = getattr(error, "strerror", None) or str(error).removeprefix("[Errno None]").strip()
    return text or type(error).__name__
