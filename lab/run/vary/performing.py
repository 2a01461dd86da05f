"""One run of `lab vary` from the request to the stored result; Ctrl-C keeps what was found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from lab.errors import Interrupted
from lab.explain.upstream import Upstream
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.project import Project
from lab.results.run import Run
from lab.run.recorder import Watch, unwatched
from lab.run.vary.bench import engines_of
from lab.run.vary.engines import engines
from lab.run.vary.experiment import Experiment
from lab.run.vary.opening import open_bench
from lab.run.vary.request import Request
from lab.workers import each, raise_first


class StoppedError(Interrupted):
    """Ctrl-C during `lab vary`: `folder` holds what was found, and `left` names the axes without an answer."""

    def __init__(self, message: str, folder: Path, left: Sequence[str]) -> None:
        super().__init__(message)
        self.folder = folder
        self.left = tuple(left)


def vary(
    request: Request, ready: Sequence[Ready], fleet: Fleet, project: Project, watch: Watch = unwatched
) -> tuple[Path, Run]:
    """Vary one thing at a time on the first box; returns the folder of the run and the run.

    A second box is compared with the first. Raises the error of whose fault it is if the build of the scenario itself
    fails, StoppedError on Ctrl-C.
    """
    with open_bench(request, ready, project, fleet.tell, watch) as (bench, second):
        makers = engines(ready[0], bench.engine, lambda: bench.run.boxes[0].storage, fleet)
        experiment = Experiment(request, bench, Upstream(project.boxes), engines_of(makers), watch, second)

        def close() -> None:
            for item in ready:
                item.box.close()

        try:
            raise_first(each([bench.box.name], lambda name: experiment.make(), on_stop=close)[1])
        except (Interrupted, KeyboardInterrupt) as stop:
            message = stop.message if isinstance(stop, Interrupted) else Interrupted.by(stop).message
            raise StoppedError(message, bench.recorder.folder, experiment.left()) from stop
        bench.recorder.update(complete=True, finished=datetime.now(UTC))
        return bench.recorder.folder, bench.run
