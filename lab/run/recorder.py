"""A run as it grows: saved whole after every change, and told to whoever follows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from lab.model import Filled, RunEvent
from lab.report.table import table
from lab.results import run as results
from lab.results.contexts import Packed
from lab.results.run import BoxFacts, Production, Run, Trial

Watch = Callable[[RunEvent], None]


def unwatched(event: RunEvent) -> None:
    """Nobody follows the run trial by trial."""


class Recorder:
    """The run so far, saved whole after every change; safe to use from every box's thread."""

    def __init__(self, folder: Path, run: Run, watch: Watch = unwatched) -> None:
        self.folder = folder
        self.run = run
        self.watch = watch
        self._lock = threading.Lock()

    def update(self, **changes: object) -> None:
        """Set fields of the run and save it."""
        with self._lock:
            self._save(self.run.model_copy(update=changes))

    def add(self, item: BoxFacts | Production | Trial) -> None:
        """Add one box's facts, one production or one trial, and save the run."""
        field = {BoxFacts: "boxes", Production: "productions", Trial: "trials"}[type(item)]
        with self._lock:
            have = getattr(self.run, field)
            self._save(self.run.model_copy(update={field: (*have, item)}))
        if isinstance(item, Trial):
            outcomes = tuple(step.outcome for step in item.build.steps) if item.build else ()
            sent = item.build.context_bytes if item.build else None
            self.watch(Filled(item.key, outcomes, item.verdict, sent, item.seconds))

    def keep(self, packed: Packed) -> str:
        """Store a context with the contents of its files, each once; saved with the trial that names it."""
        with self._lock:
            contexts = {**self.run.contexts, packed.key: packed.context}
            contents = {**self.run.contents, **packed.contents}
            self.run = self.run.model_copy(update={"contexts": contexts, "contents": contents})
        return packed.key

    def _save(self, run: Run) -> None:
        self.run = run
        results.save(self.folder, run, table(run))
