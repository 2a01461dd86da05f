"""Measure `lab lesson start` and `lab lesson check` as whole processes, on a private engine of this machine.

The folder is a new one, the archive of the engine is in the cache. The check is that of the lesson with the most
builds, with its solution, so that every condition is looked at.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.boxes.base import Command
from lab.boxes.process import run_process
from lab.lessons.library import Lesson, lessons
from lab.lessons.states import lay_over
from lab.project import find

ROUNDS = 5
START_BOUND, CHECK_BOUND = 10.0, 2.0


def main() -> None:
    """Print each figure with its bound; exit status 1 if one is over it."""
    library = find().data / "templates" / "lessons"
    local = [
        lesson for lesson in lessons(library) if lesson.file.second is None and lesson.file.exercise.solution.files
    ]
    chosen = max(local, key=lambda lesson: len(lesson.file.exercise.builds))
    with TemporaryDirectory(prefix="lab-bench-") as folder:
        home = Path(folder) / chosen.name
        try:
            figures = measured(chosen, home)
        finally:
            call("stop", chosen, home)
            shutil.rmtree(home, ignore_errors=True)
    over = False
    for what, value, bound in figures:
        over = over or value > bound
        print(f"{'ok  ' if value <= bound else 'OVER'} {what} ({chosen.name}): {value:.2f} s (bound {bound:g} s)")
    sys.exit(over)


def measured(lesson: Lesson, home: Path) -> list[tuple[str, float, float]]:
    """The seconds of a first start, and the median of several checks while the engine runs."""
    start = call("start", lesson, home)
    lay_over(lesson.folder / str(lesson.file.exercise.solution.files), home / "exercise")
    checks = [call("check", lesson, home) for _ in range(ROUNDS)]
    print(f"  checks: {', '.join(f'{value:.2f}' for value in checks)} s", flush=True)
    return [("start", start, START_BOUND), ("check", statistics.median(checks), CHECK_BOUND)]


def call(verb: str, lesson: Lesson, home: Path) -> float:
    """Run a verb in a process of its own; returns its seconds, and ends this program if the verb fails."""
    begin = time.monotonic()
    words = (sys.executable, "-m", "lab", "lesson", verb, lesson.number, "--to", str(home), "--json")
    result = run_process(Command(words))
    if not result.ok:
        sys.exit(f"lab lesson {verb} ended with {result.exit}: {result.stderr.decode()}")
    return time.monotonic() - begin


if __name__ == "__main__":
    main()
