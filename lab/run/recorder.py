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
from lab.results.facts import BoxFacts, RetryFacts
from lab.results.rates import rates_of
from lab.results.run import GatheredContext, Production, Run, Trial

Watch = Callable[[RunEvent], None]
KINDS = {BoxFacts: "box", Production: "production", Trial: "trial"}  # the words of trials.jsonl


def unwatched(event: RunEvent) -> None:
    """The listener of a run that nobody follows."""


class Recorder:
    """The run so far; safe to use from the threads of all boxes.

    A trial, a production and the facts of a box are appended to trials.jsonl, so that a run of any size is stored in
    linear time. Any other change writes run.json whole. The table is drawn by `close` only.
    """

    def __init__(self, folder: Path, run: Run, watch: Watch = unwatched) -> None:
        self.folder = folder
        self.watch = watch
        self._lock = threading.Lock()
        self._trials: dict[str, Trial] = {}
        self._boxes: list[BoxFacts] = []
        self._productions: list[Production] = []
        self._ground = run
        self._whole: Run | None = None
        self._set(run)
        self._contexts: dict[str, GatheredContext] = {}  # not stored yet, like the contents
        self._contents: dict[str, str] = {}
        self._is_stored = (folder / "run.json").exists()  # of a resumed run; lines alone are no run

    @property
    def run(self) -> Run:
        """The run so far; it is built again only if something was stored since it was read last."""
        with self._lock:
            return self._current()

    @property
    def ground(self) -> Run:
        """The run so far without its trials, which costs the same whatever their number."""
        with self._lock:
            return self._without_trials()

    def update(self, **changes: object) -> None:
        """Set fields of the run and write run.json."""
        with self._lock:
            self._set(self._current().model_copy(update=changes))
            self._save()

    def add(self, item: BoxFacts | Production | Trial) -> None:
        """Store the facts of a box, a production or a trial."""
        with self._lock:
            self._whole, again = None, False
            if isinstance(item, Trial):
                # a resumed run makes failed trials again: the new result takes the place of the stored failure
                again = self._trials.pop(item.name, None) is not None
                self._trials[item.name] = item
            elif isinstance(item, BoxFacts):
                self._boxes.append(item)
            else:
                self._productions.append(item)
            if again or not self._is_stored:
                self._save()
            else:
                self._append(item)
        if isinstance(item, Trial):
            outcomes = tuple(step.outcome for step in item.build.steps) if item.build else ()
            sent = item.build.context_bytes if item.build else None
            self.watch(Filled(item.key, outcomes, item.verdict, sent, item.seconds))

    def keep(self, packed: Packed) -> str:
        """Add a context with the contents of its files, each once; it is stored with the next thing that is added."""
        with self._lock:
            run = self._ground
            if packed.key not in run.contexts:
                run.contexts[packed.key] = self._contexts[packed.key] = packed.context
            new = {name: text for name, text in packed.contents.items() if name not in run.contents}
            self._contents |= new
            run.contents.update(new)
        return packed.key

    def hear(self, notice: Notice) -> None:
        """Count what lab had to try again; it is stored with the next change of the run."""
        if not isinstance(notice, Retried):
            return
        with self._lock:
            counted = {(item.who, item.what): item for item in self._ground.retries}
            key = (notice.who, notice.what)
            times = counted[key].times + 1 if key in counted else 1
            counted[key] = RetryFacts(who=notice.who, what=notice.what, times=times, why=notice.why)
            self._ground = self._ground.model_copy(update={"retries": tuple(counted.values())})
            self._whole = None

    def close(self) -> None:
        """Write run.json whole, with the hit rates of repeated trials, and the table beside it."""
        with self._lock:
            run = self._current()
            self._set(run.model_copy(update={"rates": rates_of(run)}))
            self._save(table(self._current()))

    def _set(self, run: Run) -> None:
        """Take a run apart: what grows is in lists and dictionaries that `add` and `keep` extend in place."""
        self._trials = {trial.name: trial for trial in run.trials}
        self._boxes, self._productions = list(run.boxes), list(run.productions)
        own = {"contexts": dict(run.contexts), "contents": dict(run.contents), "trials": ()}
        self._ground = run.model_copy(update=own)
        self._whole = None

    def _without_trials(self) -> Run:
        run = self._ground
        if (len(run.boxes), len(run.productions)) != (len(self._boxes), len(self._productions)):
            grown = {"boxes": tuple(self._boxes), "productions": tuple(self._productions)}
            self._ground = run.model_copy(update=grown)
        return self._ground

    def _current(self) -> Run:
        if self._whole is None:
            self._whole = self._without_trials().model_copy(update={"trials": tuple(self._trials.values())})
        return self._whole

    def _append(self, item: BoxFacts | Production | Trial) -> None:
        contexts = {key: context.model_dump(mode="json") for key, context in self._contexts.items()}
        journal.append(self.folder, KINDS[type(item)], item.model_dump_json(), contexts, self._contents)
        self._contexts, self._contents = {}, {}

    def _save(self, drawn: str | None = None) -> None:
        results.save(self.folder, self._current(), drawn)
        self._is_stored = True
        self._contexts, self._contents = {}, {}
