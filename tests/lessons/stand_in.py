"""A stand-in for the evidence of a check: builds whose outcomes a test states, and real folders."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.rulebook import Rulebook
from lab.lessons.evidence import FOLDER, START, Made
from lab.lessons.folder import copy_start
from lab.lessons.library import Lesson, read_lesson
from lab.model import Outcome
from lab.registry.image_entry import ImagePath
from tests.conftest import ROOT

LIBRARY = ROOT / "templates" / "lessons"
SCENARIOS = ROOT / "templates" / "scenarios"


@dataclass
class StandIn:
    """Evidence without an engine."""

    home: Path
    builds: Mapping[str, Made] = field(default_factory=dict)
    images: Mapping[str, Mapping[str, ImagePath]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.home / "exercise"

    @property
    def start(self) -> Path:
        return self.home / "start"

    @property
    def rules(self) -> Sequence[Rules]:
        return (Rulebook(ROOT / "boxes").need("26.1.5").rules,)

    def side(self, name: str) -> Path:
        places = {START: self.start, FOLDER: self.folder}
        return places[name] if name in places else self.made(name).context

    def expect(self, names: Collection[str]) -> None:
        pass

    def made(self, name: str) -> Made:
        return self.builds[name]

    def has_image(self, tag: str) -> bool:
        return tag in self.images

    def read_image(self, reference: str, path: str) -> ImagePath | None:
        return self.images[reference].get(path)


def evidence(place: Path, files: Mapping[str, str], **parts: Mapping[str, object]) -> StandIn:
    """A student's folder whose exercise has these files, as its start has."""
    source = place / "source"
    for name, text in files.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    source.mkdir(parents=True, exist_ok=True)
    for name in (START, "exercise"):
        copy_start(source, place / name)
    return StandIn(place, **parts)  # type: ignore[arg-type]


def made(*steps: tuple[str, Outcome], problem: str = "", context: Path = Path()) -> Made:
    """A build with these steps."""
    return Made(context, "reference", steps, problem)


def image_file(text: str, mode: int = 0o644, owner: str = "0:0") -> ImagePath:
    """A file of an image."""
    return ImagePath(mode, owner, hashlib.sha256(text.encode()).hexdigest())


def lesson(name: str = "01-layer-key") -> Lesson:
    """A lesson of the library."""
    return read_lesson(LIBRARY / name)
