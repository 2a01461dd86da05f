"""Folders of trials that `repro --keep` left on boxes: each run has a note of them, by which they are removed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from lab import files
from lab.boxes.base import Tell
from lab.boxes.kinds.table import kind_of, open_box
from lab.boxes.notes import Notes
from lab.errors import LabError
from lab.machines.catalog import Catalog
from lab.model import Progress
from lab.project import Project


def _folder(state: Path) -> Path:
    return state / "kept"


def note(state: Path, run: str, folders: Mapping[str, str]) -> None:
    """Note the folders of a run that are kept, by box."""
    files.write(_folder(state) / f"{run}.json", json.dumps(dict(folders)) + "\n")


def runs(state: Path) -> dict[str, dict[str, str]]:
    """The folders that are kept: by run, by box."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(_folder(state).glob("*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue  # a note that cannot be read names nothing that could be removed
        if isinstance(data, dict):
            found[path.stem] = {str(box): str(folder) for box, folder in data.items()}
    return found


def remove(project: Project, catalog: Catalog, tell: Tell) -> list[str]:
    """Remove the folders that are kept, and return them as BOX:FOLDER.

    A box that does not exist any more has none. The folder of a box that cannot be reached stays noted, and the reason
    is reported.
    """
    removed = []
    for run, folders in runs(project.state).items():
        left = {}
        for name, folder in folders.items():
            spec = catalog.boxes.get(name)
            if spec is None or (kind_of(spec).is_made_by_lab and Notes(project.state).read(name) is None):
                continue
            box = open_box(spec, project)
            try:
                box.check(["rm", "-rf", folder], doing=f"remove {folder}", timeout=60)
                box.run(["rmdir", str(PurePosixPath(folder).parent)], timeout=60)
                removed.append(f"{name}:{folder}")
            except LabError as error:
                left[name] = folder
                tell(Progress(name, f"{folder} stays: {error.message}", done=True, failed=True))
            finally:
                box.close()
        if left:
            note(project.state, run, left)
        else:
            (_folder(project.state) / f"{run}.json").unlink(missing_ok=True)
    return removed
