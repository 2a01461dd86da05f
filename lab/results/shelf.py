"""The list of all stored runs: a summary of each, the usual duration of a run, and folders for new runs."""

from __future__ import annotations

import fnmatch
import re
import shutil
import statistics
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from lab.errors import LabError, UsageError
from lab.files import disk_error
from lab.results import index
from lab.results.summary import Summary, is_running

KEEP = 10
SAMPLE = "sample"
STAMPED = re.compile(r"[0-9]{8}T[0-9]{6}Z-.")
START = {"transcript.jsonl", ".lab"}  # what a run has before its first result
RECENT = 20  # runs from which a duration is estimated


def run_name(scenario: str, moment: datetime) -> str:
    """Return `<UTC>-<scenario>`, such as 20261123T180000Z-copy-bust."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{scenario}"


def create_folder(results: Path, scenario: str, moment: datetime) -> Path:
    """Create a folder for a new run; runs that start in the same second get different names."""
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
    """Return the summaries of all stored runs, oldest first; a run that cannot be read has a `problem`."""
    return index.summaries(results)


def listed(results: Path) -> list[Summary]:
    """The same, and each run that failed at its start, with that as its `problem`."""
    why = "it failed at its start and has no result; `python -m lab runs --prune` removes it"
    failed = [Summary(folder.name, problem=why) for folder in failed_starts(results)]
    return sorted([*summaries(results), *failed], key=lambda item: item.name)


def matching(results: Path, pattern: str) -> list[Path]:
    """Return the folders of runs whose names match a pattern such as `*-copy-bust`; UsageError if there are none."""
    found = [folder for folder in index.folders_of(results) if fnmatch.fnmatchcase(folder.name, pattern)]
    if not found:
        raise UsageError(f'cannot find a run that matches "{pattern}"', hint="list the runs with `python -m lab runs`")
    return found


def prune(results: Path, keep: int = KEEP) -> list[str]:
    """Remove all runs except the newest `keep`, and what is left of runs that failed at their start; returns the names.

    It does not remove the run that the README shows (`sample`), folders that lab did not make, or a run in progress.
    """
    mine = sorted((age, folder) for folder in index.folders_of(results) if (age := _age(folder)))
    old = [folder for _, folder in mine[: max(0, len(mine) - keep)] if not is_running(folder)]
    for folder in (gone := [*old, *failed_starts(results)]):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise disk_error(folder, error) from error
    return [folder.name for folder in gone]


def _age(folder: Path) -> str | None:
    """The start of a run in a form that sorts by time; None if lab did not make the folder, or if it is the sample.

    The name of a folder that lab made begins with its time, or is that of the run in it, as after `merge --output`.
    """
    if STAMPED.match(folder.name):
        return folder.name
    if folder.name == SAMPLE:
        return None
    from lab.results.run import load  # late: a list of runs needs no pydantic

    with suppress(LabError):
        run = load(folder)
        return run_name(run.scenario, run.started) if run.name == folder.name else None
    return None


def failed_starts(results: Path) -> list[Path]:
    """The folders of runs that ended before they had anything to report, oldest first: they have no run.json."""
    found = (path.parent for path in results.glob("*/transcript.jsonl"))
    return sorted(
        (
            folder
            for folder in found
            if STAMPED.match(folder.name)
            and {path.name for path in folder.iterdir()} <= START
            and not folder.is_symlink()
            and not is_running(folder)
        ),
        key=lambda folder: folder.name,
    )


def typical_seconds(results: Path, scenario: str, lineup: str, trials: int) -> float | None:
    """Estimate the seconds that a run of so many trials takes; None if there is no run to estimate from.

    It is the median time per trial of the complete runs of the scenario on the lineup among the newest, times `trials`.
    """
    shares = [
        run.seconds / made
        for run in index.newest(results, RECENT)
        if (run.scenario, run.lineup) == (scenario, lineup)
        and run.seconds is not None
        and (made := sum(count for _, count in run.verdicts))
    ]
    return round(statistics.median(shares) * trials, 3) if shares else None


def proven_boxes(results: Path) -> dict[str, list[str]]:
    """Return, for each engine, the boxes on which stored runs used it; runs that cannot be read are left out."""
    found: dict[str, list[str]] = {}
    for engine, box in index.used(results):
        found.setdefault(engine, []).append(box)
    return found
