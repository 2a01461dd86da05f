"""The pins of engines: boxes/engines.yaml, and the user's own pins in the cache."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lab import files
from lab.engines.kinds.table import KINDS, kind_of
from lab.engines.spec import EngineSpec
from lab.errors import ConfigError, did_you_mean
from lab.yamlfile import Strict, check, load

PINS = Path("engines") / "pins.yaml"  # in the cache: beside the archives, and for every checkout
VERSION = 1
ABOUT_PINS = """\
# Engine archives of your own, written by `lab engines add` and `lab engines pin`; `url: null` is a file that you added.
# boxes/engines.yaml has precedence. `lab engines remove NAME` removes an entry and its archive.
"""


class _File(Strict):
    """A file of pins; the keys of each pin depend on its kind."""

    version: int = VERSION
    engines: tuple[dict[str, Any], ...]


def read_engines(path: Path) -> dict[str, EngineSpec]:
    """The pins of a file by name; ConfigError for a kind, a key or a value that is wrong."""
    found: dict[str, EngineSpec] = {}
    file = load(path, _File)
    if file.version > VERSION:
        raise ConfigError(
            f"cannot use {path}: it has version {file.version}, this lab reads versions up to {VERSION}",
            hint=f"update lab, or move {path} away",
        )
    for entry in file.engines:
        if entry.get("name") in found:
            raise ConfigError(f"cannot use {path}: the engine {entry['name']} is listed twice")
        spec = _read_entry(entry, found, str(path))
        found[spec.name] = spec
    return found


def _read_entry(entry: Mapping[str, Any], earlier: Mapping[str, EngineSpec], path: str) -> EngineSpec:
    name, word = entry.get("name", "without a name"), entry.get("kind")
    if not isinstance(word, str) or word not in KINDS:
        near = did_you_mean(str(word), list(KINDS))
        raise ConfigError(
            f"cannot use {path}: engine {name}: kind is {word!r}{near}", hint=f"known kind names: {', '.join(KINDS)}"
        )
    kind, who = KINDS[word], f"{path}: {word} engine {name}"
    try:
        spec: EngineSpec = check(entry, kind.schema, who)
    except ConfigError as error:
        error.hint = next((hint for key, hint in kind.hints.items() if key not in entry), error.hint)
        raise
    if problem := kind.problem(spec, earlier):
        raise ConfigError(f"cannot use {who}: {problem}")
    return spec


def with_pins(known: Mapping[str, EngineSpec], path: Path) -> dict[str, EngineSpec]:
    """The known engines and the user's: a pin fills in a missing sum, and adds engines that are not known.

    An added engine has the rules and the needs of the known engine of its version. A pin that contradicts a known
    engine is a ConfigError: lab never chooses between two sums.
    """
    found = dict(known)
    for name, pin in read_pins(path).items():
        found[name] = _merge(known[name], pin, path) if name in known else _like_its_version(pin, known)
    return found


def _like_its_version(pin: EngineSpec, known: Mapping[str, EngineSpec]) -> EngineSpec:
    like = known.get((pin.version or "").partition("-")[0])
    return pin.model_copy(update={"rules": like.rules, "needs": like.needs}) if like else pin


def _merge(spec: EngineSpec, pin: EngineSpec, path: Path) -> EngineSpec:
    stated, pinned = kind_of(spec).sum_of(spec), kind_of(pin).sum_of(pin) or ""
    if stated == pinned:
        return spec
    filled: EngineSpec | None = kind_of(spec).with_sum(spec, pinned, kind_of(pin).url_of(pin))
    if stated is None and filled is not None and spec.version == pin.version:
        return filled
    raise ConfigError(
        f"cannot use {path}: its pin of {pin.name} contradicts boxes/engines.yaml",
        hint=f"python -m lab engines remove {pin.name}",
    )


def read_pins(path: Path) -> dict[str, EngineSpec]:
    """The user's pins by name; empty if there is no such file. ConfigError for a pin without a sum."""
    if not path.exists():
        return {}
    pins = read_engines(path)
    for pin in pins.values():
        if kind_of(pin).sum_of(pin) is None:
            raise ConfigError(f"cannot use {path}: the pin of {pin.name} has no sha256")
    return pins


def write_pins(path: Path, pins: Mapping[str, EngineSpec]) -> None:
    """Replace the user's pins; HostError if they cannot be written."""
    known = {"rules", "xattrs", "needs"}  # boxes/engines.yaml states these, if anything does
    engines = [pin.model_dump(mode="json", exclude=known) for pin in pins.values()]
    files.write(path, ABOUT_PINS + yaml.safe_dump({"version": VERSION, "engines": engines}, sort_keys=False))
