"""A run in progress: stored as it grows, and reported to a listener."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from lab.model import Filled, RunEvent
from lab.notices import Notice, Retried
from lab.report.table import table
from lab.results import journal
from lab.results import run as results
from lab.results.contexts import Packed
from lab.results.facts import BoxFacts
from lab.results.rates import rates_of
from lab.results.run import GatheredContext, Production, RetryFacts, Run, Trial

Watch = Callable[[RunEvent], None]


def unwatched(event: RunEvent) -> None:
    """The listener of a run that nobody follows."""


class Recorder:
    """The run so far; safe to use from the threads of all boxes.

    A trial is appended to trials.jsonl. Any other change writes run.json whole. The table is drawn by `close` only.
    """

    def __init__(self, folder: Path, run: Run, watch: Watch = unwatched) -> None:
        self.folder = folder
        self.run = run
        self.watch = watch
        self._lock = threading.Lock()
        self._contexts: dict[str, GatheredContext] = {}  # not stored yet, like the contents
        self._contents: dict[str, str] = {}

    def update(self, **changes: object) -> None:
        """Set fields of the run and write run.json."""
        with self._lock:
            self.run = self.run.model_copy(update=changes)
            self._save()

    def add(self, item: BoxFacts | Production | Trial) -> None:
        """Store the facts of a box, a production or a trial."""
        field = {BoxFacts: "boxes", Production: "productions", Trial: "trials"}[type(item)]
        with self._lock:
            before = getattr(self.run, field)
            # the trials that a resumed run makes again: their new result takes the place of the stored failure
            kept = tuple(one for one in before if not (isinstance(item, Trial) and one.name == item.name))
            self.run = self.run.model_copy(update={field: (*kept, item)})
            if isinstance(item, Trial) and len(kept) == len(before):
                self._append(item)
            else:
                self._save()
        if isinstance(item, Trial):
            outcomes = tuple(step.outcome for step in item.build.steps) if item.build else ()
            sent = item.build.context_bytes if item.build else None
            self.watch(Filled(item.key, outcomes, item.verdict, sent, item.seconds))

    def keep(self, packed: Packed) -> str:
        """Add a context with the contents of its files, each once; it is stored with the trial that names it."""
        with self._lock:
            if packed.key not in self.run.contexts:
                self._contexts[packed.key] = packed.context
            new = {name: text for name, text in packed.contents.items() if name not in self.run.contents}
            self._contents |= new
            contexts = {**self.run.contexts, packed.key: packed.context}
            self.run = self.run.model_copy(update={"contexts": contexts, "contents": {**self.run.contents, **new}})
        return packed.key

    def hear(self, notice: Notice) -> None:
        """Count what lab had to try again; it is stored with the next change of the run."""
        if not isinstance(notice, Retried):
            return
        with self._lock:
            counted = {(item.who, item.what): item for item in self.run.retries}
            key = (notice.who, notice.what)
            times = counted[key].times + 1 if key in counted else 1
            counted[key] = RetryFacts(who=notice.who, what=notice.what, times=times, why=notice.why)
            self.run = self.run.model_copy(update={"retries": tuple(counted.values())})

    def close(self) -> None:
        """Write run.json whole, with the hit rates of repeated trials, and the table beside it."""
        with self._lock:
            self.run = self.run.model_copy(update={"rates": rates_of(self.run)})
            self._save(table(self.run))

    def _append(self, trial: Trial) -> None:
        contexts = {key: context.model_dump(mode="json") for key, context in self._contexts.items()}
        journal.append(self.folder, trial.model_dump_json(), contexts, self._contents)
        self._contexts, self._contents = {}, {}

    def _save(self, drawn: str | None = None) -> None:
        results.save(self.folder, self.run, drawn)
        self._contexts, self._contents = {}, {}
