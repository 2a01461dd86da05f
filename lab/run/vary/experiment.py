"""One run of `lab vary`: the control, the deliberate miss, then each axis that may miss, spot checks, and remedies."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lab.engines.engine import Engine
from lab.errors import BY_FAULT, Fault, Interrupted
from lab.explain.build_values import flag
from lab.explain.rules_of_box import known_of
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.model import CONTROL, Begun, Outcome, Planned, Progress, Verdict
from lab.registry.client import read_image
from lab.report.prediction import Prediction, prediction
from lab.results.facts import NamedImage
from lab.results.run import Trial
from lab.results.varied import AxisFacts, BetweenFacts, RemedyFacts, State, VaryFacts
from lab.run.instructions import stages_of
from lab.run.recorder import Watch, unwatched
from lab.run.vary import costs
from lab.run.vary.axes.contents import changed_byte
from lab.run.vary.axis import Axis, NotHereError, Scene, Variant
from lab.run.vary.bench import UNCHANGED, Bench, Looked
from lab.run.vary.between.searching import search
from lab.run.vary.dockerfiles import with_variable
from lab.run.vary.picking import a_file
from lab.run.vary.proof import in_short, is_miss, misses, outcomes_of, problem
from lab.run.vary.remedies.candidate import Missed
from lab.run.vary.remedies.grounds import ground_of
from lab.run.vary.remedies.trying import Trying
from lab.run.vary.request import Request
from lab.run.vary.scene import scene_of
from lab.workers import stopping

NO_MODEL = "it is another builder, of whose cache lab has no model"
DELIBERATE = "changed-byte"  # the variation that must miss


@dataclass
class Prepared:
    """One axis at work: what it is here, what its look found, and whether an engine must build it."""

    axis: Axis
    variant: Variant
    looked: Looked
    same: bool


@dataclass
class Experiment:
    """The axes of one run, and what was found so far."""

    request: Request
    bench: Bench
    upstream: Upstream
    engines: Mapping[str, Callable[[], Engine]]
    watch: Watch = unwatched
    facts: dict[str, AxisFacts] = field(default_factory=dict)
    control: Trial | None = None
    deliberate: Trial | None = None
    prepared: list[Prepared] = field(default_factory=list)
    contradicted: list[str] = field(default_factory=list)
    sizes: tuple[int | None, ...] = ()
    scene: Scene | None = None
    deliberate_what: str = ""
    remedies: tuple[RemedyFacts, ...] = ()
    between: BetweenFacts | None = None

    def make(self) -> None:
        """Make all trials; what was found is stored however this ends."""
        try:
            self._search()
            self._produce()
            self._plan([CONTROL, DELIBERATE])
            self.scene = scene_of(self.bench, self.engines)
            self.control = self._trial(CONTROL, UNCHANGED)
            self._measure()
            changed = self._deliberate()
            self.deliberate_what = changed.what
            self.deliberate = self._trial(DELIBERATE, changed)
            self._look()
            self._build()
            self.store()
            if self.request.remedies and self.problem() is None:
                self.remedies = tuple(self._trying(self.scene).every())
        finally:
            self.store()

    def store(self) -> None:
        """Store the answers so far with the run."""
        order = {axis.name: number for number, axis in enumerate(self.request.axes)}
        found = sorted(self.facts.values(), key=lambda item: order[item.name])
        self.bench.recorder.update(
            vary=VaryFacts(
                engine=self.bench.engine.name,
                seed=self.request.seed,
                axes=tuple(found),
                control=outcomes_of(self.control),
                deliberate=outcomes_of(self.deliberate),
                deliberate_what=self.deliberate_what,
                problem=self.problem(),
                contradicted=tuple(self.contradicted),
                sizes=self.sizes,
                remedies=self.remedies,
                between=self.between,
            )
        )

    def problem(self) -> str | None:
        """Why the run proves nothing; None if the control hit and the deliberate change missed."""
        return problem(self.control, self.deliberate, self.deliberate_what, self.bench.run.instructions)

    def left(self) -> tuple[str, ...]:
        """The axes without an answer."""
        return tuple(axis.name for axis in self.request.axes if axis.name not in self.facts)

    def _trying(self, scene: Scene) -> Trying:
        """What tries the remedies for the axes that miss."""
        missed = [
            Missed(item.axis.name, item.variant, step)
            for item in self.prepared
            if (step := self.facts[item.axis.name].step)
        ]
        ground = ground_of(self.bench, scene, self.request.project, missed)
        return Trying(self.bench, ground, self.bench.recorder.folder)

    def _search(self) -> None:
        """Bisect the difference of two sides, if the request names them: the axes come from it."""
        both, project, bench = self.request.sides, self.request.project, self.bench
        if both is None or project is None:
            return
        facts = bench.station(bench.engine).facts
        known = known_of(bench.book, facts)
        rules = known.rules if known else bench.book.newest
        found = search(project, bench.scenario.dockerfile, bench.run.instructions, both, rules)
        self.between = found.facts
        self.request = replace(self.request, axes=found.axes, every=True)
        bench.scenario = replace(bench.scenario, prepare=(*bench.scenario.prepare, *found.prepare))

    def _produce(self) -> None:
        production = self.bench.produce(self.bench.scenario)
        self.bench.recorder.add(production)
        if production.problem:
            lines = production.problem.splitlines()
            raise BY_FAULT[production.fault or Fault.COMMAND](
                f"cannot vary {self.bench.scenario.name}: its own build fails: {lines[0]}",
                output="\n".join(lines[1:]),
                hint="a RUN that needs a network can be replaced by --stub-runs, a base image by --base"
                if self.request.project
                else None,
            )

    def _deliberate(self) -> Variant:
        """The change that must miss: another byte in the first copied file, else a variable before every RUN."""
        assert self.scene is not None
        try:
            return changed_byte(a_file(self.scene))
        except NotHereError:
            text = with_variable(self.scene.text, self.scene.parsed)
            return Variant("a variable at the start of each stage", dockerfile=text)

    def _measure(self) -> None:
        bench = self.bench
        stages = stages_of(
            bench.scenario.dockerfile, bench.run.instructions, flag("target", bench.scenario.options.words)
        )
        found = costs.sizes(bench.box, bench.engine, bench.production.reference, bench.run.instructions, stages)
        self.sizes = tuple(found)

    def _look(self) -> None:
        """Make each difference on the box without a build, and predict it."""
        assert self.scene is not None
        base = self.bench.look("unchanged", UNCHANGED)
        for axis in self.request.axes:
            _not_stopped(axis.name)
            self.bench.tell(Progress(self.bench.box.name, f"look at {axis.name}"))
            try:
                variant = axis.make(self.scene)
                looked = self.bench.look(axis.name, variant)
                if variant.shows and looked.shows(*variant.shows) == base.shows(*variant.shows):
                    path, name = variant.shows
                    raise NotHereError(f"the file system of this box does not keep it: {name} of {path} is the same")
                if variant.named:
                    looked = self._with_images(axis, variant)
            except NotHereError as error:
                self._answer(axis, None, State.SKIPPED, reason=str(error))
                continue
            wanted = base.trial.predicted
            same = looked.trial.predicted == wanted and Outcome.UNKNOWN not in (wanted or ())
            self.prepared.append(Prepared(axis, variant, looked, same))

    def _with_images(self, axis: Axis, variant: Variant) -> Looked:
        """The prediction with the images that the look has made."""
        known = self.bench.run.bases
        new = [NamedImage(reference=name, image=read_image(name, self.bench.registry)) for name in variant.named]
        self.bench.recorder.update(bases=(*known, *new))
        again = Variant(variant.what, variant.changes, variant.dockerfile, variant.engine, variant.place)
        return self.bench.look(axis.name, again)

    def _build(self) -> None:
        """Build what may miss, then the spot checks; one that an engine contradicts makes all others run."""
        needed = [item for item in self.prepared if self.request.every or not item.same]
        rest = [item for item in self.prepared if item not in needed]
        spots = random.Random(self.request.seed).sample(rest, min(self.request.spots, len(rest)))
        self._plan([CONTROL, DELIBERATE, *(item.axis.name for item in (*needed, *spots))])
        for item in rest:
            if item not in spots:
                self._answer(item.axis, item, State.PREDICTED)
        for item in needed:
            self._ran(item, spot=item.same)
        for item in spots:
            self._ran(item, spot=True)
        if self.contradicted:
            left = [item for item in rest if item not in spots]
            names = ", ".join(self.contradicted)
            self.bench.tell(
                Progress(self.bench.box.name, f"CONTRADICTED: {names}, so the other axes are built too", failed=True)
            )
            for item in left:
                self._ran(item, spot=True)

    def _ran(self, item: Prepared, *, spot: bool) -> None:
        trial = self._trial(item.axis.name, item.variant)
        before = outcomes_of(self.control)
        failed = trial.build is None or any(
            step.outcome in (Outcome.ERROR, Outcome.UNKNOWN) for step in trial.build.steps
        )
        if (spot and (failed or outcomes_of(trial) != before)) or prediction(trial) is Prediction.CONTRADICTED:
            self.contradicted.append(item.axis.name)
        if failed:
            self._answer(
                item.axis, item, State.FAILED, trial=trial, reason=in_short(trial.problem or "the reason is not known")
            )
        else:
            self._answer(item.axis, item, State.RAN, trial=trial, spot=spot)

    def _trial(self, name: str, variant: Variant) -> Trial:
        self.watch(Begun(self.bench.key_of(name, variant)))
        trial = self.bench.build(name, variant, self.control)
        _not_stopped(name)
        if name == DELIBERATE and self.control and misses(trial, outcomes_of(self.control)):
            trial = trial.model_copy(update={"verdict": Verdict.AS_EXPECTED, "because": "it must miss"})
        self.bench.recorder.add(trial)
        return trial

    def _plan(self, names: Sequence[str]) -> None:
        run = self.bench.run
        variants = {item.axis.name: item.variant for item in self.prepared}
        keys = tuple(self.bench.key_of(name, variants.get(name, UNCHANGED)) for name in names)
        self.watch(Planned(run.name, run.scenario, run.lineup, run.started, run.instructions, keys))

    def _answer(
        self,
        axis: Axis,
        item: Prepared | None,
        state: State,
        *,
        trial: Trial | None = None,
        reason: str | None = None,
        spot: bool = False,
    ) -> None:
        update: dict[str, object] = {}
        if item and state is State.PREDICTED:
            update = {"outcomes": item.looked.trial.predicted or ()}
        if trial:
            update = {"trial": trial.name, "outcomes": outcomes_of(trial)}
            update |= self._of_miss(trial) if state is State.RAN else {}
        what = item.variant.what if item else ""
        self.facts[axis.name] = AxisFacts(
            name=axis.name, summary=axis.summary, what=what, state=state, reason=reason, spot=spot
        ).model_copy(update=update)

    def _of_miss(self, trial: Trial) -> dict[str, object]:
        """The first step that missed, its cause and its cost."""
        before = outcomes_of(self.control)
        if not misses(trial, before) or trial.build is None:
            return {}
        steps = trial.build.steps
        first = next(step for step, was in zip(steps, before, strict=False) if is_miss(step.outcome, was))
        explained = explain(subject(self.bench.run, trial, self.bench.book), self.upstream)
        why = next((item.sentence for item in explained.steps if item.instruction == first.instruction), None)
        if trial.engine.endswith("+classic"):
            why = NO_MODEL
        return {
            "step": first.instruction,
            "cause": why,
            "cost": costs.cost(steps, before, self.sizes),
        }


def _not_stopped(what: str) -> None:
    """Raise Interrupted after Ctrl-C: connections are closed then, so a trial made since has no result."""
    if stopping.is_set():
        raise Interrupted(f"stopped during {what}")
