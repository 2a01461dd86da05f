"""One run from the wish to the stored result: registry, base image, scenario, then the trials of all boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import Transcript
from lab.buildkit.rulebook import Rulebook
from lab.engines.engine import Engine
from lab.machines.ready import Ready
from lab.notices import Listener, listening
from lab.project import Project
from lab.registry import names, server
from lab.registry.ahead import Ahead
from lab.registry.client import read_image
from lab.registry.server import Registry
from lab.results.facts import ImageFacts, NamedImage
from lab.results.run import Base, Run
from lab.results.shelf import create_folder
from lab.run import base_image, web_address
from lab.run.asking import asking
from lab.run.builders.caching import INLINE
from lab.run.builders.table import clients_of, fitting, names_with, with_builders
from lab.run.crew import Crew
from lab.run.recorder import Recorder, Watch, unwatched
from lab.run.requirements import check_builders, check_clock, check_reach, check_versions
from lab.run.resuming import begun, check_setting, keep_plan, opened
from lab.run.scenarios import Scenario
from lab.run.steps.table import stored as stored_steps
from lab.run.taking_part import check_engines, narrow
from lab.run.wish import Wish


@contextmanager
def beginning(cast: Cast, project: Project) -> Iterator[tuple[Path, Run, Transcript]]:
    """The folder, the run and the transcript of a new run, or of the stored one that is resumed.

    The run does not name its registry yet, unless it is resumed.
    """
    wish, started, stored = cast.wish, datetime.now(UTC), cast.wish.course.stored
    folder = stored.folder if stored else create_folder(project.results, cast.draft.name, started)
    with ExitStack() as stack:
        if wish.course.words is not None:
            stack.enter_context(keep_plan(folder, wish.course.words))
        run = begun(wish.course, folder.name, cast.draft, wish.lineup, started)
        transcript = opened(folder, run)
        stack.callback(transcript.close)
        yield folder, run if stored else run.model_copy(update={"fresh": wish.manner.fresh}), transcript


@contextmanager
def serving(
    wish: Wish, project: Project, tell: Tell, registry: Registry | Ahead | None, boxes: Sequence[Box]
) -> Iterator[Registry]:
    """The registry of a run: `registry` if it serves already, else the one that the wish names, or one of its own.

    `boxes` are those of this process, which a registry of the run's own must reach.
    """
    if isinstance(registry, Registry):
        yield registry
    elif registry:
        with registry.serving(boxes) as store:
            yield store
    else:
        with server.serve(wish.registry, wish.registry_port, tell, store=project.state, boxes=boxes) as store:
            yield store


@contextmanager
def recording(
    folder: Path,
    run: Run,
    store: Registry,
    watch: Watch,
    listen: Callable[[Listener], AbstractContextManager[None]],
) -> Iterator[Recorder]:
    """The recorder of a run whose images go to this registry; `listen` gives it what is noticed within the context."""
    recorder = Recorder(folder, run.model_copy(update={"registry": run.registry or store.prefix}), watch)
    with ExitStack() as stack:
        stack.callback(recorder.close)
        stack.enter_context(listen(recorder.hear))
        recorder.update()
        yield recorder


def perform(
    wish: Wish,
    ready: Sequence[Ready],
    project: Project,
    tell: Tell,
    watch: Watch = unwatched,
    registry: Registry | Ahead | None = None,
) -> tuple[Path, Run]:
    """Make the trials of the wish on boxes that are up; returns the run's folder and the run. `watch` follows it.

    `registry` is one that serves already, or that was started ahead; without it, the run has the one that the wish
    names, or one of its own. Producers build side by side, then consumers rebuild side by side, each box one trial at a
    time. A box that fails costs only its own trials. However the run ends, what it has stored is readable, with the
    table beside it.
    A stored run is resumed in its own folder, which the caller holds.
    """
    cast = cast_of(wish, ready)
    with ExitStack() as stack:
        folder, run, transcript = stack.enter_context(beginning(cast, project))
        recorded = {item.box.name: RecordingBox(item.box, transcript) for item in cast.used}
        answers = stack.enter_context(asking(cast.used, transcript, project.state))
        store = stack.enter_context(serving(wish, project, tell, registry, [item.box for item in cast.ready]))
        recorder = stack.enter_context(recording(folder, run, store, watch, listening))
        store.hide(recorded.values())
        stack.enter_context(server.doors(store, [item.box for item in cast.used]))
        base = base_image.make(wish.base_image, store, *base_maker(cast.producers, recorded), tell)
        web = stack.enter_context(web_address.reserved(project.state)) if cast.draft.serves else web_address.USUAL
        scenario = wish.load(base.reference if base else "scratch", web)
        settle(cast, recorder, scenario, base, store)
        crew = Crew(
            scenario,
            recorder,
            recorded,
            store,
            rulebook(project.boxes),
            tell,
            thorough=bool(wish.variations),
            consumer_engines=cast.wish.consumer_engines,
            producer_engines=cast.wish.producer_engines,
            manner=wish.manner,
            course=wish.course,
            state=project.state,
            answers=answers,
        )
        crew.trials(cast.producers, cast.consumers, cast.draft.variations(wish.variations))
        if not crew.agenda.missing():
            recorder.update(complete=True, finished=datetime.now(UTC))
    return folder, recorder.run


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part in a run: a wish whose engines name their builders and caches, the boxes, the draft scenario."""

    wish: Wish
    ready: Sequence[Ready]
    producers: Sequence[Ready]
    consumers: Sequence[Ready]
    draft: Scenario

    @property
    def used(self) -> list[Ready]:
        """The boxes that produce or consume."""
        return [item for item in self.ready if item in self.producers or item in self.consumers]


