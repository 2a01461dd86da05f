"""Measure how long a run of 500 trials takes to be told in each form: `python -m benchmarks.reports`.

The run is the stored sample with all that it keeps, again and again under other engines' names (tests/reporting.py).
Times include redaction, as `lab report` does it without a word; explaining the trials is a figure of its own.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.__main__ import collect_less
from lab.boxes import transcript
from lab.project import find
from lab.report import bundle
from lab.report.comparison import compare, comparison_text
from lab.report.evidence import explained
from lab.report.formats import FORMATS
from tests import reporting

ROUNDS = 5
TRIALS = 500
BOUND = 2.0  # seconds, for every form
PAGE_LIMIT = 1.5  # MB
TEXT_LIMIT = 65_536  # characters that GitHub takes in an issue


def main() -> None:
    """Print every figure with its bound; exit status 1 if one is over it."""
    collect_less()  # as the program does
    project = find()
    bare = reporting.many(TRIALS, bundle.evidence_of(project.results / "sample"))
    evidence = explained(bare, project.boxes)
    sizes: dict[str, int] = {}

    def tell(name: str) -> Callable[[], None]:
        def work() -> None:
            sizes[name] = len(FORMATS[name].text([evidence], project).encode())

        return work

    figures = [(f"{TRIALS} trials as {name}", timed(tell(name)), BOUND, "s") for name in FORMATS]
    figures.append(("compared with itself", timed(lambda: comparison_text(compare(evidence, evidence))), BOUND, "s"))
    with TemporaryDirectory() as folder:
        stored = Path(folder)
        (stored / "run.json").write_text(evidence.run.to_json(), encoding="utf-8")
        (stored / "transcript.jsonl").write_bytes(transcript.dump(evidence.run.name, evidence.exchanges))
        figures.append(("read from its folder", timed(lambda: bundle.evidence_of(stored)), BOUND, "s"))
    figures.append(("its trials explained", timed(lambda: explained(bare, project.boxes)), BOUND, "s"))
    figures.append(("its bug report", sizes["md"], TEXT_LIMIT, "bytes"))
    figures.append(("its page", sizes["html"] / 1e6, PAGE_LIMIT, "MB"))
    stored_names = ("run.json", "transcript.jsonl", "table.txt")
    sample = sum((project.results / "sample" / name).stat().st_size for name in stored_names)
    figures.append(("a stored run of two boxes", sample / 1e6, 1.0, "MB"))
    for name, value, bound, unit in figures:
        print(f"{'ok  ' if value <= bound else 'OVER'} {name}: {value:.3g} {unit} (bound {bound:g})")
    print("; ".join(f"{name} {size / 1e6:.2f} MB" for name, size in sizes.items()))
    sys.exit(any(value > bound for _, value, bound, _ in figures))


def timed(work: Callable[[], object]) -> float:
    """The median of some rounds, in seconds."""
    times = []
    for _ in range(ROUNDS):
        clock = time.monotonic()
        work()
        times.append(time.monotonic() - clock)
    return statistics.median(times)


if __name__ == "__main__":
    main()
