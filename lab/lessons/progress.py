"""How far one student is in one lesson: the file lesson.json in the student's folder."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from lab import files
from lab.errors import ConfigError, reason
from lab.yamlfile import Strict

NAME = "lesson.json"
VERSION = 1
LARGEST = 1 << 20


class Progress(Strict):
    """What a student has done.

    `engines` maps each engine of the lesson to the name of the instance that serves this folder. `prediction` is the
    choice of the student and `right` the one that the last run made right. `run` is the folder of that run. `hints`
    counts the hints that were shown. `box` is the box whose engines serve this folder; null stands for this machine.
    All times are UTC.
    """

    version: int = VERSION
    lesson: str
    started: datetime
    engines: dict[str, str] = Field(default_factory=dict)
    prediction: str | None = None
    predicted: datetime | None = None
    right: str | None = None
    run: str | None = None
    checks: int = 0
    hints: int = 0
    solved: bool = False
    passed: datetime | None = None
    warning: bool = False
    box: str | None = None

    @property
    def stage(self) -> str:
        """How far it is in one word: started, predicted, run, or passed."""
        if self.passed:
            return "passed"
        return "run" if self.run else "predicted" if self.prediction else "started"


def load(home: Path, start: str = "python -m lab lesson start LESSON") -> Progress | None:
    """The progress in a student's folder; None if the folder has no lesson.json. ConfigError if that is damaged.

    `start` is the command that starts the lesson, for the hint of the error.
    """
    path = home / NAME
    try:
        data = files.read_plain(path, LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {reason(error)}") from error
    again = f"move {path} away; `{start}` then writes a new one and keeps your files"
    try:
        found = json.loads(data)
        version = found.get("version") if isinstance(found, dict) else None
        if version != VERSION:
            raise ConfigError(
                f"cannot read {path}: its version is {version}, this version of lab reads {VERSION}",
                hint=f"update lab, or {again}",
            )
        return Progress.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"cannot read {path}: {place}: {first['msg']}", hint=again) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint=again) from error


def save(home: Path, progress: Progress) -> None:
    """Write lesson.json as a whole or not at all; HostError if the disk refuses."""
    files.write(home / NAME, progress.model_dump_json(indent=1) + "\n")
