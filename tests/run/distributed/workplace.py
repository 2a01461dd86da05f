"""A workplace whose results and notes are in a folder of the test, with lab's own boxes and scenarios."""

from __future__ import annotations

from pathlib import Path

from lab.boxes.base import Tell
from lab.project import Project
from lab.run.wish import Wish
from tests.conftest import ROOT


def project(folder: Path) -> Project:
    """A workplace in this folder, whose data are links to those of this checkout."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("boxes", "templates"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return Project(folder, folder / "cache")


def wish(where: Project, **fields: object) -> Wish:
    """The bug report's scenario on an image that needs no network."""
    return Wish("gist", where.scenarios / "copy-bust", base="alpine:3.11.6", **fields)  # type: ignore[arg-type]


def quiet() -> Tell:
    """A listener that shows nothing."""
    return lambda event: None
