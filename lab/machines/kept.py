"""Folders of a run on its boxes: each run has a note of them, by which they are removed.

`repro --keep` leaves them. A run that goes on notes those on other machines before they exist, so that they are removed
also where lab was killed or the box could not be reached at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath

from lab import files
from lab.boxes.base import Tell
from lab.boxes.kinds.table import kind_of, open_box
from lab.boxes.notes import Notes
from lab.errors import LabError
from lab.machines.catalog import Catalog
from lab.model import Progress
from lab.project import Project
from lab.results.summary import is_running
from lab.statefile import Kind
from lab.yamlfile import Strict


class KeptNote(Strict):
    """The folders of one run, by box."""

    version: int = 1
    folders: dict[str, str]


KEPT_NOTE = Kind(KeptNote, migrations={0: lambda found: {"folders": found}})  # older versions of lab wrote only them


class Why(StrEnum):
    """Why folders are noted: the user keeps them, or a run uses them or could not remove them."""

    KEPT = "kept"
    USED = "used"


def note(state: Path, run: str, folders: Mapping[str, str], why: Why = Why.KEPT) -> None:
    """Note the folders of a run, by box; without folders, the note is removed."""
    path = state / why / f"{run}.json"
    if folders:
        files.write(path, KeptNote(folders=dict(folders)).model_dump_json() + "\n")
    else:
        path.unlink(missing_ok=True)


def runs(state: Path, why: Why = Why.KEPT) -> dict[str, dict[str, str]]:
    """The folders that are noted: by run, by box."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((state / why).glob("*.json")):
        read = KEPT_NOTE.read(
            path,
            f"which folders of the run {path.stem} are kept",
            "run the same command again; the folders stay on the boxes until `python -m lab down`",
        )
        if read:
            found[path.stem] = read.folders
    return found


def remove(project: Project, catalog: Catalog, tell: Tell, why: Why = Why.KEPT) -> list[str]:
    """Remove the folders that are noted, and return them as BOX:FOLDER.

    A box that does not exist any more has none. The folder of a box that cannot be reached stays noted, and the reason
    is reported, unless the box is a machine that does not run. Those of a run that goes on are left alone.
    """
    removed = []
    for run, folders in runs(project.state, why).items():
        if is_running(project.results / run):
            continue
        left = {}
        for name, folder in folders.items():
            spec = catalog.boxes.get(name)
            if spec is None or (kind_of(spec).is_made_by_lab and Notes(project.state).read(name) is None):
                continue
            box = open_box(spec, project)
            if kind_of(spec).is_made_by_lab and why is Why.USED and box.state() != "running":
                left[name] = folder
                continue
            try:
                box.check(["rm", "-rf", folder], doing=f"remove {folder}", timeout=60)
                box.run(["rmdir", str(PurePosixPath(folder).parent)], timeout=60)
                removed.append(f"{name}:{folder}")
            except LabError as error:
                left[name] = folder
                tell(Progress(name, f"{folder} stays: {error.message}", done=True, failed=True))
            finally:
                box.close()
        note(project.state, run, left, why)
    return removed
