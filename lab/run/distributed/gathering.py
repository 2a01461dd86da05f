"""The client's side of a distributed run: which cells there are, and what becomes of their results."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Sequence
from functools import partial

from distributed import Client

from lab.boxes.base import Tell
from lab.boxes.transcript import Transcript
from lab.buildkit.rulebook import Rulebook
from lab.errors import ConfigError, Fault, Interrupted, LabError
from lab.explain.predicted_trial import with_prediction
from lab.machines.ready import Ready
from lab.model import Begun, Progress, TrialKey
from lab.results.facts import BoxFacts
from lab.results.run import Base, Production, Trial
from lab.run import matrix, sequence
from lab.run.agenda import Agenda
from lab.run.crew import summary
from lab.run.distributed import tasks
from lab.run.distributed.cells import Cells
from lab.run.distributed.parcels import Failure, Order, Parcel
from lab.run.expectations import facts_of
from lab.run.manner import surprising
from lab.run.recorder import Recorder
from lab.run.same_boxes import fact_differences, is_known
from lab.run.scenarios import Scenario
from lab.workers import raise_first

BASE = "base"  # the name of the cell that makes the base image
HURRIED = 5.0  # seconds
Image = tuple[str, str]  # a box, and the engine that it builds with


class Gathering:
    """The cells of one run, and the run that is stored of them.

    First each box is prepared with each of its engines, and a producer builds and pushes. The trials are given to the
    scheduler after that, as in a run of one process: so each box makes them in the same order with the same commands.
    What they need is stored here and in the scheduler, because results of Dask are lost with the worker that has them.
    With `fail_fast`, no trial begins after the first that is not as expected.
    """

    def __init__(
        self,
        client: Client,
        order: Order,
        recorder: Recorder,
        transcript: Transcript,
        book: Rulebook,
        tell: Tell,
        *,
        deadline: float,
        fail_fast: bool = False,
    ) -> None:
        self.client = client
        self.order = order
        self.recorder = recorder
        self.transcript = transcript
        self.book = book
        self.tell = tell
        self.cells = Cells(client, order.token, deadline, self._begun)
        self.fail_fast = fail_fast
        self.agenda: Agenda
        self._facts: dict[Image, BoxFacts] = {}
        self._keys: dict[str, TrialKey] = {}
        self._left: Counter[str] = Counter()  # the trials of each consumer that have no result
        self._preparing: set[Image] = set()
        self._changed: dict[str, LabError] = {}  # boxes that are not what a resumed run has stored
        self._controls: set[TrialKey] = set()  # those without a result, for which the others wait
        self._started: set[str] = set()  # the cells that have begun
        self._ended = False  # no other trial begins
        self._base: Parcel | None = None
        self._store(tasks.ORDER, order)

    def base(self, box: str, engine: str) -> Base | None:
        """Make the base image on a box; the error of the box if it cannot be made."""
        self.tell(Progress(box, "making the base image"))
        self.cells.give(BASE, box, engine, self._take_base, tasks.base, box, engine)
        self.cells.work()
        assert self._base is not None
        if self._base.failure:
            raise self._base.failure.error()
        return self._base.base

    def trials(self, agenda: Agenda, scenario: Scenario, used: Sequence[Ready]) -> None:
        """Make every trial of the agenda, on whichever workers have its boxes; what cannot be made is marked."""
        self.agenda = agenda
        self._store(tasks.SCENARIO, scenario)
        agenda.engines = {item.box.name: list(item.engine_names) for item in used}
        agenda.plan()
        for item in used:
            for engine in item.engine_names:
                self._prepare(item.box.name, engine)
        self.cells.work()
        raise_first(self._changed)

    def __enter__(self) -> Gathering:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        """End all that was begun on the scheduler and on the workers; after Ctrl-C, nobody waits long for that."""
        hurried = kind is not None and issubclass(kind, KeyboardInterrupt | Interrupted)
        for parcel in self.cells.stop(HURRIED) if hurried else self.cells.stop():
            self._record(parcel)

    def _store(self, name: str, value: object) -> None:
        """Give the scheduler what each worker reads once; it stays there whichever workers are lost."""
        self.client.set_metadata([tasks.ROOT, self.order.token, name], pickle.dumps(value))

    def _take_base(self, parcel: Parcel) -> None:
        self._record(parcel)
        self._base = parcel

    def _prepare(self, box: str, engine: str) -> None:
        produces = self.agenda.needs_image(box, engine)
        self._preparing.add((box, engine))
        take = partial(self._prepared, (box, engine), produces)
        self.cells.give(f"{box}:{engine}", box, engine, take, tasks.prepare, box, engine, produces)

    def _prepared(self, image: Image, produces: bool, parcel: Parcel) -> None:
        """Store what a box says and what it has built; after the last one, give the trials that are possible."""
        self._record(parcel)
        try:
            self._take_prepared(image, parcel)
        except ConfigError as error:  # what needs this box is left for a run in which it is as it was
            self._changed[":".join(image)] = error
            self.tell(Progress(image[0], error.message, done=True, failed=True))
        else:
            self._use(image, produces, parcel.failure)
        self._preparing.remove(image)
        if not self._preparing:
            self._give_all()

    def _take_prepared(self, image: Image, parcel: Parcel) -> None:
        """Store what is new; ConfigError if a resumed run has other facts of the box."""
        for item in parcel.items:
            if isinstance(item, BoxFacts):
                self._facts[image] = item
                if not is_known(item, self.recorder.ground):
                    self.recorder.add(item)
            elif isinstance(item, Production):
                self.recorder.add(item)

    def _use(self, image: Image, produces: bool, failure: Failure | None) -> None:
        """Let trials use a box with an engine, or give up those that need it."""
        box, engine = image
        if failure:
            self.tell(Progress(box, failure.problem, failed=True))
            if produces:
                self.recorder.add(self._not_produced(image, failure))
            self._lose([key for key in self.agenda.left(box) if key.engine == engine], failure)
        else:
            self.agenda.ready.add(image)
            self.tell(Progress(box, f"prepared with {engine}"))
        self._publish(image)

    def _not_produced(self, image: Image, failure: Failure) -> Production:
        box, engine = image
        reference = self.order.store.reference(self.agenda.scenario.name, box, engine)
        part = len(self.recorder.ground.resumed)
        return Production(
            producer=box, engine=engine, reference=reference, part=part, problem=failure.problem, fault=failure.fault
        )

    def _publish(self, image: Image) -> None:
        """Give the scheduler what a rebuild needs of its producer, without what only the stored run needs."""
        made = self._production(image)
        if made and made.problem is None and image in self._facts:
            slim = made.model_copy(update={"build": None, "rounds": (), "image": None, "cache": None})
            self._store(tasks.made_by(*image), (self._facts[image], slim))

    def _production(self, image: Image) -> Production | None:
        productions = self.recorder.ground.productions
        return next((made for made in reversed(productions) if (made.producer, made.engine) == image), None)

    def _give_all(self) -> None:
        """Give the trials that are possible; of a project, those first whose outcomes the others are expected to have.

        The others follow when the last of the first has a result.
        """
        keys = [key for keys in self.agenda.possible().values() for key in keys]
        if self.agenda.scenario.project and (controls := list(filter(matrix.is_control, keys))):
            self._controls.update(controls)
            keys = controls
        for key in keys:
            if not self._ended:
                self._give(key)

    def _give(self, key: TrialKey) -> None:
        """Give a trial to the scheduler, or mark it if its producer has pushed no image."""
        self.agenda.begun.add(key)
        self._left[key.consumer] += 1
        source = self._production((key.producer, key.producer_engine))
        if source is not None and source.problem is not None:
            self.recorder.watch(Begun(key))
            self._add(sequence.broken(source, key))
            return
        name = str(key)
        self._keys[name] = key
        facts = (self._facts[key.consumer, key.engine], self._facts[key.producer, key.producer_engine])
        plan = self.agenda.expectation(key, facts_of(self.book, *facts))
        self.cells.give(name, key.consumer, key.engine, partial(self._made, key), tasks.rebuild, name, plan)

    def _made(self, key: TrialKey, parcel: Parcel) -> None:
        """Store a trial with what is predicted of it; one whose worker or box failed is stored as broken."""
        self._record(parcel)
        del self._keys[str(key)]
        failure = parcel.failure
        for item in parcel.items:
            if isinstance(item, BoxFacts) and (changed := fact_differences(self._facts[item.name, item.engine], item)):
                why = f"the box {item.name} of {parcel.worker} is another one: {'; '.join(changed)}"
                failure = Failure(Fault.BOX, why)
        found = next((item for item in parcel.items if isinstance(item, Trial)), None)
        if failure is None and found is None:
            failure = Failure(Fault.BOX, f"the worker {parcel.worker} sent no result")
        if failure:
            self._lose([key], failure)
        elif found:
            self._add(with_prediction(self.recorder.ground, found, self.book))

    def _lose(self, keys: Sequence[TrialKey], failure: Failure) -> None:
        """Store these trials as broken, as those of a box that was lost."""
        for key in keys:
            if key not in self.agenda.begun:
                self.agenda.begun.add(key)
                self._left[key.consumer] += 1
            source = self._production((key.producer, key.producer_engine))
            update = {"problem": failure.problem, "fault": failure.fault, "part": source.part if source else 0}
            self._add(sequence.as_trial(key).model_copy(update=update))

    def _add(self, trial: Trial) -> None:
        self.recorder.add(trial)
        self.tell(Progress(trial.consumer, summary(trial)))
        self._left[trial.consumer] -= 1
        if not self._left[trial.consumer]:
            self.tell(Progress(trial.consumer, "all trials made", done=True))
        if self.fail_fast and surprising(trial):
            self._end()
        if trial.key in self._controls:
            self._controls.remove(trial.key)
            if not self._controls:
                self._give_all()

    def _end(self) -> None:
        """Begin no other trial; a trial that a worker makes ends."""
        self._ended = True
        self.cells.withdraw([name for name in self._keys if name not in self._started])

    def _record(self, parcel: Parcel) -> None:
        """Write what came home with a cell: contexts, commands, and what was tried again."""
        for packed in parcel.contexts:
            self.recorder.keep(packed)
        for box, about, result in parcel.exchanges:
            self.transcript.record(box, about, result)
        for notice in parcel.notices:
            self.recorder.hear(notice)

    def _begun(self, name: str) -> None:
        """Report a cell that has begun."""
        self._started.add(name)
        if key := self._keys.get(name):
            self.recorder.watch(Begun(key))
