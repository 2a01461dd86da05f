"""Makes ready what `lab vary` needs: a folder of results, a registry, the base image, and the box with its engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from lab.boxes.base import Tell
from lab.boxes.transcript import RecordingBox, Transcript
from lab.buildkit.rulebook import Rulebook
from lab.engines.engine import Engine
from lab.errors import CommandError
from lab.machines.ready import Ready
from lab.project import Project
from lab.registry import server
from lab.registry.client import read_image
from lab.registry.server import Registry
from lab.results.run import Base, Run
from lab.results.shelf import create_folder
from lab.run import base_image
from lab.run.experiment import other_bases
from lab.run.faults import translate
from lab.run.recorder import Recorder, Watch
from lab.run.steps.table import stored
from lab.run.vary.bench import Bench
from lab.run.vary.request import Request


@contextmanager
def open_bench(request: Request, ready: Ready, project: Project, tell: Tell, watch: Watch) -> Iterator[Bench]:
    """The box at work, for the time of the context; what it stored is readable however the context ends."""
    draft, started = request.load("scratch"), datetime.now(UTC)
    folder = create_folder(project.results, f"vary-{draft.name}", started)
    with ExitStack() as stack:
        serving = server.serve(None, None, tell, store=project.state, boxes=[ready.box])
        store = stack.enter_context(serving)
        run = Run(
            name=folder.name,
            scenario=draft.name,
            summary=draft.summary,
            lineup=request.lineup,
            started=started,
            registry=store.prefix,
        )
        recorder = Recorder(folder, run, watch)
        stack.callback(recorder.close)
        recorder.update()
        transcript = Transcript(folder / "transcript.jsonl", folder.name)
        stack.callback(transcript.close)
        box = RecordingBox(ready.box, transcript)
        stack.enter_context(server.doors(store, [ready.box]))
        engine = chosen(ready, request.engine)
        base = _base(request, store, box, engine, tell)
        scenario = request.load(base.reference if base else "scratch")
        scenario = replace(scenario, file=scenario.file.model_copy(update={"variations": ()}))
        recorder.update(
            base=base,
            base_image=read_image(base.reference, store) if base else None,
            bases=other_bases(scenario, base.reference if base else "", store, [ready]),
            project=scenario.project,
            dockerfile=scenario.dockerfile,
            instructions=scenario.instructions,
            sequence=stored(scenario.sequence),
        )
        home = PurePosixPath(box.check(["printenv", "HOME"], doing="find the home folder").text)
        bench = Bench(
            box,
            (ready.spec.summary, ready.spec.kind),
            engine,
            scenario,
            recorder,
            store,
            Rulebook(project.boxes),
            home / "lab-runs" / folder.name,
            tell,
        )
        stack.callback(bench.clear)
        yield bench


def chosen(ready: Ready, name: str | None) -> Engine:
    """Return the engine of that name, or the first one."""
    return next((engine for engine in ready.engines if engine.name == name), ready.engines[0])


def _base(request: Request, store: Registry, box: RecordingBox, engine: Engine, tell: Tell) -> Base | None:
    with box.about("base"):
        try:
            if request.project is None:
                return base_image.choose(request.base, store, box, engine, tell)
            return base_image.busybox(store, box, engine, tell) if request.project.needs_busybox else None
        except CommandError as error:
            raise translate(box, engine, store, error) from error
