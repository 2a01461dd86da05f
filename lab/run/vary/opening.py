"""Makes ready what `lab vary` needs: a folder of results, a registry, the base image, and each box with its engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from lab.boxes.base import Tell
from lab.boxes.kinds.table import kind_of
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import Transcript
from lab.buildkit.rulebook import Rulebook
from lab.engines.engine import Engine
from lab.machines.ready import Ready
from lab.project import Project
from lab.registry import server
from lab.results.run import Base, Run
from lab.results.shelf import create_folder
from lab.run import base_image
from lab.run.experiment import describe
from lab.run.recorder import Recorder, Watch
from lab.run.scenarios import Scenario
from lab.run.vary.bench import Bench
from lab.run.vary.between.second import SecondBox
from lab.run.vary.request import Request


@contextmanager
def open_bench(
    request: Request, ready: Sequence[Ready], project: Project, tell: Tell, watch: Watch
) -> Iterator[tuple[Bench, SecondBox | None]]:
    """The first box at work, and the second one if there are two, for the time of the context.

    What was stored is readable however the context ends.
    """
    draft, started = request.load("scratch"), datetime.now(UTC)
    boxes = [item.box for item in ready]
    with ExitStack() as stack:
        store = stack.enter_context(server.serve(None, None, tell, store=project.state, boxes=boxes))
        folder = create_folder(project.results, f"vary-{draft.name}", started)
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
        recorded = [RecordingBox(box, transcript) for box in boxes]
        store.hide(recorded)
        stack.enter_context(server.doors(store, boxes))
        engines = [chosen(item, request.engine) for item in ready]
        base = base_image.make(request.base_image, store, recorded[0], engines[0], tell)
        scenario = _loaded(request, base)
        describe(recorder, scenario, base, store, ready)
        homes = [_home(box) / "lab-runs" / folder.name for box in recorded]
        titles = [(item.spec.summary, item.spec.kind) for item in ready]
        bench = Bench(
            recorded[0],
            titles[0],
            engines[0],
            scenario,
            recorder,
            store,
            Rulebook(project.boxes),
            homes[0],
            tell,
            kind_of(ready[0].spec).is_made_by_lab,
        )
        stack.callback(bench.clear)
        others = [SecondBox(*item) for item in zip(recorded, titles, engines, homes, strict=True)][1:]
        yield bench, next(iter(others), None)


def chosen(ready: Ready, name: str | None) -> Engine:
    """Return the engine of that name, or the first one."""
    return next((engine for engine in ready.engines if engine.name == name), ready.engines[0])


def _loaded(request: Request, base: Base | None) -> Scenario:
    """The scenario over its base image, without its own variations."""
    scenario = request.load(base.reference if base else "scratch")
    return replace(scenario, file=scenario.file.model_copy(update={"variations": ()}))


def _home(box: RecordingBox) -> PurePosixPath:
    return PurePosixPath(box.check(["printenv", "HOME"], doing="find the home folder").text)
