"""Measure what it costs to store a run of 500 trials as it grows: `python -m benchmarks.storing`.

The trials are those of the stored sample with all that it keeps, again and again under other engines' names. The boxes'
facts and the productions are stored first, as in a run; then each trial with its context; then the end with its table.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.__main__ import collect_less
from lab.project import find
from lab.report import bundle
from lab.results.contexts import Packed
from lab.results.run import load
from lab.run.recorder import Recorder
from tests import reporting

TRIALS = 500
BOUND = 2.0  # seconds of CPU


def main() -> None:
    """Print every figure with its bound; exit status 1 if one is over it."""
    collect_less()  # as the program does
    run = reporting.many(TRIALS, bundle.evidence_of(find().results / "sample")).run
    packed = {
        key: Packed(
            key, context, {name: run.contents[name] for name in _named(context.entries) if name in run.contents}
        )
        for key, context in run.contexts.items()
    }
    empty = run.model_copy(update={"boxes": (), "productions": (), "trials": (), "contexts": {}, "contents": {}})
    with TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder), empty)
        recorder.update()

        def prepare() -> None:
            for box in run.boxes:
                recorder.add(box)
            for production in run.productions:
                recorder.add(production)

        def store() -> None:
            for trial in run.trials:
                if trial.context in packed:
                    recorder.keep(packed[trial.context])
                recorder.add(trial)

        names = (f"facts of {len(run.boxes)} boxes and engines, {len(run.productions)} productions", f"{TRIALS} trials")
        figures = [(name, cpu(work)) for name, work in zip(names, (prepare, store), strict=True)]
        figures.append(("the end, with the table", cpu(recorder.close)))
        assert load(Path(folder)).trials == run.trials
    for name, value in figures:
        print(f"{'ok  ' if value <= BOUND else 'OVER'} {name} stored: {value:.3g} s of CPU (bound {BOUND:g})")
    sys.exit(any(value > BOUND for _, value in figures))


def cpu(work: Callable[[], None]) -> float:
    """Seconds of CPU, of the program and of the system for it."""
    clock = time.process_time()
    work()
    return time.process_time() - clock


def _named(entries: object) -> list[str]:
    assert isinstance(entries, tuple)
    return [row["content_sha256"] for row in entries if "content_sha256" in row]


if __name__ == "__main__":
    main()
