"""Measure `lab minimise` of a project of 300 files with one guilty attribute, on a real engine of this machine."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lab.boxes.base import Command
from lab.boxes.process import run_process
from lab.run.random_trials.case import BASE
from tests.run.minimise.standin import GUILTY, project

ENGINE = "20.10.24"
FILES = 300
TRIALS, SECONDS = 40, 180  # bounds


def main() -> None:
    """Print the trials and the seconds with their bounds; exit status 1 if one is over it."""
    with TemporaryDirectory(prefix="lab-bench-") as folder:
        place = made(Path(folder) / "project")
        clock = time.monotonic()
        found = minimised(place)
        seconds = time.monotonic() - clock
    print(f"  {found['predicted']} candidates predicted; {found['dockerfile']!r}; files {found['files']}")
    figures = [("trials", found["trials"], TRIALS), ("seconds of the whole process", round(seconds), SECONDS)]
    for name, value, bound in figures:
        print(
            f"{'ok  ' if value < bound else 'OVER'} {FILES} files, one guilty attribute: {value} {name} (bound {bound})"
        )
    sys.exit(any(value >= bound for _, value, bound in figures) or not found["verified"])


def made(folder: Path, count: int = FILES) -> Path:
    """The project of the tests with so many files, in folders of three levels."""
    build = project(count)
    for name, file in build.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o755 if file.executable else 0o644)
    (folder / "Dockerfile").write_text(build.build.dockerfile.replace(BASE, "any"))
    return folder


def minimised(folder: Path) -> dict[str, Any]:
    """What `lab minimise --json` prints for the project."""
    words = (
        "--context",
        str(folder),
        "--variation",
        "user-xattr",
        "--on",
        GUILTY,
        "--base",
        "*=busybox",
        "--stub-runs",
    )
    argv = (
        sys.executable,
        "-m",
        "lab",
        "minimise",
        *words,
        "--lineup",
        "local",
        "--engine",
        ENGINE,
        "--anew",
        "--json",
    )
    result = run_process(Command(argv, timeout=3600))
    if not result.ok:
        sys.exit(result.stderr.decode("utf-8", "replace"))
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


if __name__ == "__main__":
    main()
