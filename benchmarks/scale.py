"""Measure runs at scale: 10,000 trials stored and opened, a list of 1,000 runs, and how fast lab starts.

`python -m benchmarks.scale` makes a run of the stored sample's trials again and again, under other engines' names, with
the project's own writer. Times are those of the processor (user and system), of whole processes where a verb is named.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.__main__ import collect_less
from lab.boxes import transcript
from lab.project import find
from lab.report import bundle
from lab.results.run import Run
from lab.run.recorder import Recorder
from tests import reporting
from tests.conftest import copy_data

TRIALS, RUNS, ROUNDS = 10_000, 1_000, 10
NAME = "20261101T000000Z-copy-bust"
OPENED, HELP, STATUS = 3.0, 0.15, 0.3  # seconds
PAGE = 5.0  # MB
GROWTH = 15.0  # times the cost of a tenth: 10 is linear
Figure = tuple[str, float, float, str]


def main() -> None:
    """Print every figure with its bound; exit status 1 if one is over it."""
    collect_less()  # as the program does
    with TemporaryDirectory() as place:
        root = copy_data(Path(place))
        figures = starting(root)
        figures += stored(root)
        figures += opened(root)
        figures += listed(root)
    for name, value, bound, unit in figures:
        print(f"{'ok  ' if value <= bound else 'OVER'} {name}: {value:.3g} {unit} (bound {bound:g})")
    sys.exit(any(value > bound for _, value, bound, _ in figures))


def starting(root: Path) -> list[Figure]:
    """How fast the program answers when it has nothing to do; seconds of a clock, so the machine must be idle."""
    found: list[Figure] = []
    for words, bound in ((["--help"], HELP), (["status"], STATUS)):
        times = []
        for _ in range(ROUNDS):
            clock = time.monotonic()
            lab(root, *words)
            times.append(time.monotonic() - clock)
        found.append((f"lab {words[0]}, median of {ROUNDS}", statistics.median(times), bound, "s"))
    return found


def stored(root: Path) -> list[Figure]:
    """The run is stored as it grows; a tenth of it first, for the growth."""
    small, large = (writing(root / "results" / NAME, count) for count in (TRIALS // 10, TRIALS))
    return [
        (f"{TRIALS} trials and their productions stored, of the processor", large, 2.0, "s"),
        ("the same, times the cost of a tenth", large / small, GROWTH, "times"),
    ]


def writing(folder: Path, trials: int) -> float:
    """Store a run in the folder, and return the seconds that its productions and trials took."""
    evidence = reporting.many(trials, bundle.evidence_of(find().results / "sample"))
    run: Run = evidence.run.model_copy(update={"name": folder.name})
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    recorder = Recorder(folder, run.model_copy(update={"productions": (), "trials": (), "complete": False}))
    recorder.update()

    def store() -> None:
        for made in run.productions:
            recorder.add(made)
        for trial in run.trials:
            recorder.add(trial)

    seconds = cpu(store, resource.RUSAGE_SELF)
    recorder.update(complete=True)
    recorder.close()
    (folder / "transcript.jsonl").write_bytes(transcript.dump(run.name, evidence.exchanges))
    return seconds


def opened(root: Path) -> list[Figure]:
    """Each verb that opens the run, as a process of its own; the first `runs` reads the run for the index."""
    verbs = [
        ("report", ["report", NAME]),
        ("compare, with itself", ["compare", NAME, NAME]),
        ("runs, without an index", ["runs"]),
        ("runs, again", ["runs"]),
        ("history", ["history", "COPY*"]),
    ]
    found: list[Figure] = [
        (f"lab {name}, of {TRIALS} trials", cpu(lambda words=words: lab(root, *words)), OPENED, "s")  # type: ignore[misc]
        for name, words in verbs
    ]
    page = root / "page.html"
    seconds = cpu(lambda: lab(root, "report", NAME, "--format", "html", "--output", str(page)))
    found.append((f"the page of {TRIALS} trials", page.stat().st_size / 1e6, PAGE, "MB"))
    found.append(("that page made, with all causes and the redaction of all commands", seconds, 240.0, "s"))
    return found


def listed(root: Path) -> list[Figure]:
    """A list of many runs, each of them the sample."""
    for number in range(RUNS):
        folder = root / "results" / f"20261102T{number:06}Z-copy-bust"
        folder.mkdir()
        shutil.copyfile(find().results / "sample" / "run.json", folder / "run.json")
    return [
        (f"lab runs, of {RUNS} runs, {name}", cpu(lambda: lab(root, "runs")), bound, "s")
        for name, bound in (("none of them in the index", 10.0), ("again", 1.0))
    ]


def lab(root: Path, *words: str) -> None:
    """Run the program in a workplace; it must not fail."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-m", "lab", *words], cwd=root, env=env, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"lab {' '.join(words)} ended with {done.returncode}: {done.stderr.decode()}")


def cpu(work: Callable[[], None], whose: int = resource.RUSAGE_CHILDREN) -> float:
    """Seconds of the processor, of the program and of the system for it."""
    before = resource.getrusage(whose)
    work()
    after = resource.getrusage(whose)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
