"""Engines as data: what boxes/engines.yaml states of each, what each kind needs, and the user's own pins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field

from lab import files
from lab.errors import ConfigError
from lab.yamlfile import Strict, did_you_mean, load

EngineName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")]  # it names files and systemd units
Version = Annotated[str, Field(pattern=r"^\d+(\.\d+)+(-[a-z0-9.]+)?$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Package = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*(/[a-z][a-z0-9-]*)?$")]  # apt's name/suite too
RuleSet = Literal["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9"]
Kind = Literal["static", "distro", "debian", "reverted", "installed"]
PINS = Path("engines") / "pins.yaml"  # in the cache: beside the archives, and for every checkout
ABOUT_PINS = """\
# Sums of engine archives that `lab engines add` and `lab engines pin` found; boxes/engines.yaml comes first.
"""


def plain(version: str) -> str:
    """The upstream version of a distribution's, as 20.10.24 of 20.10.24+dfsg1."""
    return version.partition("+")[0]


class Needs(Strict):
    """What an engine needs of a box: `cgroup: v1` where it knows no other, `buildx` where its client is a plugin."""

    cgroup: Literal["v1"] | None = None
    buildx: bool = False


class Fix(Strict):
    """An upstream fix that an engine does without, in one sentence, and where it was made."""

    summary: str
    urls: tuple[str, ...] = Field(min_length=1)


class EngineSpec(Strict):
    """One pinned Docker.

    `static` is an archive from Docker: url and sha256, which may be null until it is pinned. `distro` is the box's
    own package; with suite and packages it can also be had as an archive, for machines without it. `debian` is
    always that archive. `reverted` is `base` with one `fix` taken back, built by boxes/engines/NAME.yaml.
    `installed` is whatever is there. `rules` names what its BuildKit hashes of a file; `xattrs: all` says that it
    hashes every attribute, whatever the rule set says.
    """

    name: EngineName
    version: Version | None = None
    kind: Kind
    url: str | None = None
    sha256: Sha256 | None = None
    suite: Word | None = None
    packages: tuple[Package, ...] = ()
    base: EngineName | None = None
    fix: Fix | None = None
    rules: RuleSet | None = None
    xattrs: Literal["all"] | None = None
    needs: Needs = Needs()

    @property
    def mark(self) -> str:
        """What a reverted engine says behind its version, as "unfixed"; nothing for every other."""
        return self.name.removeprefix(f"{self.base}-") if self.base else ""

    @property
    def archived(self) -> bool:
        """True if the engine can be had as an archive, for any machine."""
        return self.kind in ("static", "debian", "reverted") or bool(self.suite)


class Engines(Strict):
    """A file of engines: boxes/engines.yaml, or the user's pins."""

    engines: tuple[EngineSpec, ...]


ALWAYS = {"name", "kind", "rules", "xattrs", "needs"}
NEEDED: dict[str, tuple[str, ...]] = {
    "static": ("version",),
    "distro": ("version",),
    "debian": ("version", "suite", "packages"),
    "reverted": ("version", "base", "fix"),
    "installed": (),
}
ALLOWED = {
    "static": {"version", "url", "sha256"},
    "distro": {"version", "suite", "packages"},
    "debian": {"version", "suite", "packages"},
    "reverted": {"version", "base", "fix"},
    "installed": set[str](),
}


def check_engine(spec: EngineSpec, earlier: dict[str, EngineSpec], path: str) -> None:
    """Raise ConfigError for an engine that lacks what its kind needs, has what its kind cannot use, or a base that
    does not stand before it or cannot be had as an archive.
    """
    who = f"cannot use {path}: {spec.kind} engine {spec.name}"
    lacking = [key for key in NEEDED[spec.kind] if not getattr(spec, key)]
    if spec.kind == "static":
        # a sum may be open (null), but nobody leaves it out by oversight; a file that was added needs no url
        lacking += [key for key in ("url", "sha256") if key not in spec.model_fields_set]
    if lacking:
        hint = "nothing is used without its sha256; `sha256: null` says that it has to be pinned first"
        raise ConfigError(f"{who} needs {_and(lacking)}", hint=hint if "sha256" in lacking else None)
    useless = sorted(spec.model_fields_set - ALWAYS - ALLOWED[spec.kind])
    if useless:
        raise ConfigError(f"{who} cannot have {_and(useless)}")
    if bool(spec.suite) != bool(spec.packages):
        raise ConfigError(f"{who} needs suite and packages, or neither")
    if spec.kind == "reverted":
        _check_base(spec, earlier, who)


def _check_base(spec: EngineSpec, earlier: dict[str, EngineSpec], who: str) -> None:
    base = earlier.get(spec.base or "")
    if base is None:
        guess = did_you_mean(spec.base or "", list(earlier))
        raise ConfigError(f'{who}: its base "{spec.base}" does not stand before it{guess}')
    if base.suite is None:
        raise ConfigError(f"{who}: its base {base.name} needs suite and packages")
    if base.version != spec.version:
        raise ConfigError(f"{who}: its version is {spec.version}, that of its base {base.version}")
    if not spec.name.startswith(f"{base.name}-"):
        raise ConfigError(f"{who}: its name has to begin with {base.name}-, the name of its base")


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def with_pins(known: dict[str, EngineSpec], path: Path) -> dict[str, EngineSpec]:
    """The known engines and the user's: a pin gives a sum where there is none, and new engines after the known.

    A pin that says another sum than boxes/engines.yaml is a ConfigError, never a choice.
    """
    found = dict(known)
    for pin in read_pins(path).values():
        spec = known.get(pin.name)
        if spec is None:
            found[pin.name] = pin
        elif spec.sha256 is None and spec.kind == "static" and spec.version == pin.version:
            found[pin.name] = spec.model_copy(update={"sha256": pin.sha256})
        elif spec.sha256 != pin.sha256:
            raise ConfigError(
                f"cannot use {path}: it pins {pin.name} in another way than boxes/engines.yaml",
                hint=f"python -m lab engines remove {pin.name}",
            )
    return found


def read_pins(path: Path) -> dict[str, EngineSpec]:
    """The user's pins by name; none if there is no such file. ConfigError for a pin that is not static."""
    if not path.exists():
        return {}
    pins: dict[str, EngineSpec] = {}
    for pin in load(path, Engines).engines:
        check_engine(pin, {}, str(path))
        if pin.kind != "static" or pin.sha256 is None:
            raise ConfigError(f"cannot use {path}: {pin.name} is no static engine with its sha256")
        pins[pin.name] = pin
    return pins


def write_pins(path: Path, pins: dict[str, EngineSpec]) -> None:
    """Replace the user's pins; raise HostError if the disk refuses."""
    engines = [pin.model_dump(include={"name", "version", "kind", "url", "sha256"}) for pin in pins.values()]
    files.write(path, ABOUT_PINS + yaml.safe_dump({"engines": engines}, sort_keys=False))
