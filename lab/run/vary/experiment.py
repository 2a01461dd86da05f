"""One run of `lab vary`: the control, the deliberate miss, then each axis that may miss, spot checks, and remedies."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lab.engines.engine import Engine
from lab.errors import BY_FAULT, Fault, Interrupted
from lab.explain.build_values import flag
from lab.explain.rules_of_box import known_of
from lab.explain.upstream import Upstream
from lab.model import CONTROL, Begun, Outcome, Planned, Progress, Verdict
from lab.registry.client import read_image
from lab.results.facts import NamedImage
from lab.results.run import Trial
from lab.results.varied import RemedyFacts, VaryFacts
from lab.run.instructions import stages_of
from lab.run.recorder import Watch, unwatched
from lab.run.vary import costs
from lab.run.vary.answers import Answers, Prepared, contradicts
from lab.run.vary.axes.contents import changed_byte
from lab.run.vary.axis import Axis, NotHereError, Scene, Variant
from lab.run.vary.bench import UNCHANGED, Bench, Looked
from lab.run.vary.between.comparison import Comparison
from lab.run.vary.between.searching import Built, Sides, search
from lab.run.vary.between.second import SecondBox, built_by, sides_of
from lab.run.vary.dockerfiles import with_variable
from lab.run.vary.picking import a_file
from lab.run.vary.proof import in_short, misses, outcomes_of, problem
from lab.run.vary.remedies.candidate import Missed
from lab.run.vary.remedies.grounds import ground_of
from lab.run.vary.remedies.trying import Trying
from lab.run.vary.request import Request
from lab.run.vary.scene import scene_of
from lab.workers import stopping

DELIBERATE = "changed-byte"  # the variation that must miss


@dataclass
class Experiment:
    """The axes of one run, and what was found so far. `second` is the other of two machines that are compared."""

    request: Request
    bench: Bench
    upstream: Upstream
    engines: Mapping[str, Callable[[], Engine]]
    watch: Watch = unwatched
    second: SecondBox | None = None
    deliberate: Trial | None = None
    planned: list[str] = field(default_factory=list)  # the variations of all trials that are known by now
    prepared: list[Prepared] = field(default_factory=list)
    contradicted: list[str] = field(default_factory=list)
    scene: Scene | None = None
    deliberate_what: str = ""
    remedies: tuple[RemedyFacts, ...] = ()
    comparison: Comparison | None = None
    answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        self.answers = Answers(self.bench, self.upstream)

    @property
    def control(self) -> Trial | None:
        """The rebuild without a change."""
        return self.answers.control

    def make(self) -> None:
        """Make all trials; what was found is stored however this ends."""
        try:
            self._compare_sides()
            self._produce()
            self._plan([CONTROL, DELIBERATE])
            self.scene = scene_of(self.bench, self.engines)
            self.answers.control = self._trial(CONTROL, UNCHANGED)
            self._measure()
            changed = self._deliberate()
            self.deliberate_what = changed.what
            self.deliberate = self._trial(DELIBERATE, changed)
            self._compare_boxes()
            self._look()
            self._build()
            self._confirm()
            self.store()
            if self.request.remedies and self.problem() is None:
                self.remedies = tuple(self._trying(self.scene).every())
        finally:
            self.store()

    def store(self) -> None:
        """Store the answers so far with the run."""
        axes = (*self.request.axes, *(self.comparison.axes if self.comparison else ()))
        order = {axis.name: number for number, axis in enumerate(axes)}
        found = sorted(self.answers.facts.values(), key=lambda item: order[item.name])
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
                sizes=self.answers.sizes,
                remedies=self.remedies,
                between=self.comparison.facts if self.comparison else None,
            )
        )

    def problem(self) -> str | None:
        """Why the run proves nothing; None if the control hit and the deliberate change missed."""
        return problem(self.control, self.deliberate, self.deliberate_what, self.bench.run.instructions)

    def left(self) -> tuple[str, ...]:
        """The axes without an answer; none where two sides are compared, since the comparison makes the axes."""
        if self.request.sides or self.second:
            return ()
        return tuple(axis.name for axis in self.request.axes if axis.name not in self.answers.facts)

    def _trying(self, scene: Scene) -> Trying:
        """What tries the remedies for the axes that miss."""
        missed = [
            Missed(item.axis.name, item.variant, step)
            for item in self.prepared
            if (step := self.answers.facts[item.axis.name].step)
        ]
        ground = ground_of(self.bench, scene, self.request.project, missed)
        return Trying(self.bench, ground, self.bench.recorder.folder)

    def _compare_sides(self) -> None:
        """Bisect the difference of two sides, if the request names them: the axes come from it."""
        both, project = self.request.sides, self.request.project
        if both is None or project is None:
            return
        scenario = self.bench.scenario
        built = Built(
            scenario.dockerfile,
            scenario.instructions,
            project.options,
            project.request.target,
            project.objects,
            project.objects,
        )
        self._search(built, both)

    def _compare_boxes(self) -> None:
        """Rebuild on the second machine, if there is one, and bisect the difference of the files of both."""
        if self.second is None or self.control is None or self.problem():
            return
        bench, names = self.bench, (self.bench.box.name, self.second.box.name)
        bench.tell(Progress(names[1], f"rebuild the image of {names[0]}"))
        self.watch(Begun(self.second.key(bench)))
        there = self.second.rebuild(bench, self.control)
        _not_stopped(names[1])
        self._search(built_by(bench, self.control, self.request.project), sides_of(bench, there, names))
        assert self.comparison is not None
        reason = in_short(there.problem) if there.problem else None
        update = {"there": outcomes_of(there), "there_problem": reason}
        self.comparison.facts = self.comparison.facts.model_copy(update=update)

    def _search(self, built: Built, both: Sides) -> None:
        bench = self.bench
        known = known_of(bench.book, bench.station(bench.engine).facts)
        found = search(built, both, known.rules if known else bench.book.newest)
        self.comparison = Comparison(found, self.answers, self._trial, found.facts)
        self.request = replace(self.request, axes=found.axes, every=True)
        bench.scenario = replace(bench.scenario, prepare=(*bench.scenario.prepare, *found.prepare))

    def _confirm(self) -> None:
        """Bisect the difference of two sides on the engine where the prediction was wrong."""
        if self.comparison and self.problem() is None:
            wrong = self.comparison.confirm()
            self.contradicted += [name for name in wrong if name not in self.contradicted]

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
        self.answers.sizes = tuple(found)

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
                self.answers.skip(axis, str(error))
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
                self.answers.predict(item)
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
        name = item.axis.name
        try:
            trial = self._trial(name, item.variant)
        except NotHereError as error:
            self.answers.skip(item.axis, str(error), item.variant.what)
            return
        if contradicts(trial, outcomes_of(self.control), spot=spot):
            self.contradicted.append(name)
        self.answers.show(item.axis, item.variant.what, trial, spot=spot)

    def _trial(self, name: str, variant: Variant) -> Trial:
        if name not in self.planned:
            self._plan([*self.planned, name])
        self.watch(Begun(self.bench.key_of(name, variant)))
        trial = self.bench.build(name, variant, self.control)
        _not_stopped(name)
        if name == DELIBERATE and self.control and misses(trial, outcomes_of(self.control)):
            trial = trial.model_copy(update={"verdict": Verdict.AS_EXPECTED, "because": "it must miss"})
        self.bench.recorder.add(trial)
        return trial

    def _plan(self, names: Sequence[str]) -> None:
        run, self.planned = self.bench.run, list(names)
        variants = {item.axis.name: item.variant for item in self.prepared}
        keys = tuple(self.bench.key_of(name, variants.get(name, UNCHANGED)) for name in names)
        keys += (self.second.key(self.bench),) if self.second else ()
        self.watch(Planned(run.name, run.scenario, run.lineup, run.started, run.instructions, keys))


def _not_stopped(what: str) -> None:
    """Raise Interrupted after Ctrl-C: connections are closed then, so a trial made since has no result."""
    if stopping.is_set():
        raise Interrupted(f"stopped during {what}")
