"""The part `lessons`: the texts of lessons. The wheel has them too; here they can be read before lab is installed."""

from __future__ import annotations

from pathlib import Path

from lab.errors import UsageError, did_you_mean, known_names
from lab.machines.pack.gathering import Item, Request, tree
from lab.machines.pack.manifest import FOLDERS, Sort


def gather(request: Request) -> list[Item]:
    """Every file of the lessons that are asked for, or of all; UsageError for a lesson that does not exist."""
    return [
        item
        for name, path in chosen(request).items()
        for item in tree(path, f"{FOLDERS[Sort.LESSON]}/{name}", Sort.LESSON, name)
    ]


def chosen(request: Request) -> dict[str, Path]:
    """The folders of the lessons that are asked for, or of all, by name; UsageError for one that does not exist."""
    folder = request.project.lessons
    known = {path.name: path for path in sorted(folder.glob("*/"))} if folder.is_dir() else {}
    return {name: known[name] for name in (_named(word, known) for word in request.lessons)} or known


def _named(word: str, known: dict[str, Path]) -> str:
    """The lesson of a name, or of the number that its name begins with."""
    number = f"{int(word):02d}-" if word.isdecimal() else None
    for name in known:
        if name == word or (number and name.startswith(number)):
            return name
    raise UsageError(
        f'cannot find the lesson "{word}"{did_you_mean(word, list(known))}',
        hint=known_names("lesson", known, "lesson"),
    )
