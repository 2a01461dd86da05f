"""Which trials a run makes, in which order, side by side on which boxes; every result is stored as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.boxes.base import Tell
from lab.boxes.transcript import RecordingBox, Transcript
from lab.buildkit.rulebook import Rulebook
from lab.errors import UsageError
from lab.machines.fleet import Ready
from lab.project import Project
from lab.registry import server
from lab.registry.client import read_image
from lab.results import run as results
from lab.results.run import Run
from lab.run import base_image
from lab.run.crew import Crew
from lab.run.recorder import Recorder, Watch, unwatched
from lab.run.scenarios import load_scenario


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked of a run; empty tuples and None stand for the defaults."""

    lineup: str
    scenario: Path
    producers: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()
    variations: tuple[str, ...] = ()
    consumer_engines: tuple[str, ...] = ()
    producer_engines: tuple[str, ...] = ()
    base: str | None = None
    registry: str | None = None
    registry_port: int | None = None


def perform(
    wish: Wish, ready: Sequence[Ready], project: Project, tell: Tell, watch: Watch = unwatched
) -> tuple[Path, Run]:
    """Make every trial of the wish on boxes that are up; returns the run's folder and the run. `watch` follows it.

    Producers build side by side, then consumers rebuild side by side, each box one trial at a time. A box that
    fails costs its own trials only. Interrupted leaves the run readable and marked as not complete.
    """
    producers = _narrow(ready, wish.producers, "--producer")
    consumers = _narrow(ready, wish.consumers, "--consumer")
    _check_engines(wish, producers, consumers)
    # names and templates are wrong before anything is started; the base is known only later
    draft = load_scenario(wish.scenario, "scratch")
    variations = draft.variations(wish.variations)
    started = datetime.now(UTC)
    folder = results.create_folder(project.results, draft.name, started)
    with ExitStack() as stack:
        boxes = [item.box for item in ready]
        serving = server.serve(wish.registry, wish.registry_port, tell, store=project.state, boxes=boxes)
        store = stack.enter_context(serving)
        run = Run(
            name=folder.name,
            scenario=draft.name,
            summary=draft.summary,
            lineup=wish.lineup,
            started=started,
            registry=store.prefix,
        )
        recorder = Recorder(folder, run, watch)
        transcript = Transcript(folder / "transcript.jsonl", run.name)
        stack.callback(transcript.close)
        used = [item for item in ready if item in producers or item in consumers]
        recorded = {item.box.name: RecordingBox(item.box, transcript) for item in used}
        stack.enter_context(server.doors(store, [item.box for item in used]))
        first = producers[0]
        with recorded[first.box.name].about("base"):
            base = base_image.choose(wish.base, store, recorded[first.box.name], first.engines[0], tell)
        scenario = load_scenario(wish.scenario, base.reference)
        read = read_image(base.reference, store)
        recorder.update(base=base, base_image=read, dockerfile=scenario.dockerfile, instructions=scenario.instructions)
        crew = Crew(
            scenario,
            recorder,
            recorded,
            store,
            Rulebook(project.boxes),
            tell,
            thorough=bool(wish.variations),
            consumer_engines=wish.consumer_engines,
            producer_engines=wish.producer_engines,
        )
        crew.trials(producers, consumers, variations)
        recorder.update(complete=True, finished=datetime.now(UTC))
    return folder, recorder.run


def _check_engines(wish: Wish, producers: Sequence[Ready], consumers: Sequence[Ready]) -> None:
    """Raise UsageError if no trial would come of it: no engine of a consumer has an image to rebuild."""
    made = {engine.name for item in producers for engine in item.engines}
    used = {engine.name for item in consumers for engine in item.engines}
    used &= set(wish.consumer_engines) or used
    if (made & set(wish.producer_engines)) if wish.producer_engines else (made & used):
        return
    raise UsageError(
        f"cannot make any trial: producers build with {', '.join(sorted(made))}, "
        f"consumers rebuild with {', '.join(sorted(used))}",
        hint="--producer-engine NAME lets consumers rebuild what another engine built",
    )


def _narrow(ready: Sequence[Ready], names: tuple[str, ...], option: str) -> list[Ready]:
    known = {item.box.name: item for item in ready}
    for name in names:
        if name not in known:
            raise UsageError(
                f"cannot use {option} {name}: no such box is up", hint=f"boxes that are up: {', '.join(known)}"
            )
    return [known[name] for name in dict.fromkeys(names)] if names else list(ready)
