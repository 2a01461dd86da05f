"""Compare a file of the image with what it should be: `inspect: {step: 2, path: /app.txt, like: app.txt}`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.registry.image_entry import ImagePath
from lab.results.facts import Inspection
from lab.run.builders.table import builder_of
from lab.run.changes.kind import InContext, Octal
from lab.run.steps.kind import Known, Step
from lab.run.steps.work import IMAGE, Work


class Inspect(Step):
    """Read one path of an image; if it is not as it should be, the step that hit is a wrong hit.

    `step` is the number of the step that makes the path, the first one after FROM being 1. `like` is the object of the
    context that it must equal in bytes and mode; if the context has none, the image must have none either. `text`,
    `mode`, `owner` and `there` state these one by one. `only` are the variations whose trials are inspected; without it
    all are.
    """

    image: str = IMAGE
    step: Annotated[int, Field(ge=1)]
    path: Annotated[str, Field(pattern="^/")]
    like: InContext | None = None
    text: str | None = None
    mode: Octal | None = None
    owner: Annotated[str, Field(pattern=r"^\d+:\d+$")] | None = None
    there: bool = True
    only: tuple[str, ...] = ()

    def check(self, known: Known) -> None:
        """Refuse an image that this side has not built, and a step that does not exist."""
        known.need_built(self.image, self.side)
        if self.step > known.count:
            raise ValueError(f"it names step {self.step}, there are {known.count} steps")

    def run(self, work: Work) -> None:
        """Read the path as the builder does, and compare it."""
        if self.only and work.change_name not in self.only:
            return
        work.say("inspect")
        found = builder_of(work.station.engine.builder).read(work, work.reference_of(self.image), self.path)
        problems = self._problems(found, self._model(work))
        work.inspections.append(Inspection(step=self.step, path=self.path, problems=tuple(problems)))

    def _model(self, work: Work) -> Entry | None:
        entries = {entry.path: entry for entry in work.listing.entries} if work.listing else {}
        found = entries.get(self.like or "")
        first = entries.get(found.linkname) if found and found.kind is Kind.FILE else None
        return replace(first, path=found.path) if found and first else found  # of a hard link, the first name's bytes

    def _problems(self, found: ImagePath | None, model: Entry | None) -> list[str]:
        """What is not as it should be, each in a few words."""
        there = model is not None if self.like else self.there
        if found is None or not there:
            return [] if (found is not None) == there else ["it is missing" if there else "it is there"]
        problems = []
        mode = self.mode or (f"{model.mode:04o}" if model else None)
        if mode and int(mode, 8) != found.mode:
            problems.append(f"mode {found.mode:04o}, not {int(mode, 8):04o}")
        if self.owner and self.owner != found.owner:
            problems.append(f"owner {found.owner}, not {self.owner}")
        wanted = None if self.text is None else hashlib.sha256(self.text.encode()).hexdigest()
        if model and model.kind is Kind.FILE:
            content = model.content
            wanted = hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else model.sha256
        if wanted is not None and wanted != found.sha256:
            problems.append("other bytes")
        return problems
