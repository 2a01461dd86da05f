"""The names in a stored run that become names of files: a run of somebody else must not name files elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import ConfigError

if TYPE_CHECKING:
    from lab.results.run import Run

LONGEST = 255  # bytes: file systems take no longer name


def is_plain(name: str) -> bool:
    """True for a name that names a file in any folder, and none outside: no separator, no leading dot, no control."""
    size = len(name.encode("utf-8", "surrogatepass"))
    return 0 < size <= LONGEST and "/" not in name and not name.startswith(".") and name.isprintable()


def check_names(run: Run, where: str) -> None:
    """Raise ConfigError, with `where` the run is from, if a name in it that becomes a path is not plain."""
    checked: set[str] = set()
    for place, name in _names(run):
        if name not in checked and not is_plain(name):
            raise ConfigError(f"cannot read {where}: {place}: {name!r:.80} is not a plain name")
        checked.add(name)


def below(folder: Path, *parts: str) -> Path:
    """The path of a file below a folder; ConfigError if it leads out, also through a link."""
    path = folder.joinpath(*parts)
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL
        raise ConfigError(f"cannot use {path}: {error}") from error
    if not inside:
        raise ConfigError(f"cannot use {path}: it leads out of {folder}")
    return path


def _names(run: Run) -> Iterator[tuple[str, str]]:
    """The names, each with its place in run.json; those that a run does not have are left out."""
    yield from (("name", run.name), ("scenario", run.scenario))
    yield from (("lineup", name) for name in (run.lineup,) if name)  # the start of a reduction has none
    yield from (("again_of", name) for name in (run.again_of,) if name is not None)
    yield from (("merged", name) for name in run.merged)
    for number, box in enumerate(run.boxes):
        yield from ((f"boxes.{number}.name", box.name), (f"boxes.{number}.engine", box.engine))
    for number, made in enumerate(run.productions):
        yield from ((f"productions.{number}.producer", made.producer), (f"productions.{number}.engine", made.engine))
    for number, trial in enumerate(run.trials):
        place = f"trials.{number}"
        yield from ((f"{place}.producer", trial.producer), (f"{place}.consumer", trial.consumer))
        yield f"{place}.engine", trial.engine
        if trial.producer_engine is not None:
            yield f"{place}.producer_engine", trial.producer_engine
    if run.vary:
        yield "vary.engine", run.vary.engine
        yield from (("vary.remedies.file", item.file) for item in run.vary.remedies if item.file is not None)