def cast_of(wish: Wish, ready: Sequence[Ready]) -> Cast:
    """Find who takes part; UsageError for names and templates that do not fit, before anything is started."""
    clients = clients_of(ready)
    wish, ready = _with_ways(wish, ready)
    producers = narrow(ready, wish.producers, "--producer")
    consumers = narrow(ready, wish.consumers, "--consumer")
    check_engines(producers, consumers, wish.consumer_engines, wish.producer_engines)
    draft = wish.load("scratch")  # the base is known only later
    check_builders(draft, [name for item in clients.items() for name in fitting(*item, wish.builders)])
    check_versions(draft, ready)
    check_clock(draft, [*producers, *consumers])
    draft.variations(wish.variations)
    return Cast(wish, ready, producers, consumers, draft)


def settle(cast: Cast, recorder: Recorder, scenario: Scenario, base: Base | None, store: Registry) -> None:
    """Store what a run builds and from which images; ConfigError if a resumed run would build something else."""
    stored = cast.wish.course.stored
    if stored and stored.run.instructions:
        check_setting(stored.run, base, store, scenario.dockerfile)
    else:
        describe(recorder, scenario, base, store, cast.used)


def describe(recorder: Recorder, scenario: Scenario, base: Base | None, store: Registry, used: Sequence[Ready]) -> None:
    """Store what a run builds and from which images; `used` are the boxes that take part."""
    recorder.update(
        base=base,
        base_image=read_image(base.reference, store) if base else None,
        bases=other_bases(scenario, base.reference if base else "", store, used),
        project=scenario.project,
        dockerfile=scenario.dockerfile,
        instructions=scenario.instructions,
        sequence=stored_steps(scenario.sequence),
    )


@cache
def rulebook(folder: Path) -> Rulebook:
    """The rules of all versions, read once: a check of cases makes hundreds of runs."""
    return Rulebook(folder)


def _with_ways(wish: Wish, ready: Sequence[Ready]) -> tuple[Wish, list[Ready]]:
    """The wish and the boxes with each engine once for each of its builders and caches; UsageError if one cannot be."""
    check_reach(ready, wish.caches)
    caches = caches_of(wish, list(clients_of(ready)))
    used = () if wish.producer_engines else wish.caches
    named = replace(
        wish,
        consumer_engines=names_with(wish.consumer_engines, wish.builders, ready, used),
        producer_engines=names_with(wish.producer_engines, wish.builders, ready, wish.caches),
    )
    return named, [with_builders(item, wish.builders, caches) for item in ready]


def caches_of(wish: Wish, engines: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the kinds of cache that each engine writes.

    Where producers have engines of their own, only these write another cache than an inline one.
    """
    kinds = wish.caches or (INLINE,)
    if not wish.producer_engines:
        return dict.fromkeys(engines, kinds)
    used = wish.consumer_engines or tuple(engines)
    return {
        name: tuple(dict.fromkeys((*((INLINE,) if name in used else ()), *kinds)))
        if name in wish.producer_engines
        else (INLINE,)
        for name in engines
    }


def base_maker(producers: Sequence[Ready], boxes: Mapping[str, RecordingBox]) -> tuple[RecordingBox, Engine]:
    """Return the box and the engine that make the base image: a producer's Docker if there is one, else the first.

    Every engine of the run can use the image of either.
    """
    engines = [(boxes[item.box.name], engine) for item in producers for engine in item.engines]
    return next((item for item in engines if item[1].program == "docker"), engines[0])


def other_bases(scenario: Scenario, base: str, store: Registry, used: Sequence[Ready]) -> tuple[NamedImage, ...]:
    """The images that the Dockerfile names after FROM beside the run's base, read from their registries.

    A name on localhost is another registry on each machine, unless it is the lab's own.
    """
    found = []
    for name in scenario.bases:
        if name == base:
            continue
        elsewhere = any(item.spec.kind != "local" for item in used) and not name.startswith(f"{store.prefix}/")
        if elsewhere and names.is_local(name):
            facts = ImageFacts(
                problem="it is in a registry on the box's own localhost, which this machine does not read"
            )
        else:
            facts = read_image(name, store)
        found.append(NamedImage(reference=name, image=facts))
    return tuple(found)
