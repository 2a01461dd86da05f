"""Boxes, lineups and engine pins as they stand in boxes/: read, checked, found by name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from lab.boxes.specs import SPECS, BoxSpec, LocalSpec, Name
from lab.engines.pins import Engines, EngineSpec, check_engine, with_pins
from lab.errors import ConfigError, UsageError
from lab.yamlfile import Strict, check, did_you_mean, load, read

V = TypeVar("V")


class Lineup(Strict):
    """A named set of boxes, and the scenario that `lab repro` runs on it by default."""

    name: Name
    summary: str
    boxes: tuple[str, ...] = Field(min_length=1)
    scenario: str


class Catalog:
    """All that boxes/ holds; each file is read when it is first asked for."""

    def __init__(self, folder: Path, pins: Path | None = None) -> None:
        self.folder = folder
        self.pins = pins  # the user's own pins of engines, if there are any

    @cached_property
    def boxes(self) -> dict[str, BoxSpec]:
        """Every box by name."""
        found: dict[str, BoxSpec] = {}
        for path in sorted(self.folder.glob("*.yaml")):
            if path.name != "engines.yaml":
                spec = _load_box(path)
                found[spec.name] = spec
        for spec in found.values():
            private = spec.private if isinstance(spec, LocalSpec) else ()
            for engine in (*spec.engines, *spec.at_hand, *private):
                pick(engine, self.engines, "engine", f"box {spec.name}", ConfigError)
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
        """Every engine by name; a sum that boxes/engines.yaml leaves open may stand in the user's pins."""
        path = self.folder / "engines.yaml"
        found: dict[str, EngineSpec] = {}
        for spec in load(path, Engines).engines:
            if spec.name in found:
                raise ConfigError(f"cannot use {path}: engine {spec.name} stands there twice")
            check_engine(spec, found, str(path))
            found[spec.name] = spec
        return with_pins(found, self.pins) if self.pins else found

    def box(self, name: str) -> BoxSpec:
        """The box of that name; UsageError with the nearest name otherwise."""
        return pick(name, self.boxes, "box")

    def lineup(self, name: str) -> Lineup:
        """The lineup of that name; UsageError with the nearest name otherwise."""
        return pick(name, self.lineups, "lineup")

    def lineup_of(self, box: str, chosen: str) -> str:
        """The lineup a box is used in: the chosen one if it holds the box, else the first that does, else the chosen.

        A box may be brought up by name whatever the lineup; later verbs take the lineup its note names.
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
    """The value of that name; else an error that lists the known names and guesses the one meant."""
    if name in known:
        return known[name]
    place = f" of {where}" if where else ""
    raise error(f'cannot find the {what} "{name}"{place}{did_you_mean(name, list(known))}', hint=_known(what, known))


def _known(what: str, names: Iterable[str]) -> str:
    return f"known {what} names: {', '.join(names) or 'none'}"


def _load_box(path: Path) -> BoxSpec:
    data = read(path)
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in SPECS:
        guess = did_you_mean(str(kind), list(SPECS))
        raise ConfigError(f"cannot use {path}: kind is {kind!r}{guess}", hint=_known("kind", SPECS))
    spec = check(data, SPECS[kind], str(path))
    _same_name(path, spec.name)
    return spec


def _same_name(path: Path, name: str) -> None:
    if path.stem != name:
        raise ConfigError(f'cannot use {path}: its name is "{name}", its file says "{path.stem}"')
