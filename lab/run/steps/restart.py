"""A restart of the engine's daemon: `restart: {}`."""

from __future__ import annotations

from lab.errors import CommandError
from lab.run.steps.kind import Step
from lab.run.steps.work import Work
from lab.workers import wait_for

SECONDS = 120


class Restart(Step):
    """End the daemon of the side's engine and start it again; its images and its build cache stay."""

    def run(self, work: Work) -> None:
        """Restart it, and wait until it answers; CommandError for a Docker that lab did not start."""
        box, engine = work.station.box, work.station.engine
        if not engine.restart:
            raise CommandError(
                f"cannot restart {engine.title} of {box.name}: lab did not start it, and its containers would end",
                hint="name an engine that lab starts itself, such as --engine 26.1.5",
            )
        work.say("restart the daemon")
        box.check(engine.restart, doing="restart the daemon", timeout=SECONDS)
        wait_for(
            f"{engine.title} of {box.name} to answer after its restart",
            lambda: box.run(engine.ping, timeout=60).ok or "it does not answer",
            timeout=SECONDS,
            every=0.2,
            error=CommandError,
            detail=lambda: box.run(engine.log, timeout=60).text if engine.log else "",
        )
