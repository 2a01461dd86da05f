"""A build log that the student made: `log: {file: build.log, step: "COPY app.py*", outcome: ran}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from lab.errors import reason
from lab.files import read_plain
from lab.lessons.conditions.kind import MISSING, Condition, Finding, matching
from lab.lessons.evidence import Evidence
from lab.model import Outcome
from lab.yamlfile import Strict

if TYPE_CHECKING:
    from lab.buildkit.progress.build import Build

LARGEST = 8 << 20  # bytes of a log that are read


class Log(Condition, Strict):
    """In the log, which is beside the student's folder, the build of this number has the step with this outcome.

    `build` counts from 1, and -1 is the last one. The log reader of `lab read` reads the file.
    """

    findings: ClassVar = ("no-log", "unreadable", "no-build", "hit", "ran", "error", "unknown", MISSING)
    of_folder: ClassVar = False

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    step: str
    outcome: Outcome
    build: int = -1

    def look(self, evidence: Evidence) -> Finding:
        """Read the log."""
        from lab.buildkit.progress.reader import read_builds  # late: few exercises need it

        path = evidence.home / self.file
        if not path.is_file():
            return Finding(False, "no-log", self.file, nothing=True)
        try:
            builds = [build for build in read_builds(read_plain(path, LARGEST)) if build.steps]
        except OSError as error:
            return Finding(False, "unreadable", reason(error))
        build = self._chosen(builds)
        if build is None:
            return Finding(False, "no-build", f"{len(builds)} builds")
        outcome = matching([(step.instruction, step.outcome) for step in build.steps], self.step)
        if outcome is None:
            return Finding(False, MISSING, "; ".join(step.instruction for step in build.steps))
        return Finding(outcome is self.outcome, outcome.value)

    def _chosen(self, builds: list[Build]) -> Build | None:
        place = self.build - 1 if self.build > 0 else self.build
        try:
            return builds[place]
        except IndexError:
            return None
