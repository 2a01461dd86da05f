"""The lessons: folders with lesson.md and lesson.yaml, found by their number, name or path."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.counting import whole_number
from lab.errors import ConfigError, UsageError, did_you_mean, reason
from lab.lessons.lesson_file import LessonFile, Track
from lab.lessons.lesson_text import LessonText, read_text
from lab.yamlfile import load

NAME = re.compile(r"\d{2}-[a-z0-9][a-z0-9-]{0,40}")
TRACKS: dict[Track, str] = {"first-hour": "The first hour", "detective": "The detective", "fleet": "The fleet"}
LARGEST_TEXT = 64 << 10  # bytes of lesson.md and of lesson.yaml


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson: its folder, its data and its text."""

    folder: Path
    file: LessonFile
    text: LessonText

    @property
    def name(self) -> str:
        """The name of its folder, such as 01-layer-key."""
        return self.folder.name

    @property
    def number(self) -> str:
        """The two digits at the beginning of its name."""
        return self.name[:2]

    @property
    def start(self) -> Path:
        """The folder that is copied for the student."""
        return self.folder / "start"

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines of the exercise: the one that builds it, and the second one if that is another."""
        return tuple(dict.fromkeys(name for name in (self.file.engine, self.file.second) if name))

    def scenario(self, library: Path) -> Path:
        """The folder of the scenario that its run makes: one of the library, or its own."""
        return library / self.file.run.case if self.file.run.case else self.folder / "scenario"


@dataclass(frozen=True, slots=True)
class BrokenLesson:
    """A lesson that cannot be read, or whose progress cannot: its name, and the error that states why."""

    name: str
    error: ConfigError


def read_lesson(folder: Path) -> Lesson:
    """Read one lesson; ConfigError if a part of it is missing or wrong. The folder may be a stranger's."""
    if not folder.is_dir():
        what = "it is not a folder" if os.path.lexists(folder) else "it does not exist"
        raise ConfigError(f"cannot use {folder} as a lesson: {what}")
    if not NAME.fullmatch(folder.name):
        raise ConfigError(f"cannot use {folder}: the name of a lesson's folder is as in 01-layer-key")
    for name in ("lesson.yaml", "lesson.md"):
        _check_size(folder / name)
    file = load(folder / "lesson.yaml", LessonFile)
    path = folder / "lesson.md"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read {path}: not UTF-8 at byte {error.start}") from error
    return Lesson(folder, file, read_text(text, str(path)))


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {reason(error)}") from error
    if not path.is_file() or path.is_symlink():
        raise ConfigError(f"cannot read {path}: it is not a plain file")
    if size > LARGEST_TEXT:
        raise ConfigError(f"cannot use {path}: it is larger than {LARGEST_TEXT >> 10} KiB")


def lessons(library: Path) -> list[Lesson]:
    """All lessons of a folder, in the order of their numbers; ConfigError if one is broken or two have one number."""
    found, broken = usable_lessons(library)
    if broken:
        raise broken[0].error
    return found


def usable_lessons(library: Path) -> tuple[list[Lesson], list[BrokenLesson]]:
    """The lessons of a folder in the order of their numbers, and the folders that cannot be used.

    Of two lessons with one number, the second one cannot be used.
    """
    found: list[Lesson] = []
    broken: list[BrokenLesson] = []
    by_number: dict[str, str] = {}
    for path in sorted(library.glob("*/lesson.yaml")):
        try:
            lesson = read_lesson(path.parent)
            if other := by_number.get(lesson.number):
                raise ConfigError(f"cannot use {lesson.folder}: {other} has the number {lesson.number}, too")
        except ConfigError as error:
            broken.append(BrokenLesson(path.parent.name, error))
            continue
        by_number[lesson.number] = lesson.name
        found.append(lesson)
    return found, broken


def find_lesson(word: str, library: Path) -> Lesson:
    """The lesson of a number, a name with or without its number, or a path; UsageError with the nearest name."""
    if "/" in word or word == ".":
        if not (Path(word) / "lesson.yaml").is_file():
            raise UsageError(f"cannot find the lesson {word}: no lesson.yaml in it")
        return read_lesson(Path(word).resolve())
    names = [path.parent.name for path in sorted(library.glob("*/lesson.yaml"))]
    found = _named(word, names)
    if found is None:
        raise UsageError(
            f'cannot find the lesson "{word}"{did_you_mean(word, names)}',
            hint="`python -m lab lesson` lists the lessons",
        )
    return read_lesson(library / found)


def word_for(lesson: Lesson, library: Path) -> str:
    """The word by which `find_lesson` finds a lesson, quoted for a shell: its number, else the path of its folder."""
    names = [path.parent.name for path in sorted(library.glob("*/lesson.yaml"))]
    if _named(lesson.number, names) == lesson.name and (library / lesson.name).resolve() == lesson.folder.resolve():
        return lesson.number
    return shlex.quote(str(lesson.folder.resolve()))


def _named(word: str, names: Sequence[str]) -> str | None:
    digits = word.zfill(2) if whole_number(word) is not None else None
    return next((name for name in names if word in (name, name[3:]) or name[:2] == digits), None)
