"""Whose fault a failed command of a trial is: the box's, the engine's, the registry's, or the command's own."""

from __future__ import annotations

from lab.errors import BoxError, CommandError
from lab.model import Fault
from lab.registry.server import Registry
from lab.run.station import Station

REFUSED = "connection refused"


def explain_failure(station: Station, error: CommandError | BoxError) -> tuple[Fault, str]:
    """Whose fault the error is, and the text that describes it.

    After a failed command the engine is asked for its version. If it does not answer, the fault is the engine's and the
    text ends with its log. If the lab's registry does not answer, or the command could not connect to it, the fault is
    the registry's.
    """
    text = "\n".join([error.message, *error.tail()])
    if isinstance(error, BoxError):
        return Fault.BOX, text
    try:
        if not station.box.run(station.engine.call(["version"]), timeout=60).ok:
            return Fault.ENGINE, f"{text}\nthe engine does not answer any more{_log(station)}"
    except BoxError as lost:
        return Fault.BOX, f"{text}\n{lost.message}"
    if not station.registry.answers() or _refused(station.registry, error.output):
        return Fault.REGISTRY, f"{text}\nthe registry {station.registry.prefix} does not answer"
    return Fault.COMMAND, text


def _log(station: Station) -> str:
    """The end of the engine's log, for an engine that has one."""
    if not station.engine.log:
        return ""
    return f"; the end of its log:\n{station.box.run(station.engine.log, timeout=60).text}"


def _refused(registry: Registry, output: str) -> bool:
    """True if Docker printed that nothing listens at the registry's address."""
    host = registry.prefix.partition("/")[0]
    return any(host in line and REFUSED in line for line in output.splitlines())
