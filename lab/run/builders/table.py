"""The kinds of builder by their names: a new kind is one file here and one line in this table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lab.engines.engine import Engine
from lab.errors import UsageError, did_you_mean
from lab.machines.fleet import Later, Ready
from lab.run.builders.buildctl import Buildctl
from lab.run.builders.buildkit import BuildKit
from lab.run.builders.classic import Classic
from lab.run.builders.kind import Builder

BUILDERS: Mapping[str, Builder] = {"buildkit": BuildKit(), "classic": Classic(), "buildctl": Buildctl()}
USUAL: Mapping[str, str] = {"docker": "buildkit", "buildctl": "buildctl"}  # by the engine's client


def builder_of(name: str) -> Builder:
    """Return the builder of that name; UsageError with the nearest name if there is none."""
    if name not in BUILDERS:
        raise UsageError(
            f'cannot find the builder "{name}"{did_you_mean(name, list(BUILDERS))}',
            hint=f"builders: {', '.join(BUILDERS)}",
        )
    return BUILDERS[name]


def fitting(engine: str, client: str, builders: Sequence[str]) -> tuple[str, ...]:
    """Return those of the builders that call the engine's client; without any asked for, the client's usual one.

    Raises UsageError if none of them does.
    """
    if not builders:
        return (USUAL[client],)
    found = tuple(name for name in builders if builder_of(name).client == client)
    if not found:
        able = [name for name, item in BUILDERS.items() if item.client == client]
        raise UsageError(
            f"cannot build with the engine {engine} and the builder {', '.join(builders)}: "
            f"the engine's client is {client}",
            hint=f"builders of this engine: {', '.join(able)}",
        )
    return found


def named(engine: str, builder: str) -> str:
    """Return the name under which an engine appears in a run with a builder: 20.10.24, or 20.10.24+classic."""
    return engine if builder in USUAL.values() else f"{engine}+{builder}"


def with_builders(ready: Ready, builders: Sequence[str]) -> Ready:
    """Return the same box with each engine once for each builder that fits it; the engine that runs is the same.

    Without builders, each engine has its usual one. Raises UsageError for an engine that no builder fits.
    """
    engines = tuple(
        _by(engine, name) for engine in ready.engines for name in fitting(engine.name, engine.program, builders)
    )
    later = tuple(
        Later(named(item.name, name), lambda item=item, name=name: _built_by(item.start(), name), item.program)  # type: ignore[misc]
        for item in ready.later
        for name in fitting(item.name, item.program, builders)
    )
    return replace(ready, engines=engines, later=later)


def names_with(engines: Iterable[str], builders: Sequence[str], ready: Sequence[Ready]) -> tuple[str, ...]:
    """Return the names of these engines, which are on the boxes, with each builder that fits."""
    clients = clients_of(ready)
    return tuple(
        named(engine, builder)
        for engine in engines
        for builder in fitting(engine, clients.get(engine, "docker"), builders)
    )


def clients_of(ready: Sequence[Ready]) -> dict[str, str]:
    """Return the client of each engine on these boxes."""
    return {
        **{engine.name: engine.program for box in ready for engine in box.engines},
        **{later.name: later.program for box in ready for later in box.later},
    }


def _built_by(engine: Engine | None, builder: str) -> Engine | None:
    return None if engine is None else _by(engine, builder)


def _by(engine: Engine, builder: str) -> Engine:
    return replace(engine, name=named(engine.name, builder), builder=builder)
