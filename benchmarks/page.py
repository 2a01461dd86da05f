"""Measure the page of a run of 500 trials, as benchmarks/README.md states it: `python -m benchmarks.page`.

The run is made up (tests/page_runs.py) with the output of real builds; the browser is a real Chromium.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.project import find
from lab.report.page.document import render
from tests import page_runs
from tests.chromium import browser

ROUNDS = 5


def main() -> None:
    """Print every figure with its bound; exit status 1 if one is over it."""
    texts = find().texts("page")
    evidence = page_runs.large(500).evidence
    times = []
    for _ in range(ROUNDS):
        clock = time.monotonic()
        page = render(evidence, texts)
        times.append(time.monotonic() - clock)
    paint, loaded, opened = opening(page)
    figures = [
        ("page of 500 trials, made", statistics.median(times), 2.0, "s"),
        ("its size", len(page.encode()) / 1e6, 1.5, "MB"),
        ("first contentful paint in Chromium", paint, 1.0, "s"),
        ("all of it loaded and its script done", loaded, 2.0, "s"),
        ("a trial opened, unpacking included", opened, 0.5, "s"),
    ]
    for name, value, bound, unit in figures:
        print(f"{'ok  ' if value <= bound else 'OVER'} {name}: {value:.3g} {unit} (bound {bound:g})")
    sys.exit(any(value > bound for _, value, bound, _ in figures))


def opening(page: str) -> tuple[float, float, float]:
    """Medians in seconds: first contentful paint, load, and from a click on a cell to its commands."""
    paints, loads, clicks = [], [], []
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "page.html"
        path.write_text(page, encoding="utf-8")
        with browser(Path(folder) / "profile") as chromium:
            for _ in range(ROUNDS):
                chromium.open(path.as_uri())
                paints.append(
                    chromium.until("return performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
                )
                loads.append(chromium.until("return performance.getEntriesByType('navigation')[0].loadEventEnd"))
                chromium.js(
                    "const clock = performance.now();"
                    "new MutationObserver(() => document.querySelector('#panel .commands') &&"
                    " (window.took ??= performance.now() - clock)).observe(document.getElementById('panel'),"
                    " {childList: true, subtree: true});"
                    "document.querySelector('a[href=\"#t121\"]').click()"
                )
                clicks.append(chromium.until("return window.took"))
    return statistics.median(paints) / 1000, statistics.median(loads) / 1000, statistics.median(clicks) / 1000


if __name__ == "__main__":
    main()
