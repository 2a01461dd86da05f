"""All stored runs: a summary of each, the time that such a run takes, and the folders of new ones."""

from __future__ import annotations

import fnmatch
import shutil
import statistics
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.errors import LabError, UsageError
from lab.files import disk_error, is_open
from lab.results.run import load

KEEP = 10


@dataclass(frozen=True, slots=True)
class Summary:
    """One stored run in short; `verdicts` counts trials, `problem` is the reason why it cannot be read.

    `running` is true while a lab process still makes the run.
    """

    name: str
    started: datetime | None = None
    scenario: str = ""
    lineup: str = ""
    boxes: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    verdicts: tuple[tuple[str, int], ...] = ()
    complete: bool = False
    running: bool = False
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            **asdict(self),
            "started": self.started.isoformat() if self.started else None,
            "verdicts": dict(self.verdicts),
        }


def run_name(scenario: str, moment: datetime) -> str:
    """`<UTC>-<scenario>`, as in 20261123T180000Z-copy-bust."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{scenario}"


def create_folder(results: Path, scenario: str, moment: datetime) -> Path:
    """A new folder for a run; two runs in one second get two names."""
    for number in range(1, 100):
        folder = results / (run_name(scenario, moment) + (f"-{number}" if number > 1 else ""))
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise disk_error(folder, error) from error
        return folder
    raise UsageError(f"cannot find a free name for a run of {scenario} in {results}")


def summaries(results: Path) -> list[Summary]:
    """Every stored run, oldest first; one that cannot be read is in the list with its problem."""
    return [_summary(folder) for folder in _folders(results)]


def matching(results: Path, pattern: str) -> list[Path]:
    """The folders of runs whose name fits a pattern such as `*-copy-bust`; UsageError if none does."""
    found = [folder for folder in _folders(results) if fnmatch.fnmatchcase(folder.name, pattern)]
    if not found:
        raise UsageError(f'cannot find a run that fits "{pattern}"', hint="python -m lab runs")
    return found


def prune(results: Path, keep: int = KEEP) -> list[str]:
    """Remove all runs but the newest `keep`; gives the names of what was removed.

    It keeps what the README shows (`sample`), folders that no run made, and a run that goes on.
    """
    mine = [folder for folder in _folders(results) if folder.name[:8].isdigit()]
    old = [folder for folder in mine[: max(0, len(mine) - keep)] if not goes_on(folder)]
    for folder in old:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise disk_error(folder, error) from error
    return [folder.name for folder in old]


def typical_seconds(results: Path, scenario: str, lineup: str, trials: int) -> float | None:
    """How long a run of so many trials takes: the median of whole runs of the scenario on the lineup, a trial's share
    times `trials`; None if there is none to go by.
    """
    shares = []
    for folder in _folders(results)[-20:]:
        try:
            run = load(folder)
        except LabError:
            continue
        if (run.scenario, run.lineup, run.complete) == (scenario, lineup, True) and run.finished and run.trials:
            shares.append((run.finished - run.started).total_seconds() / len(run.trials))
    return round(statistics.median(shares) * trials, 3) if shares else None


def proven_on(results: Path) -> dict[str, list[str]]:
    """By engine, the boxes on which stored runs proved it; runs that cannot be read are left out."""
    found: dict[str, set[str]] = {}
    for folder in _folders(results):
        try:
            run = load(folder)
        except LabError:
            continue
        for box in run.boxes:
            found.setdefault(box.engine, set()).add(box.name)
    return {engine: sorted(boxes) for engine, boxes in found.items()}


def _folders(results: Path) -> list[Path]:
    return sorted((path.parent for path in results.glob("*/run.json")), key=lambda folder: folder.name)


def _summary(folder: Path) -> Summary:
    try:
        run = load(folder)
    except LabError as error:
        return Summary(folder.name, problem=error.message)
    return Summary(
        folder.name,
        run.started,
        run.scenario,
        run.lineup,
        tuple(dict.fromkeys(box.name for box in run.boxes)),
        tuple(dict.fromkeys(box.engine for box in run.boxes)),
        tuple(Counter(trial.verdict.value for trial in run.trials).items()),
        run.complete,
        goes_on(folder),
    )


def goes_on(folder: Path) -> bool:
    """True while a lab process writes the run of this folder; the process has the transcript open."""
    return is_open(folder / "transcript.jsonl")
