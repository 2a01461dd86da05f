"""The file of `lab matrix`: lineups x engines x builders x cases, and the runs that make them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from lab.errors import ConfigError
from lab.yamlfile import Strict, load

Word = Annotated[str, Field(min_length=1, pattern=r"^[^-\s,][^\s,]*$")]
LARGEST = 10_000  # combinations of a file
MOST_SHARDS = 256  # what one matrix of GitHub Actions can have


class Combination(Strict):
    """One lineup, case, engine and builder; without an engine or a builder, the usual ones."""

    lineup: Word
    case: Word
    engine: Word | None = None
    builder: Word | None = None


class Exclusion(Strict):
    """The combinations that are left out: those that match every given glob."""

    lineup: Word | None = None
    case: Word | None = None
    engine: Word | None = None
    builder: Word | None = None

    @model_validator(mode="after")
    def _some(self) -> Exclusion:
        if not self.model_dump(exclude_none=True):
            raise ValueError("it names nothing to leave out")
        return self

    def matches(self, item: Combination) -> bool:
        """True if the combination is left out."""
        given = self.model_dump(exclude_none=True)
        return all(fnmatchcase(getattr(item, name) or "", pattern) for name, pattern in given.items())


class MatrixFile(Strict):
    """A matrix: each lineup with each case, engine and builder, without `exclude`, and then with `include`.

    Without `engines` the boxes have their own, and without `builders` each engine has its usual one. `variations` are
    made in every cell. `shards` is the number of jobs that `--github` and `--gitlab` write; without it, as many as
    can have a trial.
    """

    lineups: tuple[Word, ...] = ()
    cases: tuple[Word, ...] = ()
    engines: tuple[Word, ...] = ()
    builders: tuple[Word, ...] = ()
    variations: tuple[Word, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    include: tuple[Combination, ...] = ()
    shards: Annotated[int, Field(ge=1, le=MOST_SHARDS)] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a matrix: a case on a lineup; `ways` are its engines with their builders, None for every pair."""

    lineup: str
    case: str
    engines: tuple[str, ...]
    builders: tuple[str, ...]
    ways: frozenset[tuple[str, str]] | None = None


@dataclass(frozen=True)
class Matrix:
    """A matrix as its file states it, with the runs that make it, in order."""

    file: MatrixFile
    jobs: tuple[Job, ...]

    @property
    def lineups(self) -> list[str]:
        """The lineups, each once."""
        return list(dict.fromkeys(job.lineup for job in self.jobs))


def read_matrix(path: Path) -> Matrix:
    """Read the file of a matrix; ConfigError for a wrong key, and for a matrix without or with too many cells."""
    file = load(path, MatrixFile)
    for axis in (file.lineups, file.cases, file.engines, file.builders, file.variations):
        if len(set(axis)) < len(axis):
            raise ConfigError(f"cannot use {path}: a list has one name twice")
    count = len(file.include)
    count += len(file.lineups) * len(file.cases) * max(len(file.engines), 1) * max(len(file.builders), 1)
    if count > LARGEST:
        raise ConfigError(f"cannot use {path}: it has {count} combinations, and at most {LARGEST} are allowed")
    included = [name for item in file.include for name in (item.engine, item.builder)]
    if "all" in (*file.engines, *file.builders, *included):
        raise ConfigError(f"cannot use {path}: `all` is no name here", hint="`python -m lab engines` lists the names")
    found = list(dict.fromkeys(_combinations(file)))
    if not found:
        raise ConfigError(
            f"cannot use {path}: it has no combination that is not excluded",
            hint="it needs `lineups` and `cases`, or `include`",
        )
    return Matrix(file, tuple(_jobs(path, found)))


def _combinations(file: MatrixFile) -> Iterator[Combination]:
    engines: Sequence[str | None] = file.engines or (None,)
    builders: Sequence[str | None] = file.builders or (None,)
    for lineup, case, engine, builder in product(file.lineups, file.cases, engines, builders):
        item = Combination(lineup=lineup, case=case, engine=engine, builder=builder)
        if not any(exclusion.matches(item) for exclusion in file.exclude):
            yield item
    yield from file.include


def _jobs(path: Path, items: Sequence[Combination]) -> Iterator[Job]:
    groups: dict[tuple[str, str], list[Combination]] = {}
    for item in items:
        groups.setdefault((item.lineup, item.case), []).append(item)
    for (lineup, case), group in groups.items():
        for name in ("engine", "builder"):
            if len({getattr(item, name) is None for item in group}) > 1:
                raise ConfigError(
                    f"cannot use {path}: only some combinations of {lineup} with {case} name the {name}",
                    hint=f"name the {name} in each entry of `include`, or nowhere",
                )
        engines = tuple(dict.fromkeys(item.engine for item in group if item.engine))
        builders = tuple(dict.fromkeys(item.builder for item in group if item.builder))
        pairs = frozenset((item.engine, item.builder) for item in group if item.engine and item.builder)
        is_whole = len(pairs) in (0, len(engines) * len(builders))
        yield Job(lineup, case, engines, builders, None if is_whole else pairs)
