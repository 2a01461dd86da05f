"""Makes an axis in a real folder, as the box would."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab.boxes.local import LocalBox
from lab.buildkit.cachekeys.dockerfile import parse
from lab.results.contexts import StoredContext
from lab.run.gather.door import gather
from lab.run.gather.stream import Listing
from lab.run.vary.axis import Scene, Variant
from lab.run.vary.picking import taken
from lab.run.vary.table import AXES
from tests.run.vary.scenes import TEXT, steps_in
from tests.vectors import BOOK


def project(folder: Path, text: str = TEXT) -> Path:
    context = folder / "context"
    (context / "src").mkdir(parents=True)
    (folder / "config").mkdir()
    for name in ("src/a.txt", "src/b.txt", "src/c.txt"):
        (context / name).write_text("a\nb\n")
        (context / name).chmod(0o644)
    (context / "src").chmod(0o755)
    (context / "Dockerfile").write_text(text)
    return context


def listing(context: Path) -> Listing:
    return gather(LocalBox("local"), None, context)  # type: ignore[arg-type]


def scene_of(context: Path, text: str = TEXT) -> Scene:
    found = listing(context).entries
    return Scene(
        objects=found,
        taken=taken(StoredContext(found, {}), steps_in(text), BOOK.newest),
        text=text,
        parsed=parse(text),
        base="base:1",
        ignore=".dockerignore",
        arguments={},
        flags=(),
        platform=("linux", "amd64"),
        prefix="localhost:1",
    )


def variant(name: str, scene: Scene) -> Variant:
    return next(axis for axis in AXES if axis.name == name).make(scene)


def make(context: Path, made: Variant) -> None:
    for change in made.changes:
        for command in change.commands():
            subprocess.run(command.argv, cwd=context, check=True)
