"""Measure the check of the whole case library on the engines of this machine, as benchmarks/README.md states: as root.

`python -m benchmarks.cases` runs all cases on five engines, each with its usual builder, as the tests with real engines
do, and times the process from outside. `--builders` runs them with all builders, as `make cases` does, and names of
cases run only those; neither has a bound. It states how busy the processors were: the figure counts only on a machine
with nothing else to do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import psutil

ENGINES = "20.10.24,20.10.24-unfixed,26.1.5,28.5.2,buildkit-0.25.2"
BUILDERS = "buildkit,classic,buildctl"
EVERY_BUILDER = "--builders"
LONGEST = 720.0  # seconds for the whole library


def main(words: list[str]) -> None:
    """Print the seconds and what was made; exit status 1 if it took too long, or if an outcome was not as expected."""
    names = [word for word in words if word != EVERY_BUILDER]
    bounded = not words
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    before, started = psutil.cpu_times(), time.monotonic()
    found = checked(names, BUILDERS if EVERY_BUILDER in words else None)
    seconds, after = time.monotonic() - started, psutil.cpu_times()
    trials = found["trials"]
    cases = {trial["case"] for trial in trials}
    bound = f", at most {LONGEST:.0f} s" if bounded else ""
    print(f"  {len(cases)} cases, {len(trials)} trials, {found['jobs']} side by side: {seconds:.0f} s{bound}")
    where = f"in memory, at most {found['memory']} MiB each" if found["memory"] else "on the disk"
    print(f"  data of the engines: {where}")
    spent = {name: getattr(after, name) - getattr(before, name) for name in ("user", "system", "idle", "iowait")}
    print(
        "  processor time of the whole machine: " + ", ".join(f"{name} {value:.0f} s" for name, value in spent.items())
    )
    print(f"load after: {os.getloadavg()[0]:.1f}")
    odd = [trial for trial in trials if trial["verdict"] != "as expected" or trial["prediction"] == "contradicted"]
    if odd or found["errors"]:
        print(
            f"  not as expected or predicted: {len(odd)} trials; jobs that ended with an error: {len(found['errors'])}"
        )
    sys.exit(bool(odd or found["errors"]) or (bounded and seconds > LONGEST))


def checked(names: list[str], builders: str | None) -> dict[str, Any]:
    """Run `lab cases check` as a process of its own; its document. Its progress goes to the terminal."""
    argv = [sys.executable, "-m", "lab", "cases", "check", *names, "--lineup", "local", "--json"]
    argv += ["--engine", ENGINES, *(["--builder", builders] if builders else [])]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False, text=True)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        sys.exit(f"the check printed no document, and ended with {done.returncode}")
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
