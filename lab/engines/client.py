"""Docker's client on a box: the calls that reach a daemon, and the log of that daemon."""

from __future__ import annotations

from collections.abc import Sequence

from lab.boxes.base import Box
from lab.engines.engine import VERSIONS, Answer, Docker
from lab.errors import EngineError
from lab.workers import wait_for

START_SECONDS = 120


ASK = ("version", "--format", VERSIONS)


def reach(box: Box, clients: tuple[Docker, ...], ask: Sequence[str] = ASK) -> Answer | None:
    """The first of these calls that reaches a daemon, with what it printed when it was asked for the versions.

    None if none of them does.
    """
    for docker in clients:
        asked = box.run([*docker, *ask], timeout=60)
        if asked.ok:
            return docker, asked.text
    return None


def wait_until_reached(box: Box, unit: str, clients: tuple[Docker, ...], ask: Sequence[str] = ASK) -> Answer:
    """Wait until the daemon of a systemd unit answers; EngineError with the end of its journal if it does not."""
    return wait_for(
        f"the Docker of {box.name}",
        lambda: reach(box, clients, ask) or "no answer on its socket",
        timeout=START_SECONDS,
        every=0.5,
        error=EngineError,
        detail=lambda: journal(box, unit),
    )


def journal_of(unit: str) -> tuple[str, ...]:
    """The command that prints the last lines that the daemon of a unit logged."""
    return ("sudo", "-n", "journalctl", "-u", unit, "-n", "30", "--no-pager")


def journal(box: Box, unit: str) -> str:
    """The last lines that the daemon of a unit logged."""
    return box.run(journal_of(unit), timeout=60).text
