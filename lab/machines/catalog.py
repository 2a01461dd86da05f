"""The boxes, lineups and engine pins of the folder boxes/: read, checked, and found by name."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from lab.boxes.kinds.table import KINDS, kind_of
from lab.boxes.specs import BoxSpec, Name
from lab.engines import stores
from lab.engines.pins import read_engines, with_pins
from lab.engines.spec import EngineSpec
from lab.errors import ConfigError, UsageError, did_you_mean, known_names
from lab.yamlfile import Strict, check, load, read

V = TypeVar("V")
LISTED = {"box": "boxes", "engine": "engines", "lineup": "boxes"}  # the verb that lists the names


class Lineup(Strict):
    """A named set of boxes, and the scenario that `lab repro` runs on it by default."""

    name: Name
    summary: str
    boxes: tuple[str, ...] = Field(min_length=1)
    scenario: str


class Catalog:
    """The content of boxes/; each file is read when it is first needed."""

    def __init__(self, folder: Path, pins: Path | None = None) -> None:
        self.folder = folder
        self.pins = pins  # the file of the user's own pins of engines

    @cached_property
    def boxes(self) -> dict[str, BoxSpec]:
        """Every box by name."""
        found: dict[str, BoxSpec] = {}
        for path in sorted(self.folder.glob("*.yaml")):
            if path.name != "engines.yaml":
                spec = _load_box(path)
                found[spec.name] = spec
        for spec in found.values():
            for engine in kind_of(spec).engines(spec):
                self._engine(engine, f"box {spec.name}", ConfigError)
        return found

    @cached_property
    def lineups(self) -> dict[str, Lineup]:
        """Every lineup by name."""
        found = {}
        for path in sorted((self.folder / "lineups").glob("*.yaml")):
            lineup = load(path, Lineup)
            _same_name(path, lineup.name)
            for box in lineup.boxes:
                pick(box, self.boxes, "box", f"lineup {lineup.name}", ConfigError)
            found[lineup.name] = lineup
        return found

    @cached_property
    def engines(self) -> dict[str, EngineSpec]:
        """Every engine by name; the user's pins fill in sums that boxes/engines.yaml leaves open."""
        found = read_engines(self.folder / "engines.yaml")
        return with_pins(found, self.pins) if self.pins else found

    def engine(self, name: str) -> EngineSpec:
        """The engine of that name, which may end with an image store, as in 26.1.5+containerd.

        Raises UsageError with the nearest name if there is none, or with the reason if it cannot have that store.
        """
        return self._engine(name)

    def has_engine(self, name: str) -> bool:
        """True if `engine` finds an engine of that name."""
        listed, store = stores.split(name)
        spec = self.engines.get(listed)
        return spec is not None and (listed == name or stores.problem(spec, store, self.engines) is None)

    def _engine(
        self, name: str, where: str = "", error: type[UsageError] | type[ConfigError] = UsageError
    ) -> EngineSpec:
        listed, store = stores.split(name)
        spec = pick(listed, self.engines, "engine", where, error)
        if listed == name:
            return spec
        if problem := stores.problem(spec, store, self.engines):
            raise error(f"cannot use the engine {name}{f' of {where}' if where else ''}: {problem}", hint=stores.HINT)
        return stores.with_store(spec, store)

    def box(self, name: str) -> BoxSpec:
        """The box of that name; UsageError with the nearest name otherwise."""
        return pick(name, self.boxes, "box")

    def lineup(self, name: str) -> Lineup:
        """The lineup of that name; UsageError with the nearest name otherwise."""
        return pick(name, self.lineups, "lineup")

    def lineup_of(self, box: str, chosen: str) -> str:
        """The lineup of a box: the chosen one if it has the box, else the first one that has it, else the chosen one.

        A box can be brought up by its name, whatever the lineup; later verbs use the lineup that its note names.
        """
        holding = [name for name, lineup in self.lineups.items() if box in lineup.boxes]
        return chosen if chosen in holding or not holding else holding[0]


def pick(
    name: str,
    known: dict[str, V],
    what: str,
    where: str = "",
    error: type[UsageError] | type[ConfigError] = UsageError,
) -> V:
    """The value of that name; otherwise an error that names the nearest known name and lists all of them."""
    if name in known:
        return known[name]
    place = f" of {where}" if where else ""
    raise error(
        f'cannot find the {what} "{name}"{place}{did_you_mean(name, list(known))}',
        hint=known_names(what, known, LISTED.get(what, "")),
    )


def _load_box(path: Path) -> BoxSpec:
    data = read(path)
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        near = did_you_mean(str(kind), list(KINDS))
        raise ConfigError(f"cannot use {path}: kind is {kind!r}{near}", hint=known_names("kind", KINDS))
    spec: BoxSpec = check(data, KINDS[kind].schema, str(path))
    _same_name(path, spec.name)
    return spec


def _same_name(path: Path, name: str) -> None:
    if path.stem != name:
        raise ConfigError(f'cannot use {path}: its name is "{name}", but the file is named "{path.stem}"')
